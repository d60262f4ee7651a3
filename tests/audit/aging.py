"""A sealed log of which a part is old, as the tests of retention make it."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import connections
from django.utils import timezone

from audit import append_only
from tests.audit.sealing import record_many, sealer

SIZE, OLD = 400, 300


def as_superuser(statement: str, *values: Any) -> None:
    """Run SQL as who has taken the triggers away, and has put them back so that no check misses them."""
    append_only.remove(connections["audit"])
    with connections["audit"].cursor() as cursor:
        cursor.execute(statement, values)
    append_only.install(connections["audit"])


def make_old(ids: list[int], *, days: int) -> None:
    """Set back the clock of events that are not sealed yet, so that they are older than so many days."""
    at = connections["audit"].ops.adapt_datetimefield_value(timezone.now() - timedelta(days=days + 1))
    as_superuser("UPDATE audit_event SET occurred_at = %s WHERE id BETWEEN %s AND %s", at, ids[0], ids[-1])


def aged_log(folder: Path, *, days: int, step: int) -> list[int]:
    """Seal `SIZE` events, the first `OLD` of them older than `days`, with a checkpoint at every `step`; their ids."""
    found = record_many(SIZE)
    make_old(found[:OLD], days=days)
    own = sealer(folder)
    while own.seal_next(limit=step):
        pass
    return found
