"""A person keeps their chats in a real browser on a whole installation; each step stands by itself, in any order."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.e2e.installation import Installation
from tests.e2e.journey import ask, connect, sign_in, visiting

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUESTION = "Brief me for standup"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def member(browser: Browser, installation: Installation) -> AsyncIterator[Page]:
    """Somebody who is signed in and has connected GitHub."""
    async with visiting(browser, installation.app_url) as page:
        await sign_in(page)
        await connect(page, "github")
        yield page


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def chat(member: Page) -> str:
    """The address of a chat with one answer."""
    await member.goto("/")
    await ask(member, QUESTION)
    return member.url


def row_of(page: Page, chat: str) -> Locator:
    """Return the line of a chat in the history."""
    path = "/" + chat.split("/", 3)[3]
    return page.locator(".chats-row").filter(has=page.locator(f'a[href="{path}"]'))


async def test_a_search_finds_an_answer_and_leads_to_its_run(member: Page, chat: str) -> None:
    await member.goto("/chats/")
    await member.get_by_role("searchbox").fill("standup service:github")
    await member.keyboard.press("Enter")
    found = member.locator(".chats-found").first
    await expect(found.locator("mark")).to_have_text(re.compile("standup", re.IGNORECASE))
    await found.get_by_role("link").first.click()
    await expect(member).to_have_url(re.compile("/runs/"))
    await expect(member.get_by_role("heading", level=1)).to_have_text(QUESTION)


async def test_a_search_for_what_was_never_said_says_so(member: Page, chat: str) -> None:
    await member.goto("/chats/?q=zebra")
    await expect(member.get_by_text("Nothing that you asked or were answered matches.")).to_be_visible()


async def test_a_chat_is_renamed_in_its_line(member: Page, chat: str) -> None:
    await member.goto("/chats/")
    row = row_of(member, chat)
    await row.locator("summary").click()
    await row.get_by_label("New name").fill("Release train")
    await member.keyboard.press("Enter")
    await expect(row.get_by_role("link", name="Release train", exact=True)).to_be_visible()
    await expect(member.get_by_text("The chat has its new name.").first).to_be_visible()


async def test_a_chat_is_pinned_and_let_go(member: Page, chat: str) -> None:
    await member.goto("/chats/")
    row = row_of(member, chat)
    pinned = member.get_by_role("region", name="Pinned")
    await row.get_by_role("button", name=re.compile("^Pin ")).click()
    await expect(row_of(member, chat).and_(pinned.locator(".chats-row"))).to_be_visible()
    await row.get_by_role("button", name=re.compile("^Unpin ")).click()
    await expect(pinned).to_be_hidden()
    await expect(row).to_be_visible()


async def test_a_deleted_chat_comes_back_by_one_button(member: Page, chat: str) -> None:
    await member.goto("/chats/")
    await row_of(member, chat).get_by_role("button", name=re.compile("^Delete ")).click()
    await expect(member.locator("main").get_by_text("It can be brought back for ten minutes")).to_be_visible()
    await expect(member.locator("[data-announcer]")).to_contain_text("It can be brought back for ten minutes")
    await expect(row_of(member, chat)).to_have_count(0)
    await member.get_by_role("button", name="Undo").click()
    await expect(row_of(member, chat)).to_be_visible()
    await member.goto(chat)
    await expect(member.locator("[data-run]")).to_have_count(1)


async def test_a_fork_goes_on_by_itself_and_its_original_stays(member: Page, chat: str) -> None:
    await member.goto(chat)
    await member.get_by_role("button", name="Fork from here").click()
    await expect(member.get_by_text("This is a new chat, up to that answer.").first).to_be_visible()
    assert member.url != chat
    await expect(member.locator("[data-run]")).to_have_count(1)
    run = await ask(member, "What needs my review?")
    await expect(member.locator("[data-run]")).to_have_count(2)
    await member.goto(f"/runs/{run}/")
    await expect(member.get_by_role("heading", level=1)).to_have_text("What needs my review?")
    await member.goto(chat)
    await expect(member.get_by_role("button", name="Fork from here")).to_have_count(1)


async def test_a_repository_is_completed_by_keyboard_until_its_service_is_revoked(member: Page) -> None:
    await member.goto("/")
    box = member.get_by_label("Your question")
    await box.focus()
    await member.keyboard.type("What changed in @")
    options = member.get_by_role("listbox", name="Names").get_by_role("option")
    await expect(options.first).to_be_visible(timeout=20_000)
    name = await options.nth(1).inner_text()
    await member.keyboard.press("ArrowDown")
    await member.keyboard.press("Tab")
    await expect(box).to_have_value(f"What changed in {name} ")

    await member.goto("/settings/permissions/")
    card = member.get_by_role("region", name="GitHub")
    await card.get_by_role("button", name="Revoke").click()
    await expect(card.get_by_text("Revoked", exact=True)).to_be_visible()
    await member.goto("/")
    await box.fill("")
    await member.keyboard.type("@")
    await expect(member.get_by_text("AI access to GitHub is revoked.").first).to_be_visible()
    await expect(options).to_have_count(0)
    await box.fill("")
    await member.goto("/settings/permissions/")
    await card.get_by_role("button", name="Restore").click()
    await expect(card.get_by_text("Connected", exact=True)).to_be_visible()


async def test_a_shared_file_opens_from_the_disk_and_asks_nobody(
    browser: Browser, member: Page, chat: str, tmp_path: Path
) -> None:
    await member.goto(chat)
    await member.locator("[data-copy-word]").click()
    async with member.expect_download() as coming:
        await member.get_by_role("link", name="One HTML file").click()
    download = await coming.value
    path = tmp_path / download.suggested_filename
    await download.save_as(path)
    context = await browser.new_context()
    page = await context.new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    await page.goto(path.as_uri(), wait_until="networkidle")
    await expect(page.get_by_role("heading", level=1)).to_have_text(QUESTION)
    await expect(page.get_by_text("local stand-ins")).to_be_visible()
    link = page.get_by_role("link").first
    await expect(link).to_have_attribute("rel", "noopener noreferrer")
    margin = await page.locator("body").evaluate("(body) => getComputedStyle(body).marginTop")
    await context.close()
    assert (asked, complaints) == ([path.as_uri()], [])
    assert margin == "0px", "the file's own style holds under its own policy"
