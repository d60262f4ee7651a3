"""The forms of the permission centre by keyboard alone: pause, away, leave something out, see a plan."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.e2e.examine import examine
from tests.e2e.installation import Installation
from tests.e2e.journey import sign_in, visiting

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("visitor")]

PAGE = "/settings/permissions/"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def visitor(browser: Browser, connected_installation: Installation) -> AsyncIterator[Page]:
    """Maya, who has no mouse."""
    async with visiting(browser, connected_installation.app_url) as page:
        await sign_in(page)
        yield page


async def open_fold(page: Page, name: str) -> Locator:
    """Open one of the disclosures of Slack's card and return the card."""
    await page.goto(PAGE)
    card = page.get_by_role("region", name="Slack")
    await card.locator("summary", has_text=name).focus()
    await page.keyboard.press("Enter")
    return card


async def press(page: Page, button: Locator) -> None:
    await button.focus()
    await page.keyboard.press("Enter")


async def test_a_service_is_allowed_while_away_and_not_again(visitor: Page) -> None:
    card = await open_fold(visitor, "while you are away")
    await press(visitor, card.get_by_role("button", name="Allow Slack while I am away"))
    await expect(visitor.get_by_text("may be read while you are away").first).to_be_visible()
    card = await open_fold(visitor, "while you are away")
    await press(visitor, card.get_by_role("button", name="Do not read Slack while I am away"))
    await expect(visitor.get_by_text("is not read while you are away").first).to_be_visible()


async def test_a_pause_is_begun_told_with_its_end_and_ended(visitor: Page) -> None:
    card = await open_fold(visitor, "Pause")
    await press(visitor, card.get_by_role("button", name="Pause for an hour"))
    await expect(card.get_by_text("Paused", exact=True)).to_be_visible()
    await expect(card.locator(".card-meaning time").first).to_be_visible()
    await press(visitor, card.get_by_role("button", name="Restore"))
    await expect(card.get_by_text("Connected", exact=True)).to_be_visible()


async def test_something_is_left_out(visitor: Page) -> None:
    await visitor.goto(f"{PAGE}exclusions")
    field = visitor.get_by_label("Repositories")
    await field.focus()
    await visitor.keyboard.type("tidewater/payroll")
    await press(visitor, visitor.get_by_role("button", name="Save"))
    await expect(visitor.get_by_text("What is left out is saved").first).to_be_visible()
    await expect(visitor.get_by_label("Repositories")).to_have_value("tidewater/payroll")


async def test_slack_is_connected_again_with_less(visitor: Page) -> None:
    await visitor.goto(PAGE)
    card = visitor.get_by_role("region", name="Slack")
    await press(visitor, card.get_by_role("link", name="Reconnect Slack"))
    await visitor.get_by_label("Messages that mention you").focus()
    await visitor.keyboard.press("Space")
    await press(visitor, visitor.get_by_role("button", name="Continue to Slack"))
    await expect(visitor.get_by_text("search:read")).to_have_count(0)
    await press(visitor, visitor.get_by_role("button", name="Allow"))
    await expect(visitor.get_by_text("Slack is connected as").first).to_be_visible()
    card = await open_fold(visitor, "What Slack granted")
    await expect(card.get_by_text("channels:history", exact=True)).to_be_visible()
    await expect(card.get_by_text("search:read")).to_have_count(0)
    await expect(card.get_by_role("link", name="Let it also read: Messages that mention you")).to_be_visible()


async def test_a_tool_is_blocked_and_allowed_again(visitor: Page) -> None:
    for letter, told in (("b", ": 1 blocked"), ("a", "")):
        card = await open_fold(visitor, "What the AI may read of Slack")
        mode = card.locator("select").first
        await mode.focus()
        await visitor.keyboard.press(letter)
        await press(visitor, card.get_by_role("button", name="Save what the AI may read of Slack"))
        await expect(visitor.get_by_text("What the AI may read of Slack is saved").first).to_be_visible()
        await expect(card.locator("summary", has_text="What the AI may read of Slack")).to_have_text(
            f"What the AI may read of Slack{told}"
        )
        await expect(mode).to_have_value("block" if letter == "b" else "allow")


async def test_what_would_be_read_is_reached_and_reads_well(visitor: Page) -> None:
    await visitor.goto(PAGE)
    await press(visitor, visitor.get_by_role("link", name="What would be read?"))
    await expect(visitor.get_by_role("heading", name="What would be read", level=1)).to_be_visible()
    await press(visitor, visitor.get_by_role("link", name="What needs my review?").first)
    await expect(visitor.get_by_role("heading", name="What needs my review?", level=2)).to_be_visible()

    async def show() -> None:
        await visitor.goto("/plan/standup/")

    assert await examine(visitor, show, name="plan") == []
