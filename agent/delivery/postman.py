"""The postman of a web process: tries what is due, and looks again when the next try is. A worker's beat does the same.

Several may go round at once; a delivery is claimed by one of them.
"""

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.conf import settings
from django.utils import timezone

from agent.delivery import store
from agent.delivery.sending import deliver_due

# What other processes made is found this much later.
_TICK_SECONDS = 60.0
# Sooner than this nobody looks again.
_SHORTEST_SECONDS = 0.5

logger = logging.getLogger(__name__)

_news: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Event] = WeakKeyDictionary()


@asynccontextmanager
async def running() -> AsyncIterator[None]:
    """Deliver in the background of the block, where no worker does; at its end what is under way is broken off."""
    if settings.SCHEDULER != "web":
        yield
        return
    loop = asyncio.get_running_loop()
    news = _news[loop] = asyncio.Event()
    task = loop.create_task(_live(news), context=contextvars.Context())
    try:
        yield
    finally:
        del _news[loop]
        task.cancel()
        await asyncio.wait({task})


def nudge() -> None:
    """Let the postman of this event loop look at once, if there is one."""
    if news := _news.get(asyncio.get_running_loop()):
        news.set()


async def _live(news: asyncio.Event) -> None:
    while True:
        # Before looking: what comes while it looks is looked at again.
        news.clear()
        pause = _TICK_SECONDS
        try:
            await deliver_due()
            pause = await _pause()
        except Exception:
            # The outermost frame of a task that nobody waits for: a database that is away must not end it for good.
            logger.exception("agent.postman_failed")
        try:
            await asyncio.wait_for(news.wait(), timeout=pause)
        except TimeoutError:
            continue


async def _pause() -> float:
    now = timezone.now()
    following = await sync_to_async(store.find_next_try)(after=now)
    wait = (following - now).total_seconds() if following else _TICK_SECONDS
    return max(_SHORTEST_SECONDS, min(wait, _TICK_SECONDS))
