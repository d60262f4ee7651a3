"""Compares what the agent says it did with what the vault says it let it do: neither can do so without the other.

The agent's process records runs and calls, the vault's the exchanges. Whoever has one of the two can add rows of its
own or leave some out, and cannot make those of the other.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.db import connections

from audit import log
from audit.events import BEGINNINGS, WEB_CLIENT
from audit.models import AuditEvent
from audit.query import RUN_SPAN
from audit.record import DATABASE

# More findings of one kind tell nothing more.
MAX_FINDINGS = 100
# A run reads for minutes, and waits for its user ten times as long at the most.
_RUN_LIFE = timedelta(hours=2)
# What a page may look through: some 50 ms on SQLite with every row read from the file.
RECENT_EVENTS = 20_000

# The condition on `run` is that of the index (`audit.models`).
_CALLS = """
    SELECT id FROM audit_event AS told
    WHERE id > %s AND event IN ('agent:call:succeeded', 'agent:call:failed') AND NOT EXISTS (
        SELECT 1 FROM audit_event AS had
        WHERE had."user" = told."user" AND had.run = told.run AND NOT (had.run = '')
            AND had.event = 'vault:exchange:granted' AND had.exchange = told.exchange AND had.provider = told.provider
            AND had.tool_call = told.tool_call AND had.id < told.id
    ) ORDER BY id LIMIT %s
"""
_BEGUN = ", ".join(f"'{event.value}'" for event in BEGINNINGS)
# SECURITY: of all clients the web process alone could leave the run out, to begin none.
_EXCHANGES = f"""
    SELECT id FROM audit_event AS told
    WHERE id > %s AND event = 'vault:exchange:granted' AND (NOT (run = '') OR client = '{WEB_CLIENT}') AND NOT EXISTS (
        SELECT 1 FROM audit_event AS had
        WHERE had."user" = told."user" AND had.run = told.run AND NOT (had.run = '')
            AND had.event IN ({_BEGUN}) AND had.id < told.id
    ) ORDER BY id LIMIT %s
"""  # noqa: S608  (names of ours alone)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Ids of events, at most `MAX_FINDINGS` of each kind, the oldest first."""

    calls_without_exchange: tuple[int, ...]
    exchanges_without_run: tuple[int, ...]


def find_mismatch(*, after: int = 0) -> Mismatch:
    """Look through the events with ids above `after`; reads only, and each of them once.

    An exchange that names no run is one of a registered client, which has none; of our own process it does not fit. Of
    runs that went on where events were removed for their age, half may be gone: they are passed over.

    Raises:
        django.db.Error: The database failed.
    """
    removed = log.find_removal()
    after = max(after, _end_of_halved_runs(removed.last_event)) if removed else after
    return Mismatch(_list(_CALLS, after=after), _list(_EXCHANGES, after=after))


def find_recent_mismatch() -> Mismatch:
    """Look through the newest `RECENT_EVENTS` events alone; raises what `find_mismatch` raises."""
    return find_mismatch(after=max(0, log.find_newest_event() - RECENT_EVENTS))


def _end_of_halved_runs(last_event: int) -> int:
    """Return the id up to which events may be of runs that began before `last_event`, the last that was removed."""
    kept = AuditEvent.objects.filter(id__gt=last_event, id__lte=last_event + RUN_SPAN).order_by("id")
    first = kept.values_list("occurred_at", flat=True).first()
    if first is None:
        return last_event
    return kept.filter(occurred_at__lt=first + _RUN_LIFE).values_list("id", flat=True).last() or last_event


def _list(statement: str, *, after: int) -> tuple[int, ...]:
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(statement, [after, MAX_FINDINGS])
        return tuple(event_id for (event_id,) in cursor.fetchall())
