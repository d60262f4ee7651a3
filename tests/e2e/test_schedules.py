"""A schedule in a real browser on a whole installation, from its form to the inbox, and what it may not read later."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.e2e.installation import Installation
from tests.e2e.journey import audit_rows, sign_in, visiting

# In the order in which they stand: each goes on with what the one before it left.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("visitor")]

CONSENT = "I let these services be read by this schedule while I am away."
# Slow enough to look at a briefing while it is made.
SLOW = {"provider": "slack", "case": "slow", "times": 20, "seconds": 6}
# The leave to read ended a minute ago.
EXPIRE = """
from datetime import timedelta
from django.utils import timezone
from agent.schedule_models import Schedule
from vault.models import Grant
ended_at = timezone.now() - timedelta(minutes=1)
Grant.objects.using("vault").update(expires_at=ended_at)
Schedule.objects.exclude(grant="").update(grant_expires_at=ended_at)
"""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def visitor(browser: Browser, connected_installation: Installation) -> AsyncIterator[Page]:
    """Maya, whose three services are connected; a form with a mistake is a 422, of which the browser complains."""
    async with visiting(browser, connected_installation.app_url, expected="status of 422") as page:
        await sign_in(page)
        yield page


async def open_schedule(page: Page, name: str = "Standup") -> None:
    await page.goto("/schedules/")
    await page.get_by_role("link", name=name, exact=True).click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)


def fact(page: Page, name: str) -> Locator:
    """Return what stands beside a term, such as the next dates."""
    return page.locator(".facts > div").filter(has=page.locator("dt", has_text=re.compile(f"^{name}$")))


async def run_now(page: Page) -> Locator:
    """Press the button and return the newest entry of the history, once it has ended, on a page that stays open."""
    await page.get_by_role("main").get_by_role("button", name="Run now").click()
    newest = page.locator("#history .occurrences > li").first
    await expect(newest.get_by_text("Done", exact=True)).to_be_visible(timeout=60_000)
    return newest


async def test_a_schedule_is_made_without_any_script(visitor: Page, browser: Browser) -> None:
    url = str(visitor.url)
    async with visiting(browser, url, expected="status of 422", has_scripts=False, like=visitor) as page:
        await page.goto("/schedules/")
        await page.get_by_role("link", name="Schedule my standup").click()
        await page.get_by_label("Name").fill("Standup")
        for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"):
            await page.get_by_label(day).uncheck()
        await page.get_by_role("button", name="Save, and say what it may read").click()
        await expect(page.get_by_text("Choose at least one day.")).to_be_visible()
        await page.get_by_label("Tuesday").check()
        await page.get_by_label("Time", exact=True).fill("09:30")
        await page.get_by_role("button", name="Update the dates").click()
        dates = page.locator(".dates-list > li")
        await expect(dates).to_have_count(5)
        assert all(re.match(r"Tue.*09:30$", text) for text in await dates.all_inner_texts())
        await page.get_by_role("button", name="Save, and say what it may read").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("What may “Standup” read?")


async def test_without_consent_nothing_is_due_and_with_it_the_next_five_dates_are_shown(visitor: Page) -> None:
    await open_schedule(visitor)
    await expect(visitor.get_by_text("It may read nothing yet, so nothing is due.")).to_be_visible()
    await expect(fact(visitor, "Next five dates")).to_contain_text("not due")
    await visitor.get_by_role("link", name="Say what it may read").click()
    await visitor.get_by_role("button", name="Allow this").click()
    await expect(visitor.get_by_text("Nothing is read while you are away without your consent.").first).to_be_visible()
    await visitor.get_by_label(CONSENT).check()
    await visitor.get_by_role("button", name="Allow this").click()
    await expect(fact(visitor, "Next five dates").locator("time")).to_have_count(5)
    await expect(visitor.locator(".granted > li")).to_have_count(3)


async def test_the_dates_follow_the_form_while_it_is_filled_in(visitor: Page) -> None:
    await open_schedule(visitor)
    await visitor.get_by_role("link", name="Change", exact=False).first.click()
    await visitor.get_by_label("Thursday").check()
    await visitor.get_by_label("Time", exact=True).fill("07:15")
    await expect(visitor.locator(".dates-list > li").first).to_contain_text("07:15")
    assert {text[:3] for text in await visitor.locator(".dates-list > li").all_inner_texts()} == {"Tue", "Thu"}
    await visitor.get_by_role("button", name="Save", exact=True).click()
    await expect(fact(visitor, "Next five dates").locator("time").first).to_contain_text("07:15")
    await expect(visitor.locator(".granted > li")).to_have_count(3)


async def test_a_dry_run_shows_the_reads_and_makes_none(visitor: Page) -> None:
    await open_schedule(visitor)
    await visitor.get_by_role("link", name="What would it read?").click()
    await expect(visitor.get_by_text("Would be read", exact=True)).to_have_count(3)
    assert not [row for row in await audit_rows(visitor, "q=exchanged") if "token exchanged" in row]


async def test_one_that_is_run_now_is_watched_like_any_run(visitor: Page, installation: Installation) -> None:
    async with httpx.AsyncClient(trust_env=False) as operator:
        (await operator.post(f"{installation.sandbox_url}/faults", json=SLOW)).raise_for_status()
        await open_schedule(visitor)
        await visitor.get_by_role("main").get_by_role("button", name="Run now").click()
        await visitor.get_by_role("link", name="Watch it").click()
        await visitor.get_by_role("link", name="Watch it in its chat").click()
        reading = visitor.locator(".lane[data-provider=slack] .call").first
        await expect(reading).to_contain_text("reading", use_inner_text=True)
        await operator.post(f"{installation.sandbox_url}/faults", json=SLOW | {"times": 0})
    await expect(visitor.get_by_role("link", name="See it in the audit")).to_be_visible(timeout=60_000)
    await open_schedule(visitor)
    newest = visitor.locator("#history .occurrences > li").first
    await expect(newest.get_by_text("Done", exact=True)).to_be_visible(timeout=30_000)
    await expect(newest.locator(".occurrence-coverage > li")).to_have_count(3)


async def test_what_it_told_waits_unread_in_the_inbox(visitor: Page) -> None:
    await visitor.goto("/inbox/")
    await expect(visitor.locator("main").get_by_text("Unread", exact=True)).to_be_visible()
    await visitor.locator(".deliveries a").first.click()
    await expect(visitor).to_have_url(re.compile("/runs/"))
    await visitor.goto("/inbox/")
    await expect(visitor.locator("main").get_by_text("Unread", exact=True)).to_have_count(0)


async def test_a_paused_one_is_not_due_until_it_is_resumed(visitor: Page) -> None:
    await open_schedule(visitor)
    await visitor.get_by_role("button", name="Pause").click()
    await expect(visitor.get_by_text("is paused: nothing is due").first).to_be_visible()
    await expect(fact(visitor, "Next five dates")).to_contain_text("not due")
    await visitor.get_by_role("button", name="Resume").click()
    await expect(fact(visitor, "Next five dates").locator("time")).to_have_count(5)


async def test_a_copy_wants_the_same_and_may_read_nothing(visitor: Page) -> None:
    await open_schedule(visitor)
    await visitor.get_by_role("button", name="Copy", exact=True).click()
    await expect(visitor.get_by_label("Name")).to_have_value("Copy of Standup")
    await expect(visitor.get_by_label("Time", exact=True)).to_have_value("07:15")
    await visitor.get_by_role("button", name="Save", exact=True).click()
    await expect(visitor.get_by_text("It may read nothing yet, so nothing is due.")).to_be_visible()
    await visitor.get_by_role("link", name="Delete…").click()
    await visitor.get_by_role("button", name="Delete it").click()
    await expect(visitor.locator("main h2")).to_have_text(["Standup"])


async def test_what_is_taken_back_or_revoked_is_told_as_not_read(visitor: Page) -> None:
    await visitor.goto("/settings/permissions/")
    calendar = visitor.get_by_role("region", name="Google Calendar")
    await calendar.get_by_role("button", name=re.compile("Take back.*Google Calendar, from Standup")).click()
    await expect(visitor.get_by_text("does not read that service any more").first).to_be_visible()
    slack = visitor.get_by_role("region", name="Slack")
    await slack.get_by_role("button", name="Revoke").click()
    await expect(slack.get_by_text("Revoked", exact=True)).to_be_visible()
    await open_schedule(visitor)
    newest = await run_now(visitor)
    await expect(newest).to_contain_text("Slack: revoked, not read")
    await expect(newest).to_contain_text("Google Calendar: not granted to its schedule, not read")
    href = str(await newest.get_by_role("link", name="Read it").get_attribute("href"))
    await visitor.goto(href)
    briefing = visitor.get_by_role("main")
    await expect(briefing).to_contain_text("Slack: revoked, not read")
    rows = await audit_rows(visitor, f"run={href.split('/')[2]}")
    exchanged = {
        service
        for service in ("GitHub", "Google Calendar", "Slack")
        for row in rows
        if f"{service} token exchanged" in row
    }
    assert exchanged == {"GitHub"}
    assert [row for row in rows if "Slack" in row and "evoked" in row]


async def test_an_expired_grant_reads_nothing_and_asks_to_be_renewed(visitor: Page, installation: Installation) -> None:
    before = await audit_rows(visitor, "q=event:vault:exchange:granted")
    await open_schedule(visitor)
    installation.run_code(EXPIRE)
    # On a page from before, where it can still be asked for.
    await visitor.get_by_role("main").get_by_role("button", name="Run now").click()
    newest = visitor.locator("#history .occurrences > li").first
    await expect(newest).to_contain_text("Its permission to read has expired, so nothing was read.", timeout=30_000)
    await expect(visitor.get_by_role("main").get_by_role("button", name="Run now")).to_have_count(0)
    assert await audit_rows(visitor, "q=event:vault:exchange:granted") == before
    skipped = await audit_rows(visitor, "q=scheduled")
    assert any("A scheduled briefing was skipped" in row for row in skipped)
    await visitor.goto("/inbox/")
    await expect(visitor.locator(".deliveries > li").first).to_contain_text("permission to read has expired. Renew it")


async def test_a_renewed_one_reads_again(visitor: Page) -> None:
    await visitor.goto("/schedules/")
    await visitor.get_by_role("link", name="Renew").click()
    await visitor.get_by_label(CONSENT).check()
    await visitor.get_by_role("button", name="Allow this").click()
    await expect(visitor.get_by_role("heading", level=1)).to_have_text("Standup")
    await expect(await run_now(visitor)).to_contain_text(re.compile(r"GitHub: \d+ item"))
