"""Numbers the events of this process's runs, stores them, and only then hands them to whoever follows.

One writer commits whatever is waiting in one transaction, so a hundred runs cost one commit at a time, not a hundred.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from agent import store
from agent.events import RunEvent

logger = logging.getLogger(__name__)

PROTOCOL_VERSION = 1
# A run of another process is read from the database; twice a second is live enough for a second tab.
_POLL_SECONDS = 0.5


def encode(event: RunEvent, *, run: UUID, seq: int) -> str:
    """Return the frame that is stored and sent: `{v, run, seq, t, type, …payload}`; `t` is in ms since the epoch."""
    head = {
        "v": PROTOCOL_VERSION,
        "run": str(run),
        "seq": seq,
        "t": int(timezone.now().timestamp() * 1000),
        "type": event.type,
    }
    frame = json.dumps(head | event.payload(), separators=(",", ":"), ensure_ascii=False, default=dict)
    # Half of a surrogate pair has no encoding; one in a frame would keep the writer from storing any other.
    return frame.encode(errors="replace").decode()


@dataclass(eq=False)
class _Live:
    """A run of this process: the number of its last event, and the queues of its followers."""

    seq: int = 0
    followers: set[asyncio.Queue[tuple[int, str] | None]] = field(default_factory=set)


class EventLog:
    """The event log of one process and event loop."""

    def __init__(self) -> None:
        self._live: dict[UUID, _Live] = {}
        self._waiting: list[tuple[UUID, int, str]] = []
        self._is_written = asyncio.Condition()
        self._writer: asyncio.Task[None] | None = None

    def open(self, run: UUID) -> None:
        """Begin to number the events of `run`."""
        self._live[run] = _Live()

    def append(self, event: RunEvent, *, run: UUID) -> None:
        """Number `event` and leave it to the writer; followers get it once it is stored."""
        live = self._live[run]
        live.seq += 1
        self._waiting.append((run, live.seq, encode(event, run=run, seq=live.seq)))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def close(self, run: UUID, *, last: RunEvent, commit: Callable[[int, str], None]) -> None:
        """End the log of `run` with its last event, then let its followers go.

        Args:
            run: The run.
            last: Its terminal event.
            commit: Stores the last event's `(seq, frame)` in one transaction with the run's final status, so that
                nobody ever sees the one without the other. Sync; runs where database code runs.
        """
        async with self._is_written:
            await self._is_written.wait_for(lambda: not any(entry[0] == run for entry in self._waiting))
        live = self._live.pop(run)
        seq = live.seq + 1
        frame = encode(last, run=run, seq=seq)
        try:
            await sync_to_async(commit)(seq, frame)
            for follower in live.followers:
                follower.put_nowait((seq, frame))
        finally:
            for follower in live.followers:
                follower.put_nowait(None)

    async def _write(self) -> None:
        while self._waiting:
            batch = list(self._waiting)
            try:
                await sync_to_async(store.append_events)(batch)
            except DatabaseError:
                # An event that cannot be stored is not sent either: the run is closed to its followers, and the
                # reaper ends it once its heartbeat is old.
                logger.exception("agent.events_not_stored", extra={"events": len(batch)})
            else:
                self._hand_out(batch)
            async with self._is_written:
                del self._waiting[: len(batch)]
                self._is_written.notify_all()

    def _hand_out(self, batch: list[tuple[UUID, int, str]]) -> None:
        for run, seq, frame in batch:
            for follower in self._live[run].followers:
                follower.put_nowait((seq, frame))

    async def follow(self, run: UUID, *, user: int, after: int) -> AsyncIterator[tuple[int, str]]:
        """Yield the run's `(seq, frame)` after `after`: first what is stored, then what comes, until its last event.

        Raises:
            RunNotFoundError: The run is not this user's.
        """
        queue: asyncio.Queue[tuple[int, str] | None] = asyncio.Queue()
        live = self._live.get(run)
        if live:
            live.followers.add(queue)
        try:
            for seq, frame in await sync_to_async(store.list_frames)(run, user=user, after=after):
                after = seq
                yield seq, frame
            async for seq, frame in self._next_frames(queue, run=run, user=user, after=after, is_live=live is not None):
                if seq > after:
                    after = seq
                    yield seq, frame
        finally:
            if live:
                live.followers.discard(queue)

    async def _next_frames(
        self, queue: asyncio.Queue[tuple[int, str] | None], *, run: UUID, user: int, after: int, is_live: bool
    ) -> AsyncIterator[tuple[int, str]]:
        if is_live:
            while entry := await queue.get():
                yield entry
            return
        is_running = True
        while is_running:
            # Asked before reading, so that the last events of a run that ends meanwhile are read as well.
            is_running = await sync_to_async(store.is_running)(run)
            for seq, frame in await sync_to_async(store.list_frames)(run, user=user, after=after):
                after = seq
                yield seq, frame
            if is_running:
                await asyncio.sleep(_POLL_SECONDS)

    async def aclose(self) -> None:
        """Stop the writer after what is waiting."""
        if self._writer:
            with suppress(asyncio.CancelledError):
                await self._writer
