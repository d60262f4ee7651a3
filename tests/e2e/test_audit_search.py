"""Finding in the timeline: by keyboard with suggestions, by links alone, and on to why something was read."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.e2e.examine import examine
from tests.e2e.installation import Installation
from tests.e2e.journey import ask, connect, sign_in, visiting

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOKEN = "ghu_16C7e42F292c6912E7710c838347Ae178B4a"

# Prints the GitHub token of the demo user, as a program that acts for them gets it.
HAND_OUT = """
import asyncio, time
from django.contrib.auth.models import User
from vault.client.tokens import Actor, exchange
user = f"user:{User.objects.get(username='demo:maya').pk}"
actor = Actor(agent="agent:devcontext", run="a-run", tool="github_activity", tool_call="toolu_1")
asked = dict(user=user, sid="cli:test", auth_time=time.time(), provider="github", scope="", actor=actor)
print(asyncio.run(exchange(**asked)).access_token)
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def page(browser: Browser, installation: Installation) -> AsyncIterator[Page]:
    """The demo user's, who had a briefing made from GitHub alone."""
    async with visiting(browser, installation.app_url, expected="status of 503") as page:
        await sign_in(page)
        await connect(page, "github")
        await page.goto("/")
        await ask(page, "Brief me for standup")
        yield page


def options(page: Page) -> Locator:
    """Return the suggestions that are shown."""
    return page.get_by_role("listbox", name="Suggestions").get_by_role("option")


async def test_a_search_is_completed_by_keyboard_and_told_aloud(page: Page) -> None:
    await page.goto("/audit/")
    field = page.get_by_role("combobox", name="Search the timeline")
    await field.fill("outc")
    await expect(options(page)).to_have_count(1)
    await expect(page.locator("[data-announcer]")).to_have_text("1 suggestion.")
    await field.press("ArrowDown")
    active = str(await field.get_attribute("aria-activedescendant"))
    await expect(page.locator(f"#{active}[aria-selected=true]")).to_contain_text("outcome:")
    await field.press("Enter")
    await expect(field).to_have_value("outcome:")
    await expect(options(page)).to_have_count(4)

    async def show() -> None:
        await page.goto("/audit/")
        await field.press_sequentially("service:")
        await expect(options(page)).to_have_count(3)

    assert await examine(page, show, name="suggestions") == []
    await page.goto("/audit/")
    await field.press_sequentially("outcome:den")
    await expect(options(page)).to_have_count(1)
    await field.press("ArrowDown")
    await field.press("Tab")
    await expect(field).to_have_value("outcome:denied ")
    await field.press("Escape")
    await expect(field).to_have_attribute("aria-expanded", "false")
    await field.press("Enter")
    await expect(page).to_have_url(re.compile(r"q=outcome%3Adenied"))
    assert {(await pill.inner_text()).strip() for pill in await page.locator(".event .pill").all()} == {"Denied"}


async def test_each_part_has_a_link_that_takes_it_out(page: Page) -> None:
    await page.goto("/audit/?q=service:github+outcome:granted")
    await page.get_by_role("link", name="Remove outcome:granted").click()
    await expect(page.get_by_label("Search the timeline")).to_have_value("service:github")
    await page.get_by_role("link", name="Slack", exact=True).click()
    await expect(page.get_by_label("Search the timeline")).to_have_value("service:slack")
    await page.get_by_role("link", name="Show everything").click()
    await expect(page.get_by_label("Search the timeline")).to_have_value("")


async def test_a_token_stays_in_the_field(page: Page) -> None:
    await page.goto("/audit/")
    field = page.get_by_label("Search the timeline")
    await field.fill(f"token:{TOKEN}")
    await field.press("Enter")
    await expect(page.locator("[data-announcer]")).to_contain_text("This looks like a token. It was not sent")
    assert TOKEN not in page.url


async def test_a_token_that_leaked_leads_to_what_was_done_with_it(page: Page, installation: Installation) -> None:
    await page.goto("/audit/")

    async def show() -> None:
        await page.goto("/audit/")
        await page.get_by_text("A token leaked: what did it do?").click()

    assert await examine(page, show, name="a leaked token") == []
    token = installation.manage("app", "shell", "-c", HAND_OUT).stdout.split()[-1]
    for pasted, told in ((TOKEN, "DevContext never handed it out for you."), (token, "This is all that is on record")):
        await show()
        await page.get_by_label("The token").fill(pasted)
        await page.get_by_role("button", name="Find what it did").click()
        await expect(page.get_by_text(told)).to_be_visible()
        await expect(page).to_have_url(re.compile(r"q=token%3A[0-9a-f]{32}$"))
        assert pasted.encode() not in installation.written_bytes()
    await expect(page.locator(".event-sentence").filter(has_text="GitHub token exchanged")).not_to_have_count(0)
    await expect(page.locator(".event-sentence").filter(has_text="Read ")).not_to_have_count(0)


