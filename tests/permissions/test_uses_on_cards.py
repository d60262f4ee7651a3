"""What the cards say of each account's use and health: its own last read, what of it could be dropped, why it broke."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connections as databases
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.events import Entry, Event
from audit.models import AuditEvent
from audit.record import record
from permissions.accounts import AccountCard, load_usage
from permissions.cards import ServiceCard
from permissions.connections import list_statuses
from tests.broken import table_away_async
from tests.permissions.conftest import DATABASES, Connect, Person
from tests.permissions.test_views import PAGE, cards, said
from tests.vault.upstream import Upstream
from vault import models

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

MONTH = timedelta(days=30)
Two = tuple[str, str]


@sync_to_async
def exchanged(person: Person, connection: str, *, provider: str = "slack", **fields: str) -> None:
    """Record that a token of somebody's account was given out."""
    entry = Entry(event=Event.VAULT_EXCHANGE_GRANTED, user=person.user, provider=provider, connection=connection)
    record(replace(entry, **fields))


async def grow_old(days: int = 90) -> None:
    """Have every connection made so long ago."""
    await models.Connection.objects.aupdate(activated_at=timezone.now() - timedelta(days=days))


async def slack(person: Person) -> ServiceCard:
    return (await cards(person))[2]


@pytest_asyncio.fixture
async def two(alice: Person, connect: Connect, upstream: Upstream) -> Two:
    """Alice's own account at Slack, which is the default, and the one at work."""
    first = await connect(alice, "slack")
    upstream.person = "alice-at-work"
    return first, await connect(alice, "slack")


def words(account: AccountCard) -> tuple[str, str, str, list[str], int | None]:
    """Return what is said of an account's use."""
    dropped = [group.name for group in account.unused]
    return account.last_used_for, account.last_used_run, account.last_used_by, dropped, account.used_count


async def test_a_card_tells_the_last_exchange_of_this_user(alice: Person, connect: Connect) -> None:
    connection = await connect(alice)
    assert (await cards(alice))[0].last_used_at is None
    for user, tool in ((alice.user, "github_activity"), ("user:999", "not_mine")):
        await exchanged(alice, connection, user=user, provider="github", tool=tool)
    card = (await cards(alice))[0]
    assert (card.last_used_ago, card.last_used_for) == ("just now", "your activity on GitHub")


@pytest.mark.parametrize(("seconds", "ago"), [(59, "just now"), (185, "3\xa0minutes ago")])
async def test_a_card_tells_how_long_ago_the_last_exchange_was(
    alice: Person, connect: Connect, seconds: int, ago: str
) -> None:
    await AuditEvent.objects.acreate(
        event=Event.VAULT_EXCHANGE_GRANTED,
        outcome="granted",
        user=alice.user,
        provider="slack",
        connection=await connect(alice, "slack"),
        occurred_at=timezone.now() - timedelta(seconds=seconds),
    )
    card = await slack(alice)
    assert (card.last_used_ago, card.last_used_for) == (ago, "Slack")


async def test_each_account_has_its_own_last_use_and_its_own_hint(alice: Person, two: Two) -> None:
    """The default account's figures must not be made of another's reads, which may have other scopes."""
    first, second = two
    await grow_old()
    await exchanged(alice, first, run="run-7", tool="slack_mentions", scope_asked="search:read users:read")
    await exchanged(alice, second, client="nightly-report", scope_asked="channels:read")
    card = await slack(alice)
    (other,) = card.others
    assert (card.connection, words(card)) == (first, ("your mentions in Slack", "run-7", "", [], 2))
    assert (other.connection, words(other)) == (second, ("Slack", "", "nightly-report", ["search"], 1))
    page = (await alice.browser.get(PAGE)).content.decode()
    assert "/audit/?run=run-7&amp;service=slack" in page
    assert "The program nightly-report read it." in page
    assert f'href="/auth/connect/slack?reconnects={second}&amp;leave_out=search"' in page
    assert f"reconnects={first}&amp;leave_out" not in page
    assert f"Reconnect {other.account} with less" in page
    assert "No page of DevContext lets an outside agent read your services" in page


async def test_an_account_that_was_never_read_says_so_and_since_when_it_is_there(alice: Person, two: Two) -> None:
    first, _ = two
    await exchanged(alice, first, tool="slack_mentions")
    (other,) = (await slack(alice)).others
    assert (other.last_used_at, other.unused, other.used_count) == (None, (), 0)
    assert other.connected_at is not None
    assert "Search the messages you can see" in other.scope_words
    page = (await alice.browser.get(PAGE)).content.decode()
    assert page.count("The AI has not read it, as far as the audit tells.") == 1
    assert "Connected since" in page


