"""Numbers the events of this process's runs, stores them, and only then hands them to whoever follows.

One writer commits whatever is waiting in one transaction, so a hundred runs cost one commit at a time, not a hundred.
A follower keeps nothing but its place: one that is slow reads from the database what it has missed.
"""

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections
from django.utils import timezone

from agent import store
from agent.events import RunEvent
from agent.stored_events import append_events

logger = logging.getLogger(__name__)

PROTOCOL_VERSION = 1
# A run of another process is read from the database when that process says that there is news, and this often anyway.
_POLL_SECONDS = 0.5
# What followers of a run share: several seconds of it. Whoever is further behind reads from the database.
_RECENT_FRAMES = 256
# As long as SQLite waits for a lock. A database that is away for longer ends the runs whose events it does not take.
_PATIENCE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.05

_Entry = tuple[UUID, int, str]
_Result = TypeVar("_Result")


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
    """A run of this process.

    Attributes:
        numbered: The number of its last event.
        waiting: Events that are not stored yet, in order.
        recent: The last ones that are.
        is_lost: Its events cannot be stored; no more are taken.
        is_watched: Another process follows it and wants to hear of news.
        is_over: Its last event is among the recent ones.
        news: Set, and replaced, when something was stored or the run was closed.
    """

    numbered: int = 0
    waiting: list[_Entry] = field(default_factory=list)
    recent: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=_RECENT_FRAMES))
    is_lost: bool = False
    is_watched: bool = False
    is_over: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()

    def find_after(self, seq: int) -> list[tuple[int, str]] | None:
        """Return the recent frames after `seq`; None if others came between."""
        if self.recent and self.recent[0][0] > seq + 1:
            return None
        return [entry for entry in self.recent if entry[0] > seq]


