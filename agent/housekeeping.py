"""What a web process does by itself, worker or not: ends dead runs and expired pages, deletes what has expired.

What its user deleted is erased here alone: every installation has a web process.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import uniform

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from agent import conversations, page_socket
from agent.retention import expire_content
from agent.runner import end_dead_runs
from agent.schedules import making

# As often as the worker: a run counts as dead after half of that.
_TICK_SECONDS = 60.0
# What is kept for days may stay an hour longer.
_EXPIRE_EVERY_SECONDS = 3600.0

logger = logging.getLogger(__name__)


@asynccontextmanager
async def running() -> AsyncIterator[None]:
    """Keep house in the background of the block; at its end what is under way comes to its own end."""
    is_over = asyncio.Event()
    task = asyncio.create_task(_live(is_over), context=contextvars.Context())
    try:
        yield
    finally:
        is_over.set()
        await task


async def _live(is_over: asyncio.Event) -> None:
    expired_at = float("-inf")
    is_first = True
    while is_first or not is_over.is_set():
        is_first = False
        try:
            await sync_to_async(end_dead_runs)()
            await sync_to_async(conversations.erase_deleted)(now=timezone.now())
            if time.monotonic() - expired_at >= _EXPIRE_EVERY_SECONDS:
                await sync_to_async(expire_content)()
                await _tell_whether_schedules_run()
                expired_at = time.monotonic()
            await page_socket.end_expired()
        except Exception:
            # The outermost frame of a task that nobody waits for: a database that is away must not end it for good.
            logger.exception("agent.housekeeping_failed")
        try:
            # Not all processes at the same moment.
            await asyncio.wait_for(is_over.wait(), timeout=_TICK_SECONDS * uniform(1, 1.2))  # noqa: S311  (no secret)
        except TimeoutError:
            continue


async def _tell_whether_schedules_run() -> None:
    """Warn, at the start and each hour, where a worker should run the schedules and none has for a while."""
    if settings.SCHEDULER != "worker":
        return
    if since := await sync_to_async(making.find_unmade)(now=timezone.now()):
        logger.warning("agent.no_worker_runs_schedules", extra={"since": since.isoformat()})