@pytest.mark.parametrize("reason", ["expired", "refresh_in_doubt", "token_revoked"])
async def test_a_broken_second_account_says_why_and_leads_to_its_reconnect(
    alice: Person, two: Two, reason: str
) -> None:
    first, second = two
    await models.Connection.objects.filter(id=second).aupdate(reconnect_reason=reason)
    card = await slack(alice)
    told = card.others[0].reconnect_reason
    assert card.reconnect_reason == ""
    assert told.endswith(("Reconnect it.", "Reconnect it to let the AI read again."))
    assert reason not in told
    page = (await alice.browser.get(PAGE)).content.decode()
    assert f"<p>{told}</p>" in page
    assert f'class="button" href="/auth/connect/slack?reconnects={second}"' in page
    assert page.count(told) == 1
    assert f'class="button is-quiet" href="/auth/connect/slack?reconnects={first}"' in page


async def test_a_second_account_is_paused_and_allowed_while_away_by_itself(alice: Person, two: Two) -> None:
    _, second = two
    paused = await alice.browser.post(
        f"{PAGE}slack/pause", {"connection": second, "for": "date", "until": f"{datetime.now(UTC).year + 1}-01-01"}
    )
    assert said(paused)[0][1].startswith("Slack (alice-at-work · Acme) is paused until 01 January")
    away = await alice.browser.post(f"{PAGE}slack/away", {"connection": second, "is_allowed": "yes"})
    assert said(away)[-1][1] == "Slack (alice-at-work · Acme) may be read while you are away, for what you granted."
    card = await slack(alice)
    (other,) = card.others
    assert (other.state_word, other.is_away_allowed) == ("Paused", True)
    assert other.paused_until is not None
    assert (card.state_word, card.is_away_allowed, card.paused_until) == ("Connected", False, None)
    page = (await alice.browser.get(PAGE)).content.decode()
    assert "AI blocked until" in page
    assert page.count(f'name="connection" value="{second}"') == 3, "make default, restore, away: it is paused"


async def test_what_is_done_to_a_second_account_is_said_of_that_one(alice: Person, two: Two) -> None:
    first, second = two
    for connection, name in ((second, "Slack (alice-at-work · Acme)"), (first, "Slack")):
        response = await alice.browser.post(f"{PAGE}slack/revoke", {"connection": connection})
        assert said(response)[-1] == ("success", f"{name} is revoked: the AI cannot read it until you restore it.")
    for connection, name in ((second, "Slack (alice-at-work · Acme)"), (first, "Slack")):
        response = await alice.browser.post(f"{PAGE}slack/disconnect", {"connection": connection})
        assert said(response)[-1] == ("success", f"{name} is disconnected and its tokens are erased.")


async def test_a_card_tells_what_was_granted_and_not_used_for_a_month(alice: Person, connect: Connect) -> None:
    connection = await connect(alice, "slack")
    await exchanged(alice, connection, scope_asked="channels:read users:read")
    assert (await slack(alice)).unused == (), "a connection of today"
    await grow_old(days=31)
    card = await slack(alice)
    assert ([group.name for group in card.unused], card.used_count) == (["search"], 2)
    page = (await alice.browser.get(PAGE)).content.decode()
    assert "you can drop it" in page
    assert f'href="/auth/connect/slack?reconnects={connection}&amp;leave_out=search"' in page
    assert "Reconnect Slack with less" in page
    assert f"Used in the last 30 days: 2 of {len(card.scopes)}." in page
    await exchanged(alice, connection, scope_asked="search:read")
    assert (await slack(alice)).unused == ()


async def test_what_was_used_longer_ago_than_a_month_counts_as_unused(alice: Person, connect: Connect) -> None:
    connection = await connect(alice, "slack")
    await grow_old()
    await AuditEvent.objects.acreate(
        event=Event.VAULT_EXCHANGE_GRANTED,
        outcome="granted",
        user=alice.user,
        provider="slack",
        connection=connection,
        scope_asked="search:read",
        occurred_at=timezone.now() - timedelta(days=31),
    )
    card = await slack(alice)
    assert [group.name for group in card.unused] == ["search"]
    assert card.last_used_at is not None


async def test_without_the_audit_nothing_is_said_to_be_unused(alice: Person, two: Two) -> None:
    await grow_old()
    async with table_away_async("audit", table="audit_event"):
        card = await slack(alice)
        assert [words(account) for account in (card, *card.others)] == [("", "", "", [], None)] * 2
        page = (await alice.browser.get(PAGE)).content.decode()
    assert "More about" in page
    assert "The AI has not read it" not in page


async def test_accounts_are_looked_up_together(alice: Person, two: Two, connect: Connect, upstream: Upstream) -> None:
    """However many accounts a page has, it asks the audit as often as for one."""

    def count(person: Person, statuses: object) -> int:
        with CaptureQueriesContext(databases["audit"]) as captured:
            load_usage(statuses, user=person.user)  # type: ignore[arg-type]  (statuses, of this test)
        return len(captured)

    counted: Callable[..., Awaitable[int]] = sync_to_async(count)
    await exchanged(alice, two[0], tool="slack_mentions")
    few = await counted(alice, await list_statuses(**alice.asker, is_fresh=True))
    for provider in ("github", "google-calendar"):
        for person in ("alice", "bob"):
            upstream.person = person
            await exchanged(alice, await connect(alice, provider), provider=provider)
    assert await counted(alice, await list_statuses(**alice.asker, is_fresh=True)) == few == 2
