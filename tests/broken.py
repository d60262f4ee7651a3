"""Databases that fail for a while: what a process meets when a table cannot be read or written."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from asgiref.sync import sync_to_async
from django.db import connections


@contextmanager
def table_away(alias: str, *, table: str) -> Iterator[None]:
    """Give a table another name for a block, on the calling thread's connection.

    In a test that is one transaction, what the block writes to that database goes with the other name.
    """
    connection = connections[alias]
    # PostgreSQL takes no statement after one that failed, only the way back to before it.
    before = connection.savepoint() if connection.in_atomic_block else None
    _rename(alias, old=table, new=f"{table}_away")
    try:
        yield
    finally:
        if before is None:
            _rename(alias, old=f"{table}_away", new=table)
        elif not connection.closed_in_transaction:  # what closed it took the whole transaction back
            connection.needs_rollback = False
            connection.savepoint_rollback(before)


@asynccontextmanager
async def table_away_async(alias: str, *, table: str) -> AsyncIterator[None]:
    """Give a table another name for a block of a coroutine, on the connection of its database thread."""
    away = table_away(alias, table=table)
    await sync_to_async(away.__enter__)()
    try:
        yield
    finally:
        await sync_to_async(away.__exit__)(None, None, None)


def _rename(alias: str, *, old: str, new: str) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(f"ALTER TABLE {old} RENAME TO {new}")
