"""Counts hold one user's events alone, and are made of so many rows at most."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.utils import timezone

from audit import counting
from audit.counting import count_events
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event, Outcome
from audit.models import AuditEvent
from audit.record import record
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["audit"])

ALICE, MALLORY = "user:1", "user:10"


def long_ago() -> datetime:
    return timezone.now() - timedelta(days=30)


def test_events_are_counted_by_service_and_outcome() -> None:
    ids = [
        record(Entry(event=Event.VAULT_EXCHANGE_GRANTED, user=ALICE, provider="github")),
        record(Entry(event=Event.VAULT_EXCHANGE_GRANTED, user=ALICE, provider="github")),
        record(Entry(event=Event.VAULT_EXCHANGE_DENIED, user=ALICE, provider="slack")),
    ]
    record(Entry(event=Event.VAULT_EXCHANGE_GRANTED, user=MALLORY, provider="github"))
    counts = count_events(user=ALICE, since=long_ago())
    numbers = {(one.provider, one.outcome): one.newest_id for one in counts.counts}
    assert numbers == {("github", Outcome.GRANTED): ids[1], ("slack", Outcome.DENIED): ids[2]}
    assert sum(one.number for one in counts.counts) == 3
    assert counts.whole_since is None


def test_a_count_begins_with_its_quarter_of_an_hour() -> None:
    record(Entry(event=Event.AGENT_RUN_STARTED, user=ALICE))
    happened_at = AuditEvent.objects.get().occurred_at
    (one,) = count_events(user=ALICE, since=long_ago()).counts
    assert one.began_at <= happened_at < one.began_at + counting.QUARTER
    assert (one.began_at.minute % 15, one.began_at.second, one.began_at.tzinfo) == (0, 0, UTC)


def test_a_service_and_an_outcome_leave_theirs_alone() -> None:
    for event, provider in (
        (Event.VAULT_EXCHANGE_GRANTED, "github"),
        (Event.VAULT_EXCHANGE_DENIED, "github"),
        (Event.VAULT_EXCHANGE_DENIED, "slack"),
    ):
        record(Entry(event=event, user=ALICE, provider=provider))
    (one,) = count_events(user=ALICE, since=long_ago(), provider="github", outcome="denied").counts
    assert (one.provider, one.outcome) == ("github", Outcome.DENIED)


def test_what_is_older_is_not_counted() -> None:
    record(Entry(event=Event.AGENT_RUN_STARTED, user=ALICE))
    assert count_events(user=ALICE, since=timezone.now() + timedelta(minutes=1)).counts == ()


def test_of_more_events_the_newest_are_counted_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "COUNTED_ROWS", 2)
    ids = [record(Entry(event=Event.AGENT_RUN_STARTED, user=ALICE)) for _ in range(3)]
    counts = count_events(user=ALICE, since=long_ago())
    assert sum(one.number for one in counts.counts) == 2
    assert max(one.newest_id for one in counts.counts) == ids[-1]
    assert counts.whole_since is not None


@pytest.mark.skipif("connections['audit'].vendor != 'sqlite'", reason="PostgreSQL plans by what is in the table")
def test_the_rows_are_found_by_an_index_in_its_order() -> None:
    statement = counting._COUNT.format(quarter=counting._QUARTERS["sqlite"])
    with connections["audit"].cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", [ALICE, "2026-01-01", 10])
        steps = [str(step[-1]) for step in cursor.fetchall()]
    assert "SEARCH audit_event USING INDEX audit_event_user_time (user=? AND occurred_at>?)" in steps


def test_an_audit_that_cannot_be_read_is_said() -> None:
    with table_away("audit", table="audit_event"), pytest.raises(AuditUnavailableError):
        count_events(user=ALICE, since=long_ago())
