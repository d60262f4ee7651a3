"""The rows of run events: sealed, numbered by their run, and written to no run that has ended.

An answer writes some fifty times, so that this is SQL of our own: the ORM takes longer to write the statements than the
database to run them.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from agent.models import Event, Run
from agent.sealing import Place, seal
from agent.types import RunStatus

_ALIVE = "SELECT id FROM agent_run WHERE status = %s AND id IN ({marks}) ORDER BY id"
_INSERT = "INSERT INTO agent_event (run_id, seq, sealed_frame) VALUES (%s, %s, %s)"


def append_events(events: Sequence[tuple[UUID, int, str]]) -> frozenset[UUID]:
    """Append `(run, seq, frame)` events of any runs in one commit; return the runs that had ended, and got none."""
    # SQLite keeps these ids as text.
    stored = {run: Run._meta.pk.get_db_prep_value(run, connection) for run, _, _ in events}
    with transaction.atomic(using="default"), connection.cursor() as cursor:
        alive = _lock_alive(cursor, stored.values())
        rows = [
            (stored[run], seq, seal(frame, place=place_of(run, seq)))
            for run, seq, frame in events
            if stored[run] in alive
        ]
        if rows:
            cursor.executemany(_INSERT, rows)
    return frozenset(run for run in stored if stored[run] not in alive)


def _lock_alive(cursor: CursorWrapper, runs: Collection[UUID | str]) -> set[UUID | str]:
    """Return which of `runs` go on, locked, so that nothing comes after an event that ends one, whoever writes that."""
    # SQLite locks all of itself, when its transaction begins.
    lock = " FOR NO KEY UPDATE" if connection.features.has_select_for_no_key_update else ""
    statement = _ALIVE.format(marks=", ".join(["%s"] * len(runs)))
    cursor.execute(statement + lock, [RunStatus.RUNNING.value, *runs])
    return {run for (run,) in cursor.fetchall()}


def row_of(run: UUID, *, seq: int, frame: str) -> Event:
    """Return the row of one event, for a transaction of the caller's own."""
    return Event(run_id=run, seq=seq, sealed_frame=seal(frame, place=place_of(run, seq)))


def place_of(run: UUID, seq: int) -> Place:
    """Return where an event is kept, which its seal is bound to."""
    return Place("event.frame", run, seq)