class EventLog:
    """The event log of one process and event loop.

    Args:
        on_lost: Told of a run whose events cannot be stored any more; it is to be closed.
        on_news: Told of a run that another process follows and that has news.
        on_follow: Told of a run of another process that is followed here.
    """

    def __init__(
        self,
        *,
        on_lost: Callable[[UUID], None] = lambda _run: None,
        on_news: Callable[[UUID], None] = lambda _run: None,
        on_follow: Callable[[UUID], None] = lambda _run: None,
    ) -> None:
        self._on_lost, self._on_news, self._on_follow = on_lost, on_news, on_follow
        self._live: dict[UUID, _Live] = {}
        # Of runs of other processes: set, and replaced, when their process says that there is news.
        self._elsewhere: dict[UUID, asyncio.Event] = {}
        self._writer: asyncio.Task[None] | None = None

    def open(self, run: UUID) -> None:
        """Begin to number the events of `run`."""
        self._live[run] = _Live()

    def append(self, event: RunEvent, *, run: UUID) -> None:
        """Number `event` and leave it to the writer; followers get it once it is stored."""
        live = self._live[run]
        if live.is_lost:
            return
        live.numbered += 1
        live.waiting.append((run, live.numbered, encode(event, run=run, seq=live.numbered)))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def close(self, run: UUID, *, last: RunEvent, commit: Callable[[int, str], bool]) -> None:
        """End the log of `run` with its last event, then let its followers go.

        A database that is away is waited for; after that the run stays without its last event until it is found dead.

        Args:
            run: The run.
            last: Its terminal event.
            commit: Stores the last event's `(seq, frame)` in one transaction with the run's final status, so that
                nobody ever sees the one without the other, and tells whether it did: somebody else may have ended the
                run. Sync; runs where database code runs.
        """
        live = self._live[run]
        while live.waiting:
            await live.news.wait()
        seq = live.numbered + 1
        frame = encode(last, run=run, seq=seq)
        try:
            live.is_over = await _insist(lambda: commit(seq, frame))
        except DatabaseError:
            logger.exception("agent.run_end_not_stored", extra={"run": str(run)})
        finally:
            if live.is_over:
                live.recent.append((seq, frame))
            # Where it is not over, its followers look in the database for who else has ended the run.
            del self._live[run]
            live.tell()
            if live.is_watched:
                self._on_news(run)

    def watch(self, run: UUID) -> None:
        """Note that another process follows `run`, if it is one of this process."""
        if live := self._live.get(run):
            live.is_watched = True

    def wake(self, run: UUID) -> None:
        """Take another process's word that `run` has news."""
        if news := self._elsewhere.pop(run, None):
            news.set()

    async def follow(self, run: UUID, *, user: int, after: int) -> AsyncIterator[tuple[int, str]]:
        """Yield the run's `(seq, frame)` after `after`: first what is stored, then what comes, until its last event.

        A follower who has its place from a database that lost some events since, as one that was restored did, is
        beyond the end of the run. It gets the last event all the same: nothing else would tell it that there is an end.

        Raises:
            RunNotFoundError: The run is not this user's.
            ContentClosedError: A stored event does not open.
        """
        asked_after = after
        # From the database first, which alone knows whose run it is.
        for seq, frame in await sync_to_async(store.list_frames)(run, user=user, after=after):
            after = seq
            yield seq, frame
        live = self._live.get(run)
        while live and (frames := await self._await_frames(live, run, user=user, after=after)):
            for seq, frame in frames:
                after = seq
                yield seq, frame
        if live is None or not live.is_over:
            async for seq, frame in self._follow_stored(run, user=user, after=after):
                after = seq
                yield seq, frame
        if after == asked_after:
            yield await sync_to_async(store.load_last_frame)(run, user=user)

    async def _await_frames(self, live: _Live, run: UUID, *, user: int, after: int) -> list[tuple[int, str]]:
        """Return the next frames of a run of this process, as soon as there are any; none once it is closed."""
        while live.is_over or run in self._live:
            news, frames = live.news, live.find_after(after)
            if frames is None:
                return await sync_to_async(store.list_frames)(run, user=user, after=after)
            if frames or live.is_over:
                return frames
            await news.wait()
        return []

    async def _follow_stored(self, run: UUID, *, user: int, after: int) -> AsyncIterator[tuple[int, str]]:
        """Yield the frames of a run that is not, or no longer, in the hands of this process."""
        is_running, is_watching = True, False
        while is_running:
            news = self._elsewhere.setdefault(run, asyncio.Event())
            # Asked before reading, so that the last events of a run that ends meanwhile are read as well.
            is_running = await sync_to_async(store.is_running)(run)
            if is_running and not is_watching:
                # Also before reading: what is stored after this is announced.
                self._on_follow(run)
                is_watching = True
            frames = await sync_to_async(store.list_frames)(run, user=user, after=after)
            for seq, frame in frames:
                after = seq
                yield seq, frame
            if is_running and not frames:
                with suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), timeout=_POLL_SECONDS)
        self._elsewhere.pop(run, None)

    async def _write(self) -> None:
        while batch := [entry for live in self._live.values() for entry in live.waiting]:
            try:
                ended = await _insist(partial(append_events, batch))
            except Exception:
                # The outer frame of a task that nobody waits for, whatever it met: an event that cannot be stored is
                # not sent either, and its number is given to the run's last event.
                logger.exception("agent.events_not_stored", extra={"events": len(batch)})
                await self._write_apart(batch)
            else:
                self._hand_out(entry for entry in batch if entry[0] not in ended)
                self._lose(ended)

    async def _write_apart(self, batch: list[_Entry]) -> None:
        """Store the events of each run by themselves: one run's bad event must cost no other run its events."""
        for run in dict.fromkeys(entry[0] for entry in batch):
            mine = [entry for entry in batch if entry[0] == run]
            try:
                ended = await sync_to_async(append_events)(mine)
            except Exception:
                logger.exception("agent.run_not_stored", extra={"run": str(run), "events": len(mine)})
                ended = frozenset({run})
            if ended:
                self._lose(ended)
            else:
                self._hand_out(mine)

    def _hand_out(self, stored: Iterable[_Entry]) -> None:
        runs = set()
        for run, seq, frame in stored:
            live = self._live[run]
            live.recent.append((seq, frame))
            if live.waiting:
                del live.waiting[0]
            runs.add(run)
        for run in runs:
            live = self._live[run]
            live.tell()
            if live.is_watched:
                self._on_news(run)

    def _lose(self, runs: Iterable[UUID]) -> None:
        for run in runs:
            live = self._live[run]
            live.numbered -= len(live.waiting)
            live.waiting.clear()
            live.is_lost = True
            live.tell()
            self._on_lost(run)

    async def aclose(self) -> None:
        """Stop the writer after what is waiting."""
        if self._writer:
            with suppress(asyncio.CancelledError):
                await self._writer


async def _insist(do: Callable[[], _Result]) -> _Result:
    """Return what `do` returns, where database code runs; a database that is away is asked again for some time.

    Raises:
        DatabaseError: It is away for longer, or it says no for another reason.
    """
    deadline, pause = time.monotonic() + _PATIENCE_SECONDS, _FIRST_PAUSE_SECONDS
    while True:
        try:
            return await sync_to_async(do)()
        except (OperationalError, InterfaceError):
            if time.monotonic() + pause > deadline:
                raise
            logger.warning("agent.database_away", extra={"pause_ms": round(pause * 1000)})
        await asyncio.sleep(pause)
        # A server that is back does not know the connection that broke.
        await sync_to_async(close_old_connections)()
        pause *= 2
