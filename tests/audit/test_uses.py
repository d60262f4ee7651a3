"""The use of a user's accounts: each its own last exchange and its own scopes, for as many queries as one."""

from datetime import datetime, timedelta

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import uses
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.models import AuditEvent
from audit.record import record
from audit.uses import Use
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["audit"])

ALICE, MALLORY = "user:1", "user:10"
MONTH = timedelta(days=30)


def granted(connection: str, *, user: str = ALICE, tool: str = "", scope: str = "") -> None:
    """Record a granted exchange."""
    entry = Entry(
        event=Event.VAULT_EXCHANGE_GRANTED,
        user=user,
        provider="github",
        run="run-1",
        tool=tool,
        connection=connection,
        scope_asked=scope,
    )
    record(entry)


def granted_at(at: datetime, *, connection: str, scope: str = "") -> None:
    """Write a granted exchange of a time that is past."""
    AuditEvent.objects.create(
        event=Event.VAULT_EXCHANGE_GRANTED,
        outcome="granted",
        user=ALICE,
        provider="slack",
        connection=connection,
        scope_asked=scope,
        client="nightly-report",
        occurred_at=at,
    )


def listed(*asked: str, age: timedelta = 2 * MONTH) -> dict[str, Use]:
    """Return the uses of Alice's accounts, which were connected this long ago."""
    now = timezone.now()
    return uses.list_uses(dict.fromkeys(asked, now - age), user=ALICE, since=now - MONTH)


def test_each_account_has_its_own_last_use_and_its_own_scopes() -> None:
    granted("con_1", tool="github_activity", scope="repo read:org")
    granted("con_2", tool="github_my_pull_requests", scope="repo")
    granted("con_1", tool="github_activity", scope="read:user")
    granted("con_1", tool="github_my_pull_requests", scope="repo")
    granted("con_1", user=MALLORY, tool="not_mine", scope="delete_repo")
    record(Entry(event=Event.VAULT_EXCHANGE_DENIED, user=ALICE, connection="con_1", scope_asked="gist"))
    found = listed("con_1", "con_2", "con_3")
    first, second, third = found["con_1"], found["con_2"], found["con_3"]
    assert first.last is not None
    assert (first.last.what, first.last.run) == ("your pull requests on GitHub", "run-1")
    assert first.scopes == {"repo", "read:org", "read:user"}
    assert second.last is not None
    assert second.last.used_at < first.last.used_at
    assert second.scopes == {"repo"}
    assert third == Use()


def test_the_last_use_may_be_older_than_the_scopes_that_count() -> None:
    now = timezone.now()
    granted_at(now - 1.5 * MONTH, connection="con_1", scope="search:read")
    granted_at(now - 1.2 * MONTH, connection="con_1", scope="users:read")
    granted("con_2", scope="repo")
    found = listed("con_1", "con_2")
    assert found["con_1"].last is not None
    assert found["con_1"].last.used_at == now - 1.2 * MONTH
    assert (found["con_1"].last.run, found["con_1"].last.client) == ("", "nightly-report")
    assert found["con_1"].scopes == frozenset()
    assert found["con_2"].scopes == {"repo"}


@pytest.mark.parametrize(("age", "queries"), [(MONTH / 2, 2), (2 * MONTH, 3)])
def test_many_accounts_cost_as_many_queries_as_one(age: timedelta, queries: int) -> None:
    for number in range(9):
        granted(f"con_{number}")
    with CaptureQueriesContext(connections["audit"]) as captured:
        found = listed(*(f"con_{number}" for number in range(12)), age=age)
    assert sum(use.last is not None for use in found.values()) == 9
    assert len(captured) == queries


def test_without_a_connection_nothing_is_asked() -> None:
    with CaptureQueriesContext(connections["audit"]) as captured:
        assert listed() == {}
    assert len(captured) == 0


def test_an_audit_that_does_not_answer_is_an_error() -> None:
    with table_away("audit", table="audit_event"), pytest.raises(AuditUnavailableError):
        listed("con_1")
