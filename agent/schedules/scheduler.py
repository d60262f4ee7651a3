"""The scheduler of a web process: looks every minute for what is due, and runs it here, a few at a time.

Where a Celery worker does that (`SCHEDULER=worker`), it does nothing. Several processes may do it at once: one of them
makes what is due, each runs what it claims, and a due time has one occurrence whoever makes it.
"""

import asyncio
import contextvars
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from agent.schedules import leading, making, occurrences
from agent.schedules.running import run_occurrence

_TICK_SECONDS = 60.0
# Sooner than this nobody looks again, however much there is: each look asks the database.
_SHORTEST_SECONDS = 0.2

logger = logging.getLogger(__name__)


def _nothing() -> None:
    """Do nothing."""


class Scheduler:
    """The scheduler of one event loop; `at_once` briefings go on at a time, and no more are held in memory."""

    def __init__(self, *, at_once: int, then: Callable[[], None] = _nothing) -> None:
        self._at_once = at_once
        self._then = then
        self._owner = secrets.token_hex(16)
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._news = asyncio.Event()
        self._is_over = False

    def nudge(self) -> None:
        """Look at once, since there is something to begin."""
        self._news.set()

    async def live(self) -> None:
        """Look and begin until `stop`."""
        while not self._is_over:
            # Before looking: what comes while it looks is looked at again.
            self._news.clear()
            pause = _TICK_SECONDS
            try:
                pause = await self._look()
            except Exception:
                # The outermost frame of a task that nobody waits for: a database that is away must not end it for good.
                logger.exception("agent.scheduler_failed")
            try:
                await asyncio.wait_for(self._news.wait(), timeout=pause)
            except TimeoutError:
                continue

    def stop(self) -> None:
        """Begin nothing more."""
        self._is_over = True
        self.nudge()

    async def aclose(self) -> None:
        """Give back what is claimed; the runs themselves end with the process."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await sync_to_async(leading.resign)(owner=self._owner)

    async def _look(self) -> float:
        """Make what is due, begin what there is room for, and return after how many seconds to look again."""
        now = timezone.now()
        is_leader = await sync_to_async(leading.lead)(owner=self._owner, now=now)
        await sync_to_async(making.make_due if is_leader else making.catch_up)(now=now)
        if room := self._at_once - len(self._running):
            for occurrence in await sync_to_async(occurrences.list_to_begin)(now=now, limit=room):
                self._begin(occurrence)
        following = await sync_to_async(occurrences.find_next_begin)(after=now)
        wait = (following - timezone.now()).total_seconds() if following else _TICK_SECONDS
        return max(_SHORTEST_SECONDS, min(wait, _TICK_SECONDS))

    def _begin(self, occurrence: UUID) -> None:
        if occurrence in self._running:
            return
        # A context of its own: a request's names the thread of its database work, which ends with it.
        task = asyncio.get_running_loop().create_task(self._run(occurrence), context=contextvars.Context())
        self._running[occurrence] = task
        task.add_done_callback(lambda _task: self._forget(occurrence))

    async def _run(self, occurrence: UUID) -> None:
        is_claimed = False
        try:
            is_claimed = await run_occurrence(occurrence)
        except Exception:
            # Likewise; the claim ends by itself, and the occurrence is begun again.
            logger.exception("agent.occurrence_not_run", extra={"occurrence": str(occurrence)})
        if is_claimed:
            self.nudge()
            self._then()

    def _forget(self, occurrence: UUID) -> None:
        self._running.pop(occurrence, None)


_calls: list[Callable[[], None]] = []
_schedulers: WeakKeyDictionary[asyncio.AbstractEventLoop, Scheduler] = WeakKeyDictionary()


@asynccontextmanager
async def running(*, then: Callable[[], None] = _nothing) -> AsyncIterator[None]:
    """Run what is due in the background of the block, where no worker does; at its end what goes on is given back.

    `then` is called after each run.
    """
    if settings.SCHEDULER != "web":
        yield
        return
    loop = asyncio.get_running_loop()
    scheduler = _schedulers[loop] = Scheduler(at_once=settings.SCHEDULES_AT_ONCE, then=then)
    living = loop.create_task(scheduler.live(), context=contextvars.Context())
    try:
        yield
    finally:
        del _schedulers[loop]
        scheduler.stop()
        await living
        await scheduler.aclose()


def call_by(call: Callable[[], None]) -> None:
    """Let `call` tell Celery's workers that something is due, for `wake`; it may take a while, and raises nothing."""
    _calls[:] = [call]


async def wake() -> None:
    """Let whoever runs the schedules look at once: the scheduler of this event loop, or a worker."""
    if settings.SCHEDULER == "worker":
        # A thread of its own: database work waits for no queue.
        for call in _calls:
            await sync_to_async(call, thread_sensitive=False)()
    elif scheduler := _schedulers.get(asyncio.get_running_loop()):
        scheduler.nudge()
