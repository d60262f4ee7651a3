"""What the vault does by itself: ends what nobody confirmed, and tells providers of erased tokens until they listen.

Every process of the vault may run one. They share the work through the tables: who takes a revocation puts it off for
the others. Nothing here is needed for safety; what is erased is of no use from the moment it is.
"""

import asyncio
import contextvars
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import uniform

from django.utils import timezone

from vault import confirm, disconnect
from vault.database import run
from vault.errors import VaultError
from vault.store import pending, revocations

# The longest sleep between two looks, each a few indexed reads: what another process left behind is found so soon.
_LONGEST_SLEEP_SECONDS = 60
# And the shortest, so that a clock that jumps or a row that stays due makes nobody busy.
_SHORTEST_SLEEP_SECONDS = 1

logger = logging.getLogger(__name__)


@asynccontextmanager
async def running() -> AsyncIterator[None]:
    """Drain in the background of the block; at its end a try that is under way comes to its own end."""
    is_over = asyncio.Event()
    # A context of its own: that of a request names a database thread that ends with it.
    task = asyncio.create_task(_live(is_over), context=contextvars.Context())
    try:
        yield
    finally:
        is_over.set()
        await task


async def drain() -> None:
    """Do what is due now.

    Raises:
        VaultUnavailableError: The database failed.
    """
    await run(confirm.sweep)
    await run(revocations.sweep)
    await disconnect.revoke_due()


async def _live(is_over: asyncio.Event) -> None:
    while not is_over.is_set():
        pause = float(_LONGEST_SLEEP_SECONDS)
        try:
            await drain()
            pause = await run(_seconds_until_next)
        except VaultError as error:
            logger.warning("vault.drainer.failed", extra={"kind": type(error).__name__})
        except Exception:
            # The outermost frame of a task that nobody waits for: a mistake of ours must not end the drainer for good.
            logger.exception("vault.drainer.failed")
        try:
            # Not all processes at the same moment.
            await asyncio.wait_for(is_over.wait(), timeout=pause * uniform(1, 1.2))  # noqa: S311  (no secret)
        except TimeoutError:
            continue


def _seconds_until_next() -> float:
    now = timezone.now()
    ends = [at for at in (revocations.find_next_due(), pending.find_next_end()) if at is not None]
    left = min(((at - now).total_seconds() for at in ends), default=float(_LONGEST_SLEEP_SECONDS))
    return max(_SHORTEST_SLEEP_SECONDS, min(left, _LONGEST_SLEEP_SECONDS))
