"""Seals the audit's events while a process lives, about twice a second. Nothing waits for it.

Every process that has the log's key may run one; `audit.seal` lets one of them work at a time.
"""

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from random import uniform

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, connections

from audit import log_keys
from audit.checkpoint import LogKeys
from audit.errors import AuditError, LogBrokenError
from audit.events import Entry, Event
from audit.record import DATABASE, record
from audit.seal import Sealer

# An event is to be sealed within a second of its commit.
_PAUSE_SECONDS = 0.5
# A log that was rewritten stays so until somebody looks; a database that is away should not fill the process's log.
_PAUSE_AFTER_FAILURE_SECONDS = 30.0

logger = logging.getLogger(__name__)


@asynccontextmanager
async def running() -> AsyncIterator[None]:
    """Seal in the background of the block; at its end what was recorded before is sealed as well."""
    keys = _find_keys()
    if keys is None:
        yield
        return
    is_over = asyncio.Event()
    # One thread, so that the database connection stays the same; not the vault's, whose callers would wait.
    with ThreadPoolExecutor(1, thread_name_prefix="audit-sealer") as thread:
        sealer = Sealer(keys, pin_file=settings.AUDIT_PIN_FILE)
        task = asyncio.create_task(_live(sealer, is_over=is_over, thread=thread), context=contextvars.Context())
        try:
            yield
        finally:
            is_over.set()
            await task
            thread.submit(connections.close_all)


def _find_keys() -> LogKeys | None:
    """Return the keys to sign with. Without one the events wait; a check says what is missing (`vault.E006`)."""
    try:
        keys = log_keys.current()
    except ImproperlyConfigured:
        keys = None
    if keys is None or not keys.signers:
        logger.error("audit.sealer.no_key")
        return None
    return keys


async def _live(sealer: Sealer, *, is_over: asyncio.Event, thread: ThreadPoolExecutor) -> None:
    loop = asyncio.get_running_loop()
    is_first, is_last = True, False
    while not is_last:
        is_last = is_over.is_set()
        # Off the loop: each is a few reads and writes, and hashing.
        pause = await loop.run_in_executor(thread, partial(_seal_all, sealer, is_first=is_first))
        is_first = False
        if not is_last:
            await _sleep(pause, is_over=is_over)


def _seal_all(sealer: Sealer, *, is_first: bool) -> float:
    """Seal what there is, and return the seconds until the next look."""
    try:
        if is_first and sealer.is_key_new():
            # The next checkpoint must not wait for something to happen: it says that the old key signs no more.
            record(Entry(event=Event.AUDIT_KEY_ROTATED, user=""))
        while sealer.seal_next():
            pass
    except LogBrokenError as error:
        # SECURITY: the sentence is ours; it names sizes, never what an event holds.
        logger.error("audit.sealer.refused", extra={"reason": str(error)})  # noqa: TRY400  (no traceback tells more)
    except (AuditError, Error) as error:
        connections[DATABASE].close_if_unusable_or_obsolete()
        logger.warning("audit.sealer.failed", extra={"kind": type(error).__name__})
    except Exception:
        # The outermost frame of a task that nobody waits for: a mistake of ours must not end the sealer for good.
        logger.exception("audit.sealer.failed")
    else:
        return _PAUSE_SECONDS
    # Not all processes at the same moment.
    return _PAUSE_AFTER_FAILURE_SECONDS * uniform(1, 1.2)  # noqa: S311  (no secret)


async def _sleep(seconds: float, *, is_over: asyncio.Event) -> None:
    try:
        await asyncio.wait_for(is_over.wait(), timeout=seconds)
    except TimeoutError:
        return
