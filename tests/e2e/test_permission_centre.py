"""The permission centre walked through: what its switches do to its page, without a script, and to answers."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.e2e.examine import examine
from tests.e2e.installation import Installation, running
from tests.e2e.journey import SERVICES, ask, send, sign_in, visiting

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE = "/settings/permissions/"
QUESTION = "what did I work on yesterday?"
# What the sandbox's Maya did lately in one of her team's repositories.
LEFT_OUT, ITS_TITLE, OTHER_TITLE = "tidewater/harbor-web", "Show the retry state of an invoice", "Make invoice retries"
SECOND = "maya-okafor-second"
# The next token of Slack ends as soon as it is given, and Slack refuses to renew it.
DEAD_GRANT = {"provider": "slack", "case": "token.invalid_refresh_token"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that waits for an answer no longer than its tests do."""
    with running(tmp_path_factory.mktemp("installation"), variables={"RUN_ASK_SECONDS": "8"}) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def visitor(browser: Browser, connected_installation: Installation) -> AsyncIterator[Page]:
    """Maya, who has all three services."""
    async with visiting(browser, connected_installation.app_url) as page:
        await sign_in(page)
        yield page


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def plain(browser: Browser, visitor: Page, installation: Installation) -> AsyncIterator[Page]:
    """Maya in a browser that runs no script."""
    async with visiting(browser, installation.app_url, has_scripts=False, like=visitor) as page:
        yield page


def card_of(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


async def open_fold(page: Page, name: str, *, service: str = "Slack") -> Locator:
    """Open one of the disclosures of a card and return the card."""
    await page.goto(PAGE)
    await card_of(page, service).locator("summary", has_text=name).first.click()
    return card_of(page, service)


async def set_mode(page: Page, mode: str) -> None:
    """Choose what the tool for mentions may do."""
    card = await open_fold(page, "What the AI may read of Slack")
    await card.get_by_label("Your mentions in Slack").select_option(mode)
    await card.get_by_role("button", name="Save what the AI may read of Slack").click()
    await expect(page.get_by_text("What the AI may read of Slack is saved").first).to_be_visible()


async def leave_out(page: Page, repositories: str) -> None:
    await page.goto(f"{PAGE}exclusions")
    await page.get_by_label("Repositories").fill(repositories)
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("What is left out is saved").first).to_be_visible()


async def answered(page: Page) -> Locator:
    """Ask in a new conversation and return the turn, once it is over."""
    await page.goto("/")
    await ask(page, QUESTION)
    return page.locator("[data-run]").last


async def test_revoke_all_revokes_each_and_each_is_restored_by_itself(plain: Page) -> None:
    await plain.goto(PAGE)
    await plain.get_by_role("button", name="Revoke all").click()
    await expect(plain.get_by_text("Every service is revoked").first).to_be_visible()
    for name in SERVICES.values():
        await expect(card_of(plain, name).get_by_text("Revoked", exact=True)).to_be_visible()
    for name in SERVICES.values():
        await card_of(plain, name).get_by_role("button", name="Restore").click()
        await expect(card_of(plain, name).get_by_text("Connected", exact=True)).to_be_visible()


async def test_a_pause_until_tomorrow_tells_its_end(plain: Page) -> None:
    card = await open_fold(plain, "Pause")
    # The day may change meanwhile.
    days = {datetime.now(UTC).date() + timedelta(days=1)}
    await card.get_by_role("button", name="Pause until tomorrow").click()
    days.add(datetime.now(UTC).date() + timedelta(days=1))
    await expect(card.get_by_text("Paused", exact=True)).to_be_visible()
    end = await card.locator(".card-meaning time").first.get_attribute("datetime")
    assert end in {f"{day.isoformat()}T00:00:00+00:00" for day in days}
    await card.get_by_role("button", name="Restore").click()
    await expect(card.get_by_text("Connected", exact=True)).to_be_visible()


async def test_a_pause_until_a_day_tells_it_and_a_restore_ends_it(plain: Page) -> None:
    day = datetime.now(UTC).date() + timedelta(days=9)
    card = await open_fold(plain, "Pause")
    await card.get_by_label("Or until the beginning of").fill(day.isoformat())
    await card.get_by_role("button", name="Pause until then").click()
    end = card.locator(".card-meaning time").first
    await expect(end).to_have_attribute("datetime", f"{day.isoformat()}T00:00:00+00:00")
    await expect(end).to_contain_text(f"{day:%B} {day.year}, 00:00")
    await card.get_by_role("button", name="Restore").click()
    await expect(card.get_by_text("Connected", exact=True)).to_be_visible()


