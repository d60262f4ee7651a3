"""New events appear on the timeline while somebody looks, and leave what is being read where it is."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.e2e.examine import examine
from tests.e2e.installation import Installation
from tests.e2e.journey import ask, connect, sign_in, visiting

pytestmark = pytest.mark.asyncio(loop_scope="module")

# Longer than a look of the server and one of a busy machine together.
PATIENCE_MS = 30_000


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def page(browser: Browser, installation: Installation) -> AsyncIterator[Page]:
    """The demo user's, who had a briefing made from GitHub alone."""
    # A server that ends takes its sockets with it, and a browser says so.
    async with visiting(browser, installation.app_url, expected="WebSocket|ERR_CONNECTION_REFUSED") as page:
        await sign_in(page)
        await connect(page, "github")
        await page.goto("/")
        await ask(page, "Brief me for standup")
        yield page


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def other(page: Page) -> Page:
    """Another page of the same person, on which something happens."""
    return await page.context.new_page()


async def flip(other: Page) -> None:
    """Make one event: revoke the service, or restore it."""
    await other.goto("/settings/permissions/")
    region = other.get_by_role("region", name="GitHub")
    await region.get_by_role("button", name=re.compile("Revoke|Restore")).first.click()
    await expect(other.get_by_text(re.compile("GitHub is (revoked|restored)")).first).to_be_visible()


def sentences(page: Page) -> Locator:
    return page.locator("[data-days] .event-sentence")


def pill(page: Page) -> Locator:
    return page.get_by_role("button", name=re.compile("Show .* new event"))


async def test_what_happens_appears_at_the_top_and_is_told_aloud(page: Page, other: Page) -> None:
    await page.goto("/audit/?q=service:github")
    before = await sentences(page).count()
    await flip(other)
    await expect(sentences(page).first).to_have_text("You revoked the AI's access to GitHub.", timeout=PATIENCE_MS)
    await expect(page.locator("[data-announcer]")).to_contain_text("1 new event.")
    assert await sentences(page).count() == before + 1
    assert await page.locator("[data-days] h2").count() == 1
    newest = str(await page.locator("[data-number]").first.get_attribute("data-number"))
    sealed = page.locator("[data-sealed-line]")
    await expect(sealed).to_contain_text(re.compile(f"Sealed to number {newest}|is newer"))


async def test_what_does_not_fit_the_search_does_not_appear(page: Page, other: Page) -> None:
    await page.goto("/audit/?q=service:github+event:restored")
    await flip(other)
    await flip(other)
    await expect(sentences(page)).to_have_text(["You restored the AI's access to GitHub."], timeout=PATIENCE_MS)
    await flip(other)
    await expect(sentences(page)).to_have_count(2, timeout=PATIENCE_MS)


async def test_new_rows_wait_while_something_is_read(page: Page, other: Page) -> None:
    await page.goto("/audit/?q=service:github")
    row = page.locator(".event summary").nth(8)
    await row.click()
    await row.scroll_into_view_if_needed()
    place = await row.bounding_box()
    await flip(other)
    await expect(pill(page)).to_have_text("Show 1 new event", timeout=PATIENCE_MS)
    await flip(other)
    await expect(pill(page)).to_have_text("Show 2 new events", timeout=PATIENCE_MS)
    assert await row.bounding_box() == place
    await pill(page).click()
    await expect(pill(page)).to_be_hidden()
    await expect(page.locator(".event summary").first).to_be_focused()

    async def show() -> None:
        await page.goto("/audit/?q=service:github")
        await page.locator(".event summary").first.click()
        await flip(other)
        await expect(pill(page)).to_be_visible(timeout=PATIENCE_MS)

    assert await examine(page, show, name="the pill of new events") == []


async def test_a_pause_lasts_until_one_follows_again(page: Page, other: Page) -> None:
    await page.goto("/audit/?q=service:github")
    before = await sentences(page).count()
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_text("Paused: nothing new is shown")).to_be_visible()
    await flip(other)
    # Longer than a look of the server.
    await page.wait_for_timeout(3_000)
    assert await sentences(page).count() == before
    await page.get_by_role("button", name="Follow").click()
    await expect(sentences(page)).to_have_count(before + 1, timeout=PATIENCE_MS)


async def test_a_page_comes_back_after_the_server_did(page: Page, other: Page, installation: Installation) -> None:
    await page.goto("/audit/?q=service:github")
    await expect(page.get_by_text("New events appear here")).to_be_visible()
    before = await sentences(page).count()
    installation.kill("app")
    await expect(page.get_by_text("The connection is lost.")).to_be_visible()
    installation.start("app")
    await flip(other)
    await expect(sentences(page)).to_have_count(before + 1, timeout=PATIENCE_MS)


async def test_without_javascript_the_page_is_as_before(
    browser: Browser, page: Page, installation: Installation
) -> None:
    async with visiting(browser, installation.app_url, has_scripts=False, like=page) as plain:
        await plain.goto("/audit/")
        await expect(plain.get_by_role("button", name="Pause")).to_be_hidden()
        await expect(sentences(plain).first).to_be_visible()
