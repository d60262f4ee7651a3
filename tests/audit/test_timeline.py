"""The read side: one user's events, newest first, filtered and paged."""

from dataclasses import replace

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from audit import timeline
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event, Outcome
from audit.record import record
from tests.audit.listing import list_events
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["audit"])

ALICE, MALLORY = "user:1", "user:10"


def granted(provider: str = "github", *, user: str = ALICE, run: str = "run-1", tool: str = "") -> int:
    """Record a granted exchange."""
    return record(Entry(event=Event.VAULT_EXCHANGE_GRANTED, user=user, provider=provider, run=run, tool=tool))


def denied(provider: str = "slack", *, user: str = ALICE, run: str = "run-1") -> int:
    """Record a denied exchange."""
    entry = Entry(event=Event.VAULT_EXCHANGE_DENIED, user=user, provider=provider, run=run, reason="revoked")
    return record(entry)


def ids(**filters: object) -> list[int]:
    """Return the ids of Alice's events under these filters."""
    return [row.id for row in list_events(user=ALICE, **filters).rows]  # type: ignore[arg-type]


def test_the_newest_event_comes_first() -> None:
    first, second = granted(), denied()
    assert ids() == [second, first]


def test_another_users_events_never_appear() -> None:
    granted(user=MALLORY, run="run-1")
    record(Entry(event=Event.VAULT_CONNECTION_FAILED, user="", provider="github"))
    mine = granted()
    assert ids() == [mine]
    assert ids(run="run-1", provider="github", outcome="granted") == [mine]
    assert [row.run for row in list_events(user="").rows] == [""]


def test_filters_narrow_together() -> None:
    github, slack, other_run = granted(), denied(), granted(run="run-2")
    assert ids(service="github") == [other_run, github]
    assert ids(outcome=Outcome.DENIED) == [slack]
    assert ids(run="run-2") == [other_run]
    assert ids(service="github", run="run-1", outcome="granted") == [github]
    assert ids(service="slack", outcome="granted") == []


def test_pages_join_without_gap_or_overlap() -> None:
    recorded = [granted() for _ in range(7)]
    seen: list[int] = []
    before = None
    for _ in range(3):
        page = list_events(user=ALICE, before=before, limit=3)
        seen += [row.id for row in page.rows]
        before = page.next_cursor
    assert seen == recorded[::-1]
    assert before is None


def test_a_page_that_is_just_full_has_no_next() -> None:
    granted()
    granted()
    assert list_events(user=ALICE, limit=2).next_cursor is None


def test_events_recorded_meanwhile_do_not_shift_the_next_page() -> None:
    old, new = granted(), granted()
    page = list_events(user=ALICE, limit=1)
    assert page.rows[0].id == new
    granted()
    assert [row.id for row in list_events(user=ALICE, before=page.next_cursor, limit=1).rows] == [old]


@pytest.mark.parametrize("before", [-1, 0, timeline.MAX_ID])
def test_cursors_at_the_ends_are_fine(before: int) -> None:
    event = granted()
    assert ids(before=before) == ([event] if before > event else [])


def test_a_page_is_one_query_that_never_counts() -> None:
    granted()
    with CaptureQueriesContext(connections["audit"]) as queries:
        list_events(user=ALICE, service="github", before=10**9)
    assert len(queries) == 1
    assert "COUNT(" not in queries[0]["sql"].upper()


def test_a_row_tells_what_is_known_and_no_more() -> None:
    entry = Entry(
        event=Event.AGENT_CALL_SUCCEEDED, user=ALICE, provider="github", tool="github_activity", status=200,
        size_bytes=0, duration_ms=18, method="POST", path="api.github.com/graphql#activity",
    )  # fmt: skip
    record(entry)
    (row,) = list_events(user=ALICE).rows
    assert (row.event, row.outcome, row.provider) == ("agent:call:succeeded", "granted", "github")
    assert row.details == (
        ("Tool", "github_activity"),
        ("Method", "POST"),
        ("Path", "api.github.com/graphql#activity"),
        ("Status", "200"),
        ("Size", "0 B"),
        ("Duration", "18 ms"),
    )


def test_an_unreadable_database_is_an_audit_error() -> None:
    with table_away("audit", table="audit_event"), pytest.raises(AuditUnavailableError):
        list_events(user=ALICE)


@pytest.mark.parametrize(
    ("asked", "allowed", "told"),
    [
        (
            "users:read search:read",
            "channels:read search:read users:read",
            "Asked users:read search:read, token allows channels:read too: Slack cannot narrow it.",
        ),
        ("", "repo read:org", "Asked no scope by name, token allows repo read:org too: Slack cannot narrow it."),
        ("search:read", "search:read", None),
        ("search:read", "", None),
    ],
)
def test_a_row_says_what_its_token_allowed_beyond_what_was_asked(asked: str, allowed: str, told: str | None) -> None:
    scopes = Entry(
        event=Event.VAULT_EXCHANGE_GRANTED, user=ALICE, provider="slack", scope_asked=asked, scope_granted=allowed
    )
    record(replace(scopes, exchange="ex_1"))
    record(replace(scopes, event=Event.VAULT_CONNECTION_CONNECTED))
    connected, exchanged = list_events(user=ALICE).rows
    assert dict(exchanged.details).get("Beyond what was asked") == told
    # More than was asked for came with the consent there: no token was to be narrowed.
    assert "Beyond what was asked" not in dict(connected.details)