async def test_another_account_has_facts_and_switches_of_its_own_and_is_made_the_default(plain: Page) -> None:
    await plain.goto("/auth/connect/github")
    await plain.get_by_role("button", name=re.compile("Continue to")).click()
    await plain.get_by_label("a second account").check()
    await plain.get_by_role("button", name="Allow").click()
    card = await open_fold(plain, f"More about {SECOND}", service="GitHub")
    accounts = card.locator(".accounts")
    await expect(accounts.get_by_text("Connected since")).to_be_visible()
    await expect(accounts.get_by_text("The AI has not read it, as far as the audit tells.")).to_be_visible()
    await accounts.get_by_role("button", name=re.compile(f"Pause for an hour.*{SECOND}")).click()
    await expect(plain.get_by_text(f"GitHub ({SECOND}) is paused until").first).to_be_visible()
    await expect(accounts.get_by_text("Paused", exact=True)).to_be_visible()
    await expect(card.locator(".card-state").get_by_text("Connected", exact=True)).to_be_visible()
    await accounts.get_by_role("button", name=f"Restore access to {SECOND}").click()
    await accounts.get_by_role("button", name=re.compile(f"Make default.*{SECOND}")).click()
    await expect(plain.get_by_text(f"The AI reads GitHub as {SECOND} from now on.").first).to_be_visible()
    await expect(card.locator(".card-title")).to_contain_text(SECOND)
    await accounts.get_by_role("button", name=re.compile("Make default.*maya-okafor")).click()
    await expect(card.locator(".card-title")).not_to_contain_text(SECOND)


async def test_a_page_with_two_accounts_has_no_fault(visitor: Page) -> None:
    async def show() -> None:
        await open_fold(visitor, f"More about {SECOND}", service="GitHub")

    assert await examine(visitor, show, name="two accounts") == []


async def test_what_is_left_out_is_in_no_answer_and_the_call_says_how_much_that_was(visitor: Page) -> None:
    turn = await answered(visitor)
    await expect(turn).to_contain_text(ITS_TITLE)
    await leave_out(visitor, LEFT_OUT)
    turn = await answered(visitor)
    await expect(turn).to_contain_text(OTHER_TITLE)
    await expect(turn).not_to_contain_text(ITS_TITLE)
    await expect(turn.locator(".lane[data-provider=github]")).to_contain_text("left out by your exclusions")
    await leave_out(visitor, "")


async def test_a_blocked_tool_is_refused_in_its_lane(visitor: Page) -> None:
    await set_mode(visitor, "Block")
    turn = await answered(visitor)
    call = turn.locator(".lane[data-provider=slack] .call[data-state=blocked]")
    await expect(call).to_contain_text("You do not let the AI read this of Slack.")
    await expect(turn.locator(".lane[data-provider=github] .call[data-state=done]").first).to_be_visible()


async def test_a_question_that_nobody_answers_is_a_no(visitor: Page) -> None:
    await set_mode(visitor, "Ask")
    await visitor.goto("/")
    await send(visitor, QUESTION)
    question = visitor.get_by_role("group", name="May the AI read your mentions in Slack?")
    await expect(question).to_be_visible()
    turn = visitor.locator("[data-run]").last
    await expect(turn.get_by_role("link", name="See it in the audit")).to_be_visible(timeout=60_000)
    await expect(question).to_be_hidden()
    call = turn.locator(".lane[data-provider=slack] .call[data-state=blocked]")
    await expect(call).to_contain_text("Nobody answered whether the AI may read this of Slack")
    await set_mode(visitor, "Allow")


async def reconnect_slack(page: Page) -> None:
    """Connect Slack again from its card."""
    await page.goto(PAGE)
    await card_of(page, "Slack").get_by_role("link", name="Reconnect Slack").click()
    await page.get_by_role("button", name="Continue to Slack").click()
    await page.get_by_role("button", name="Allow").click()
    await expect(page.get_by_text("Slack is connected as").first).to_be_visible()


async def test_a_broken_connection_says_so_on_its_card_and_is_mended_from_there(
    visitor: Page, installation: Installation
) -> None:
    async with httpx.AsyncClient(trust_env=False, base_url=installation.sandbox_url) as operator:
        (await operator.post("/clock", json={"access_lifetime_seconds": 1})).raise_for_status()
        await reconnect_slack(visitor)
        (await operator.post("/clock", json={"access_lifetime_seconds": 0})).raise_for_status()
        (await operator.post("/faults", json=DEAD_GRANT)).raise_for_status()
    turn = await answered(visitor)
    await expect(turn.locator(".lane[data-provider=slack]").get_by_role("link", name="Reconnect").first).to_be_visible()
    await visitor.goto(PAGE)
    card = card_of(visitor, "Slack")
    await expect(card.get_by_text("Slack no longer honours this connection.")).to_be_visible()
    await expect(card.locator(".card-state")).to_contain_text("Reconnect")
    await reconnect_slack(visitor)
    await expect(card.locator(".card-state")).not_to_contain_text("Reconnect")
    await expect(card.get_by_text("Connected", exact=True)).to_be_visible()
