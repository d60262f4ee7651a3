"""Who does something to the log that one process at a time may do: a claim that ends with its block or its process."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path

from django.db import connections, transaction

from audit.record import DATABASE


class Task(Enum):
    """What is claimed, by a number that nothing else in the database uses (see `devcontext.process.migration_lock`)."""

    SEALING = 0x44435602
    REMOVING = 0x44435603


@contextmanager
def claimed(task: Task) -> Iterator[bool]:
    """Be the one process that does this until the block ends; yield whether this one is, without waiting."""
    claim = _claim_in_database if connections[DATABASE].vendor == "postgresql" else _claim_file
    with claim(task) as is_ours:
        yield is_ours


@contextmanager
def _claim_in_database(task: Task) -> Iterator[bool]:
    """Source: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS."""
    # Of the transaction, not of the session: a pool between us and the server would keep a session's.
    with transaction.atomic(using=DATABASE), connections[DATABASE].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [task.value])
        yield bool(cursor.fetchone()[0])


@contextmanager
def _claim_file(task: Task) -> Iterator[bool]:
    # SQLite's own lock would keep events waiting while the leaves are hashed.
    with Path(f"{connections[DATABASE].settings_dict['NAME']}.{task.name.lower()}").open("wb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
