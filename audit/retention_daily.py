"""Removes expired events while a process lives, once a day (AUDIT_RETENTION_DAYS). Nothing waits for it.

Every process that has the log's key may run one: whoever looks first does it, and the others find nothing to do.
"""

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from random import uniform

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connections

from audit import log_keys, retention
from audit.errors import AuditError
from audit.record import DATABASE

# A process that has just started is needed for something else, and not all that start together look together.
_FIRST_SECONDS = (60.0, 600.0)
_DAY_SECONDS = 86_400.0

logger = logging.getLogger(__name__)


@asynccontextmanager
async def running() -> AsyncIterator[None]:
    """Look once a day in the background of the block; at its end a segment that is on its way goes whole."""
    if not settings.AUDIT_RETENTION_DAYS:
        yield
        return
    is_over = asyncio.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="audit-retention") as thread:
        task = asyncio.create_task(_live(is_over, thread=thread), context=contextvars.Context())
        try:
            yield
        finally:
            is_over.set()
            await task
            thread.submit(connections.close_all)


async def _live(is_over: asyncio.Event, *, thread: ThreadPoolExecutor) -> None:
    pause = uniform(*_FIRST_SECONDS)  # noqa: S311  (no secret)
    while not await _has_ended(is_over, seconds=pause):
        await asyncio.get_running_loop().run_in_executor(thread, _remove, is_over)
        pause = _DAY_SECONDS


async def _has_ended(is_over: asyncio.Event, *, seconds: float) -> bool:
    try:
        return await asyncio.wait_for(is_over.wait(), timeout=seconds)
    except TimeoutError:
        return False


def _remove(is_over: asyncio.Event) -> None:
    try:
        retention.remove_older(log_keys.current(), days=settings.AUDIT_RETENTION_DAYS, is_over=is_over.is_set)
    except (AuditError, ImproperlyConfigured) as error:
        # SECURITY: the sentence is ours; it names numbers, never what an event holds.
        logger.error("audit.retention.refused", extra={"reason": str(error)})  # noqa: TRY400  (no traceback tells more)
    except Error as error:
        connections[DATABASE].close_if_unusable_or_obsolete()
        logger.error("audit.retention.failed", extra={"kind": type(error).__name__})  # noqa: TRY400  (likewise)
    except Exception:
        # The outermost frame of a task that nobody waits for: a mistake of ours must not end it for good.
        logger.exception("audit.retention.failed")
