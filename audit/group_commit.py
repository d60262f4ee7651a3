"""Records events of async code: what waits at the same moment goes in one statement, on a thread of its own.

Each commit waits for the disk, and a run leaves a dozen events: a commit for each would have parallel runs stand in
one line. A caller goes on only after the commit that holds its event, as with `audit.record.record`.
"""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from weakref import WeakKeyDictionary

from django.db import Error, connections, transaction

from audit import record as one
from audit.errors import AuditError, AuditUnavailableError
from audit.events import Entry

# A connection that rested for longer is asked whether its server still is there before it is used.
_RESTED_SECONDS = 1.0
_AT_ONCE = 30


async def record(entry: Entry) -> None:
    """Append `entry`; committed on return.

    Raises:
        ActorTokenReplayedError: `entry.actor_jti` was recorded before.
        AuditUnavailableError: The audit database did not take the row.
    """
    await _writers.setdefault(asyncio.get_running_loop(), _Writer()).record(entry)


class _Writer:
    """The writer of one event loop."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Entry, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def record(self, entry: Entry) -> None:
        loop = asyncio.get_running_loop()
        is_committed: asyncio.Future[None] = loop.create_future()
        self._waiting.append((entry, is_committed))
        if self._writing is None:
            self._writing = loop.create_task(self._write())
        await is_committed

    async def _write(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                errors = await self._commit([entry for entry, _ in batch])
                _tell(batch, errors)
        finally:
            # A task holds its event loop, which would never be forgotten: a worker makes one for each briefing.
            self._writing = None

    async def _commit(self, entries: Sequence[Entry]) -> Sequence[AuditError | None]:
        try:
            return await asyncio.get_running_loop().run_in_executor(_thread(), _record_all, entries)
        except Exception:  # noqa: BLE001, a task that nobody waits for: no caller may wait for ever, or go on
            one.logger.exception("audit.group_commit.failed", extra={"events": len(entries)})
            return [AuditUnavailableError("The audit database did not take the event.")] * len(entries)


def _tell(batch: Sequence[tuple[Entry, asyncio.Future[None]]], errors: Sequence[AuditError | None]) -> None:
    """Let each caller go on, or fail; one that was cancelled meanwhile hears nothing."""
    for (_, is_committed), error in zip(batch, errors, strict=True):
        if is_committed.done():
            continue
        if error:
            is_committed.set_exception(error)
        else:
            is_committed.set_result(None)


_writers: WeakKeyDictionary[asyncio.AbstractEventLoop, _Writer] = WeakKeyDictionary()
_used_at = float("-inf")


@cache
def _thread() -> ThreadPoolExecutor:
    """Return the one thread: SQLite has one writer at a time, and PostgreSQL's commits are shared by being together."""
    return ThreadPoolExecutor(1, thread_name_prefix="audit")


def _record_all(entries: Sequence[Entry]) -> Sequence[AuditError | None]:
    """Commit `entries`, and return why not for each that is not."""
    global _used_at  # noqa: PLW0603, there is one thread
    if time.monotonic() - _used_at > _RESTED_SECONDS:
        _drop_dead_connection()
    try:
        # Alone, an event needs no transaction: see `audit.record`.
        if len(entries) > 1 and _are_together(entries):
            return [None] * len(entries)
        return [_record(entry) for entry in entries]
    finally:
        _used_at = time.monotonic()


def _are_together(entries: Sequence[Entry]) -> bool:
    """Commit all of `entries`, or none of them."""
    try:
        with transaction.atomic(using=one.DATABASE, durable=True):
            # In pieces that fit into one statement of SQLite, which takes a thousand values on old machines.
            for start in range(0, len(entries), _AT_ONCE):
                one.insert_all(entries[start : start + _AT_ONCE], connection=connections[one.DATABASE])
    except Error:
        # One event that cannot be taken must cost no other run its own: each is tried by itself.
        return False
    return True


def _record(entry: Entry) -> AuditError | None:
    try:
        one.record(entry)
    except AuditError as error:
        return error
    return None


def _drop_dead_connection() -> None:
    connection = connections[one.DATABASE]
    if connection.connection is not None and not connection.is_usable():
        connection.close()
