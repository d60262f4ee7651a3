"""Counts of a user's events by quarter of an hour, service and outcome: one statement, with an end to what it reads."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connections

from audit import timeline
from audit.events import Outcome
from audit.record import DATABASE

# Fits every time zone: all are whole quarters of an hour away from UTC.
QUARTER = timedelta(minutes=15)
# In a table of a million rows SQLite takes 12 ms of the processor for these where they lie together, and 30 where they
# lie between the events of 50 users.
COUNTED_ROWS = 5_000

_QUARTERS = {
    "sqlite": "CAST(strftime('%%s', occurred_at) AS INTEGER) / 900",
    "postgresql": "CAST(floor(extract(epoch FROM occurred_at) / 900) AS bigint)",
}
# The newest rows, in the order of the index `audit_event_user_time`.
_COUNT = """
    SELECT {quarter}, provider, outcome, count(*), max(id) FROM (
        SELECT id, occurred_at, provider, outcome FROM audit_event
        WHERE "user" = %s AND occurred_at >= %s ORDER BY occurred_at DESC, id DESC LIMIT %s
    ) newest GROUP BY 1, 2, 3
"""


@dataclass(frozen=True, slots=True)
class Count:
    """How many events of one service and outcome the quarter that began at `began_at` has, and the newest one's id."""

    began_at: datetime
    provider: str
    outcome: Outcome
    number: int
    newest_id: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What was counted; `whole_since` is from when on it is all, where there were more events than are counted."""

    counts: tuple[Count, ...]
    whole_since: datetime | None = None


def count_events(*, user: str, since: datetime, provider: str = "", outcome: str = "") -> Counts:
    """Count the events of `user` since then, the newest `COUNTED_ROWS` of them; "" filters nothing.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    connection = connections[DATABASE]
    statement = _COUNT.format(quarter=_QUARTERS[connection.vendor])
    with timeline.reading(), connection.cursor() as cursor:
        cursor.execute(statement, [user, connection.ops.adapt_datetimefield_value(since), COUNTED_ROWS])
        counts = [_count(*row) for row in cursor.fetchall()]
    is_cut = sum(count.number for count in counts) >= COUNTED_ROWS
    fitting = (c for c in counts if provider in {"", c.provider} and outcome in {"", c.outcome})
    return Counts(tuple(fitting), whole_since=min(c.began_at for c in counts) + QUARTER if is_cut else None)


def _count(quarter: int, provider: str, outcome: str, number: int, newest_id: int) -> Count:
    began_at = datetime.fromtimestamp(quarter * QUARTER.total_seconds(), UTC)
    return Count(began_at, provider, Outcome(outcome), number, newest_id)
