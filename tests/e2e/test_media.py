"""Pages on paper, and in the colours that a reader's system forces on them."""

from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.e2e.examine import FOCUS_IS_SEEN, faults, tab_stops
from tests.e2e.installation import Installation
from tests.e2e.journey import ask, connect, sign_in, visiting
from tests.e2e.run_socket_peer import Peer

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What a page is there for, and is shown whatever else is hidden.
SUBJECTS = {
    "chat": ".turn .block",
    "run": ".run .block",
    "timeline": ".events > li",
    "permissions": ".card",
}
CHOOSE = "(theme) => localStorage.setItem('theme', theme)"
COLOURS = """() => {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(["background-color", "color", "color-scheme"].map((name) => [name, style[name]]));
}"""
IS_DRAWN = """(element) => {
  const style = getComputedStyle(element);
  return [["outline-style", "outline-width"], ["border-block-end-style", "border-block-end-width"]].some(
    ([line, width]) => style.getPropertyValue(line) !== "none" && parseFloat(style.getPropertyValue(width)) > 0
  );
}"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def member(browser: Browser, installation: Installation) -> AsyncIterator[Page]:
    """Somebody who is signed in and has connected GitHub."""
    async with visiting(browser, installation.app_url) as page:
        await sign_in(page)
        await connect(page, "github")
        yield page


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def addresses(member: Page) -> Mapping[str, str]:
    """Where a chat with a briefing is, its run's own page, the timeline and the permissions."""
    await member.goto("/")
    run = await ask(member, "Brief me for standup")
    return {
        "chat": member.url,
        "run": f"/runs/{run}/",
        "timeline": "/audit/",
        "permissions": "/settings/permissions/",
    }


async def is_drawn(locator: Locator) -> bool:
    """Tell whether the element has a line around or under it; a background or a shadow would be gone."""
    return bool(await locator.evaluate(IS_DRAWN))


@pytest.mark.parametrize("name", SUBJECTS)
async def test_a_page_is_printed_in_light_colours_without_its_frame_whatever_theme_was_chosen(
    member: Page, addresses: Mapping[str, str], name: str
) -> None:
    shown: dict[str, dict[str, str]] = {}
    for theme in ("light", "dark"):
        await member.goto(addresses[name])
        await member.evaluate(CHOOSE, theme)
        await member.reload()
        shown[theme] = await member.evaluate(COLOURS)
    assert shown["light"] != shown["dark"]
    await expect(member.locator(SUBJECTS[name]).first).to_be_visible()
    await expect(member.locator(".rail")).to_be_visible()
    try:
        await member.emulate_media(media="print")
        for fact, value in shown["light"].items():
            await expect(member.locator("html")).to_have_css(fact, value)
        for frame in (".rail", ".bar", ".strip", ".foot", ".composer", ".turn-actions", ".run-actions"):
            for part in await member.locator(frame).all():
                await expect(part).to_be_hidden()
        await expect(member.locator(SUBJECTS[name]).first).to_be_visible()
    finally:
        await member.emulate_media(media="screen")
        await member.evaluate("localStorage.clear()")


async def test_paper_is_asked_for_no_earlier_questions(page: Page) -> None:
    await page.goto("/?long")
    button = page.get_by_role("button", name="Show earlier questions")
    await expect(button).to_be_visible()
    await page.emulate_media(media="print")
    await expect(button).to_be_hidden()


@pytest.mark.parametrize("name", SUBJECTS)
async def test_forced_colours_leave_no_fault_and_every_place_of_the_focus_drawn(
    member: Page, addresses: Mapping[str, str], name: str
) -> None:
    await member.emulate_media(forced_colors="active")
    await member.goto(addresses[name])
    await expect(member.locator(SUBJECTS[name]).first).to_be_visible()
    assert await faults(member) == []
    if name != "run":
        assert await is_drawn(member.locator(".rail [aria-current=page]"))
    assert len(await tab_stops(member, limit=25)) > 10


async def test_forced_colours_draw_what_opens_above_a_page_and_the_focus_in_it(member: Page) -> None:
    await member.emulate_media(forced_colors="active")
    await member.goto("/plan/standup/")
    await expect(member.locator("main [aria-current=page]")).to_have_css("border-top-width", "2px")
    await member.get_by_role("button", name="GitHub:").click()
    assert await is_drawn(member.locator(".popover:popover-open"))
    await member.keyboard.press("Escape")
    await member.keyboard.press("Control+k")
    await expect(member.get_by_role("combobox", name="Go to or do")).to_be_focused()
    assert await member.evaluate(FOCUS_IS_SEEN)
    assert await is_drawn(member.locator(".palette"))
    assert await is_drawn(member.locator(".palette-option[aria-selected=true]"))
    assert await faults(member) == []


async def test_forced_colours_draw_a_word_in_the_corner(page: Page, peer: Peer) -> None:
    await page.emulate_media(forced_colors="active")
    await page.goto("/?old")
    await peer.receive("attach")
    peer.say({"type": "error", "code": "answered", "message": "This was answered elsewhere.", "question": "q1"})
    toast = page.locator(".toast")
    await expect(toast).to_be_visible()
    assert await is_drawn(toast)
    assert await faults(page) == []