async def test_a_day_is_jumped_to_and_what_fits_is_saved(page: Page) -> None:
    await page.goto("/audit/?q=service:github")
    await page.get_by_label("Jump to the day").fill("2020-01-01")
    await page.get_by_role("button", name="Search", exact=True).click()
    await expect(page.get_by_text("Nothing matches this search.")).to_be_visible()
    await page.goto("/audit/?q=service:github")
    async with page.expect_download() as saving:
        await page.get_by_role("link", name="as CSV").click()
    saved = await saving.value
    assert re.fullmatch(r"devcontext-audit-[\d-]{10}-to-[\d-]{10}\.csv", saved.suggested_filename)


async def test_a_read_leads_to_its_question_and_back(page: Page) -> None:
    await page.goto("/audit/?q=service:github+event:agent:call:succeeded")
    await page.locator(".event summary").first.click()
    await page.get_by_role("link", name="why was this read?").first.click()
    await expect(page.get_by_role("heading", name="Why was this read?")).to_be_visible()
    steps = page.get_by_role("region", name="It was checked, exchanged and read")
    await expect(steps.get_by_text("token exchanged")).not_to_have_count(0)
    await page.get_by_role("link", name="Brief me for standup").last.click()
    await expect(page).to_have_url(re.compile(r"/runs/"))
    await page.get_by_role("link", name="See it in the audit").click()
    await expect(page.get_by_label("Search the timeline")).to_have_value(re.compile("^run:"))


async def test_a_row_unfolds_what_is_on_record_of_it(page: Page) -> None:
    await page.goto("/audit/?q=service:github+event:exchange:granted")
    row = page.locator(".event").first
    await row.locator("summary").focus()
    await page.keyboard.press("Enter")
    await expect(row.locator(".facts")).to_contain_text("Token fingerprint")
    await expect(row.locator("summary")).to_be_focused()
    await expect(row.get_by_role("link", name="Everything about event")).to_have_count(0)
    await row.get_by_role("link", name="a page of its own").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(r"^Event \d+$"))

    async def show() -> None:
        await page.goto("/audit/?q=service:github+event:exchange:granted")
        await row.locator("summary").click()
        await expect(row.locator(".facts")).to_be_visible()

    assert await examine(page, show, name="an open row") == []


async def test_a_row_keeps_its_link_where_no_answer_comes(page: Page) -> None:
    await page.goto("/audit/?q=service:github+event:exchange:granted")
    await page.route("**/facts/", lambda route: route.fulfill(status=503))
    row = page.locator(".event").first
    async with page.expect_response(re.compile("/facts/$")):
        await row.locator("summary").click()
    await expect(row).not_to_have_attribute("aria-busy", "true")
    await expect(row.get_by_role("link", name="Everything about event")).to_be_visible()
    await page.unroute("**/facts/")
    await row.locator("summary").click()
    await row.locator("summary").click()
    await expect(row.locator(".facts")).to_contain_text("Token fingerprint")


async def test_a_search_is_saved_found_again_and_deleted(page: Page) -> None:
    """By a form and links alone."""
    await page.goto("/audit/?q=service:github+outcome:granted")
    await page.get_by_text("Save this search").click()
    await page.get_by_label("Name of the search").fill("Granted by GitHub")
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("“Granted by GitHub” is saved.")).to_be_visible()
    await page.goto("/audit/")
    kept = page.get_by_role("navigation", name="Saved searches")
    await kept.get_by_role("link", name="Granted by GitHub").click()
    await expect(page.get_by_label("Search the timeline")).to_have_value("service:github outcome:granted")

    async def show() -> None:
        await page.goto("/audit/?q=service:github+outcome:granted")
        await page.get_by_text("Save this search").click()
        await page.get_by_text("Change saved searches").click()

    assert await examine(page, show, name="saved searches") == []
    await show()
    await kept.get_by_role("button", name="Delete Granted by GitHub").click()
    await expect(page.get_by_text("“Granted by GitHub” is deleted.")).to_be_visible()
    await expect(page.get_by_label("Search the timeline")).to_have_value("service:github outcome:granted")
    await expect(kept).to_have_count(0)


async def test_it_works_without_javascript(browser: Browser, installation: Installation, page: Page) -> None:
    async with visiting(browser, installation.app_url, has_scripts=False, like=page) as plain:
        await plain.goto("/audit/")
        await plain.get_by_label("Search the timeline").fill("service:github exchanged colour:red")
        await plain.get_by_role("button", name="Search", exact=True).click()
        await expect(plain.get_by_role("alert")).to_contain_text("There is no “colour:” to search by")
        await expect(plain.locator(".event-sentence").first).to_contain_text("GitHub token exchanged")
        await plain.locator(".event summary").first.click()
        await plain.get_by_role("link", name="Everything about event").first.click()
        await expect(plain.locator(".facts")).to_contain_text("Token fingerprint")
