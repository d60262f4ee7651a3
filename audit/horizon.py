"""Up to which id nothing can come any more: the log seals events in the order of their ids, and none late."""

import time

from django.db import connections

from audit import log
from audit.record import DATABASE

# An event is one statement, committed within milliseconds. Who holds a transaction open for longer delays the log, and
# nothing else; the next look comes soon.
_PATIENCE_SECONDS = 0.25
_PAUSE_SECONDS = 0.002

# Who writes to the table has this lock before an id is drawn from the sequence, and lets it go after the commit can be
# seen. The `xmin` of snapshots would not do: a transaction may have drawn an id and have no number yet.
# Source: https://www.postgresql.org/docs/current/view-pg-locks.html; PostgreSQL's CommitTransaction (xact.c) and
# nextval_internal (sequence.c).
_WRITERS = """
    SELECT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'audit_event'::regclass AND mode = 'RowExclusiveLock' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND pid IS DISTINCT FROM pg_backend_pid()
"""


def find_settled() -> int:
    """Return an id such that no event with it or a smaller one can still be committed; 0 while that is not known.

    SQLite has one writer at a time and draws the ids inside its transaction: there all that is committed is settled.
    Call it outside a transaction: one of isolation level REPEATABLE READ would not see what was waited for.
    """
    newest = log.find_newest_event()
    if connections[DATABASE].vendor != "postgresql" or not newest:
        return newest
    writers = _list_writers()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    # Those who come later draw larger ids.
    while writers and (writers := writers & _list_writers()):
        if time.monotonic() > deadline:
            return 0
        time.sleep(_PAUSE_SECONDS)
    return newest


def _list_writers() -> set[str]:
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(_WRITERS)
        return {transaction for (transaction,) in cursor.fetchall()}
