"""A person who wants to be asked: two tabs, a reload, a form without a script, and what is on record afterwards."""

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.e2e.examine import examine
from tests.e2e.installation import Installation
from tests.e2e.journey import audit_rows, send, sign_in, visiting

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOOL = "slack_mentions"
QUESTION = "May the AI read your mentions in Slack?"
ANSWERS = ["Allow once", "Allow in this conversation", "Always allow", "No", "I need more time"]


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def visitor(browser: Browser, installation: Installation) -> AsyncIterator[Page]:
    """Somebody with Slack, who wants to be asked before their mentions are read."""
    async with visiting(browser, installation.app_url) as page:
        await sign_in(page)
        await page.goto("/auth/connect/slack")
        await page.get_by_role("button", name=re.compile("Continue to")).click()
        await page.get_by_role("button", name="Allow").click()
        await set_mode(page, "Ask")
        yield page


async def set_mode(page: Page, mode: str) -> None:
    """Choose what the tool may do, on the permission page."""
    await page.goto("/settings/permissions/")
    card = page.get_by_role("region", name="Slack")
    await card.locator("summary", has_text="What the AI may read of Slack").click()
    await card.get_by_label("Your mentions in Slack").select_option(mode)
    await card.get_by_role("button", name="Save what the AI may read of Slack").click()
    await expect(page.get_by_text("What the AI may read of Slack is saved")).to_be_visible()


async def ask(page: Page) -> None:
    """Ask something new that reads mentions, and wait for the question."""
    await page.goto("/")
    await send(page, "What did I work on yesterday?")
    await expect(page.get_by_role("group", name=QUESTION)).to_be_visible()


async def finished(page: Page) -> None:
    """Wait for the end of the run."""
    await expect(page.get_by_role("link", name="See it in the audit")).to_be_visible(timeout=60_000)


async def test_a_question_takes_no_focus_is_said_and_is_reached_by_keyboard(visitor: Page) -> None:
    await ask(visitor)
    await expect(visitor.get_by_role("textbox")).to_be_focused()
    await expect(visitor.locator("[data-announcer]")).to_contain_text("asks whether it may read your mentions in Slack")
    question = visitor.get_by_role("group", name=QUESTION)
    for name in ANSWERS:
        await expect(question.get_by_role("button", name=name, exact=True)).to_be_visible()
    await expect(visitor.locator("[data-run]").get_by_text("Waiting for your answer", exact=True)).to_be_visible()
    await visitor.locator(".call summary", has_text="mentions").focus()
    await visitor.keyboard.press("Tab")
    await expect(question.get_by_role("button", name="Allow once")).to_be_focused()
    await visitor.keyboard.press("Enter")
    await expect(question).to_be_hidden()
    assert await visitor.evaluate("document.activeElement.tagName") == "SUMMARY"
    await finished(visitor)
    await expect(visitor.locator(".call[data-state=done]", has_text="mentions")).to_be_visible()


async def test_a_question_survives_a_reload_and_two_tabs_show_the_same(visitor: Page) -> None:
    await ask(visitor)
    # What an earlier second told is history to the page that comes now; this question is not.
    await visitor.wait_for_timeout(1100)
    await visitor.reload()
    await expect(visitor.get_by_role("group", name=QUESTION)).to_be_visible()
    await expect(visitor.locator("[data-announcer]")).to_contain_text("asks whether it may read your mentions in Slack")
    other = await visitor.context.new_page()
    await other.goto(visitor.url)
    question = other.get_by_role("group", name=QUESTION)
    await question.get_by_role("button", name="No", exact=True).click()
    for page in (other, visitor):
        await expect(page.get_by_role("group", name=QUESTION)).to_be_hidden()
        await finished(page)
        await expect(page.locator("[data-run]").get_by_text("You said no when you were asked").first).to_be_visible()
        await expect(page.locator(".coverage")).to_contain_text("Slack not read, you said no")
    await other.close()
    await visitor.reload()
    await finished(visitor)
    await expect(visitor.get_by_role("group", name=QUESTION)).to_be_hidden()


