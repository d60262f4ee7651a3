"""Lets one process at a time migrate a database: web and vault share the audit, and may start at the same moment.

Django reads which migrations are missing before it takes any lock, so two at once would make the same table.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db.backends.base.base import BaseDatabaseWrapper

# Any number that nothing else in the database uses; advisory locks are counted per database.
_POSTGRESQL_LOCK = 0x44435601


@contextmanager
def held(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Hold the lock until the block ends; waits for whoever has it.

    On PostgreSQL it is a lock of the session, on SQLite one of a file beside the database: the database file itself
    is opened by SQLite alone, and only once the lock is held.
    """
    hold = _hold_session if connection.vendor == "postgresql" else _hold_file
    with hold(connection):
        yield


@contextmanager
def _hold_session(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Source: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [_POSTGRESQL_LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_POSTGRESQL_LOCK])


@contextmanager
def _hold_file(connection: BaseDatabaseWrapper) -> Iterator[None]:
    # The file stays: removed, a third process could lock a new one while a second still waits for the old.
    with Path(f"{connection.settings_dict['NAME']}.migrating").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
