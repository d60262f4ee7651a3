"""Names to complete while a question is written: by keyboard alone, said aloud, and never in the way of writing on."""

from typing import Any
from urllib.parse import parse_qs

import pytest
from playwright.async_api import Locator, Page, Route, expect

from tests.e2e.run_socket_peer import Peer

pytestmark = pytest.mark.asyncio(loop_scope="module")

REPOSITORIES = ["tidewater/harbor-api", "tidewater/harbor-web", "tidewater/ledger", "maya/dotfiles"]


async def answering(page: Page, **answer: Any) -> list[dict[str, list[str]]]:
    """Answer what the page asks to complete, and return what it has asked."""
    asked: list[dict[str, list[str]]] = []

    async def respond(route: Route) -> None:
        asked.append(parse_qs(route.request.post_data or ""))
        await route.fulfill(json={"names": [], "is_cut": False, "message": ""} | answer)

    await page.route("**/complete/", respond)
    await page.goto("/")
    await page.get_by_label("Your question").focus()
    return asked


def options(page: Page) -> Locator:
    return page.get_by_role("listbox", name="Names").get_by_role("option")


async def test_a_name_is_found_chosen_and_put_in_by_keyboard_and_asked_for_once(page: Page, peer: Peer) -> None:
    asked = await answering(page, names=REPOSITORIES)
    box = page.get_by_label("Your question")
    await page.keyboard.type("What changed in @")
    await expect(options(page)).to_have_text(REPOSITORIES)
    await expect(page.locator("[data-announcer]")).to_have_text("4 names.")
    await page.keyboard.type("harb")
    await expect(options(page)).to_have_text(REPOSITORIES[:2])
    await expect(page.locator("[data-announcer]")).to_have_text("2 names.")
    active = str(await box.get_attribute("aria-activedescendant"))
    await expect(page.locator(f"#{active}")).to_have_text(REPOSITORIES[0])
    await page.keyboard.press("ArrowDown")
    active = str(await box.get_attribute("aria-activedescendant"))
    await expect(page.locator(f"#{active}[aria-selected=true]")).to_have_text(REPOSITORIES[1])
    await expect(box).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(box).to_have_value("What changed in tidewater/harbor-web ")
    await expect(options(page)).to_have_count(0)
    assert await box.get_attribute("aria-activedescendant") is None
    await page.keyboard.type("today?")
    await page.keyboard.press("Enter")
    (sent,) = await peer.receive("send")
    assert sent["text"] == "What changed in tidewater/harbor-web today?"
    assert [one["sign"] for one in asked] == [["@"]]
    assert set(asked[0]) == {"sign", "csrfmiddlewaretoken"}


async def test_escape_closes_the_list_for_that_word_and_leaves_what_was_typed(page: Page, peer: Peer) -> None:
    asked = await answering(page, names=["#deploys", "#design"])
    box = page.get_by_label("Your question")
    await page.keyboard.type("#de")
    await expect(options(page)).to_have_count(2)
    await page.keyboard.press("Escape")
    await expect(options(page)).to_have_count(0)
    await page.keyboard.type("p")
    await expect(box).to_have_value("#dep")
    # Longer than a list waits for more letters: it stays closed, and is not just late.
    await page.wait_for_timeout(400)
    await expect(options(page)).to_have_count(0)
    assert len(asked) == 1
    await page.keyboard.type(" #de")
    await expect(options(page)).to_have_count(2)
    await page.keyboard.press("Tab")
    await expect(box).to_have_value("#dep #deploys ")
    assert len(asked) == 2


async def test_a_click_chooses_and_the_box_keeps_the_focus(page: Page, peer: Peer) -> None:
    await answering(page, names=REPOSITORIES)
    await page.keyboard.type("@led")
    await options(page).first.click()
    await expect(page.get_by_label("Your question")).to_have_value("tidewater/ledger ")
    await expect(page.get_by_label("Your question")).to_be_focused()


async def test_a_refused_service_says_why_and_completes_nothing(page: Page, peer: Peer) -> None:
    sentence = "AI access to GitHub is revoked."
    await answering(page, message=sentence)
    await page.keyboard.type("@")
    await expect(page.locator("[data-completion-note]")).to_have_text(sentence)
    await expect(page.locator("[data-announcer]")).to_have_text(sentence)
    await expect(options(page)).to_have_count(0)
    await page.keyboard.type("harbor is fine")
    await expect(page.locator("[data-completion]")).to_be_hidden()
    await page.keyboard.press("Enter")
    (sent,) = await peer.receive("send")
    assert sent["text"] == "@harbor is fine"


async def test_numbers_of_issues_addresses_and_plain_words_ask_for_nothing(page: Page, peer: Peer) -> None:
    asked = await answering(page, names=REPOSITORIES)
    await page.get_by_label("Your question").fill("Is #412 of maya@example.com done?")
    await page.keyboard.type(" @led")
    await expect(options(page)).to_have_count(1)
    assert [one["sign"] for one in asked] == [["@"]]


async def test_nothing_found_is_no_list_and_enter_sends(page: Page, peer: Peer) -> None:
    await answering(page, names=REPOSITORIES)
    await page.keyboard.type("@l")
    await expect(options(page)).to_have_count(2)
    await page.keyboard.type("zz")
    await expect(page.locator("[data-completion]")).to_be_hidden()
    await page.keyboard.press("Enter")
    await peer.receive("send")
