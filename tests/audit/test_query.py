"""Each combination of filters is answered by an index that fits, in its order: no page reads or sorts what it drops."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.db import connections
from django.utils import timezone

from audit import query
from audit.events import Entry, Event
from audit.models import AuditEvent
from audit.record import record

pytestmark = pytest.mark.django_db(databases=["audit"])

ALICE, MALLORY = "user:1", "user:10"

on_sqlite = pytest.mark.skipif(
    "connections['audit'].vendor != 'sqlite'", reason="PostgreSQL plans by what is in the table"
)


def plan_of(events: object) -> str:
    """Return SQLite's plan of a query, its steps on lines."""
    sql, values = events.query.sql_with_params()  # type: ignore[attr-defined]
    with connections["audit"].cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql} LIMIT 51", values)
        return "\n".join(str(step[-1]) for step in cursor.fetchall())


def index_of(filters: dict[str, object]) -> str:
    """Return the index that is to answer these filters."""
    if filters.get("run"):
        return "audit_event_user_run (user=? AND run=?"
    if filters.get("outcome") == "denied":
        return (
            "audit_event_not_granted_at (user=? AND provider=? AND outcome=?"
            if filters.get("provider")
            else "audit_event_not_granted (user=? AND outcome=?"
        )
    return (
        "audit_event_provider_looked (user=? AND provider=?"
        if filters.get("provider")
        else "audit_event_user_looked (user=?"
    )


@on_sqlite
@pytest.mark.parametrize("provider", ["", "github"])
@pytest.mark.parametrize("outcome", ["", "granted", "denied"])
@pytest.mark.parametrize("run", ["", "run-1"])
@pytest.mark.parametrize("event", ["", "vault:exchange:granted"])
@pytest.mark.parametrize("before", [None, 10**9])
def test_each_combination_of_filters_has_its_index_and_no_sort(
    provider: str, outcome: str, run: str, event: str, before: int | None
) -> None:
    filters = {"provider": provider, "outcome": outcome, "run": run, "event": event}
    plan = plan_of(query.select(user=ALICE, before=before, **filters))
    bounds = " AND id<?" if before else ""
    assert plan == f"SEARCH audit_event USING INDEX {index_of(filters)}{bounds})"


def test_each_combination_of_filters_finds_the_same_as_looking_at_every_row() -> None:
    cases = list(product((ALICE, MALLORY), ("github", "slack"), ("", "run-1"), ("granted", "denied", "failed")))
    for user, provider, run, ending in cases * 2:
        record(Entry(event=Event(f"vault:exchange:{ending}"), user=user, provider=provider, run=run))
    everything = list(AuditEvent.objects.order_by("-id"))
    for provider, outcome, run in product(("", "github"), ("", "granted", "denied"), ("", "run-1")):
        filters = {"provider": provider, "outcome": outcome, "run": run}
        fitting = [
            row.id
            for row in everything
            if row.user == ALICE and all(getattr(row, name) == value for name, value in filters.items() if value)
        ]
        found = [row.id for row in query.select(user=ALICE, **filters)]
        assert found == fitting
        assert [row.id for row in query.select(user=ALICE, before=fitting[1], **filters)] == fitting[2:]


def test_a_jump_to_a_date_begins_at_the_last_event_before_it() -> None:
    first = record(Entry(event=Event.AGENT_RUN_STARTED, user=ALICE))
    record(Entry(event=Event.AGENT_RUN_STARTED, user=MALLORY))
    assert query.find_id_before(timezone.now() + timedelta(minutes=1), user=ALICE) == first
    assert query.find_id_before(datetime(2020, 1, 1, tzinfo=UTC), user=ALICE) is None


@on_sqlite
def test_a_jump_to_a_date_reads_one_entry_of_an_index() -> None:
    events = AuditEvent.objects.filter(user=ALICE, occurred_at__lt=timezone.now()).order_by("-occurred_at", "-id")
    assert plan_of(events.values("id")) == (
        "SEARCH audit_event USING COVERING INDEX audit_event_user_time (user=? AND occurred_at<?)"
    )


@on_sqlite
@pytest.mark.parametrize(("provider", "led"), [("", "user=?"), ("github", "user=? AND provider=?")])
def test_events_and_tools_are_looked_for_without_a_row_being_read(provider: str, led: str) -> None:
    events = query.select(user=ALICE, provider=provider, before=9).filter(event__in=["a", "b"], tool="t").values("id")
    index = "audit_event_provider_looked" if provider else "audit_event_user_looked"
    assert plan_of(events) == f"SEARCH audit_event USING COVERING INDEX {index} ({led} AND id<?)"