async def test_more_time_is_had_at_a_press_and_keeps_the_focus(visitor: Page) -> None:
    """WCAG 2.2, 2.2.1."""
    await ask(visitor)
    question = visitor.get_by_role("group", name=QUESTION)
    before = str(await question.locator("time").get_attribute("datetime"))
    more = question.get_by_role("button", name="I need more time")
    await more.focus()
    await visitor.keyboard.press("Enter")
    await expect(question.locator("time")).not_to_have_attribute("datetime", before)
    await expect(more).to_be_focused()
    await expect(visitor.locator("[data-announcer]")).to_contain_text(re.compile("You have until .* to answer"))
    for _ in range(9):
        before = str(await question.locator("time").get_attribute("datetime"))
        await visitor.keyboard.press("Enter")
        await expect(question.locator("time")).not_to_have_attribute("datetime", before)
    await expect(more).to_be_hidden()
    await expect(question.get_by_role("button", name="No", exact=True)).to_be_focused()
    await visitor.keyboard.press("Enter")
    await finished(visitor)


async def test_the_runs_own_page_asks_without_a_script(visitor: Page, browser: Browser) -> None:
    await ask(visitor)
    run = await visitor.locator("[data-run]").first.get_attribute("data-run")
    async with visiting(browser, visitor.url, has_scripts=False, like=visitor) as page:
        await page.goto(f"/runs/{run}/")
        await page.get_by_role("group", name=QUESTION).get_by_role("button", name="Allow in this conversation").click()
        await expect(page.get_by_text("You allowed it.")).to_be_visible()
        await expect(page.get_by_role("group", name=QUESTION)).to_have_count(0)
    await finished(visitor)


async def test_what_was_allowed_in_a_conversation_asks_no_more_until_it_is_taken_back(visitor: Page) -> None:
    await send(visitor, "And the day before?")
    await expect(visitor.get_by_role("link", name="See it in the audit")).to_have_count(2, timeout=60_000)
    chat = visitor.url
    await visitor.goto("/settings/permissions/")
    await visitor.get_by_role("button", name=re.compile("Take back.*mentions")).click()
    await expect(visitor.get_by_text("you are asked again from the next read on")).to_be_visible()
    await visitor.goto(chat)
    await send(visitor, "And yesterday?")
    await expect(visitor.get_by_role("group", name=QUESTION)).to_be_visible()


async def test_a_run_can_be_stopped_while_it_asks(visitor: Page) -> None:
    await visitor.get_by_role("button", name="Stop the briefing").click()
    await expect(visitor.get_by_role("group", name=QUESTION)).to_be_hidden()
    await expect(visitor.get_by_text("You stopped this.")).to_be_visible()


async def test_always_is_the_tools_switch_and_everything_is_on_record(visitor: Page) -> None:
    await ask(visitor)
    await visitor.get_by_role("button", name="Always allow").click()
    await finished(visitor)
    rows = "\n".join(await audit_rows(visitor, "service=slack"))
    for sentence in (
        "You were asked whether the AI may read your mentions in Slack.",
        "You let the AI read your mentions in Slack: once.",
        "The AI was not allowed to read your mentions in Slack: you said no.",
        "You let the AI read your mentions in Slack: in that conversation.",
        "You no longer let the AI read your mentions in Slack in one conversation.",
        "The AI was not allowed to read your mentions in Slack: the run ended before you answered.",
        "You let the AI read your mentions in Slack: always.",
        "You changed whether the AI may read your mentions in Slack: ask → allow.",
    ):
        assert sentence in rows
    await visitor.goto("/")
    await send(visitor, "What did I work on yesterday?")
    await finished(visitor)


async def test_a_page_that_asks_has_no_fault(visitor: Page) -> None:
    await set_mode(visitor, "Ask")
    await ask(visitor)
    address = visitor.url

    async def show() -> None:
        await visitor.goto(address)
        await expect(visitor.get_by_role("group", name=QUESTION)).to_be_visible()

    assert await examine(visitor, show, name="asking") == []
