"""Ends sessions everywhere: closes their pages, stops their runs, and has the vault honour none of their tokens.

Nobody who signs out waits for a vault that is down: it is told in the background until no token of theirs is valid.
"""

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction

from permissions.subjects import auth_time_of, sid_of, subject_of
from vault.client import VaultError
from vault.client import sessions as vault

# A vault that works answers within milliseconds; one that does not is not waited for.
_PATIENCE_SECONDS = 1.0
_FIRST_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 30.0

logger = logging.getLogger(__name__)

# The event loop keeps weak references to its tasks; these keep them from being collected half-way.
_telling: WeakKeyDictionary[asyncio.AbstractEventLoop, set[asyncio.Task[bool]]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What ended: session `sid` of `user`, or with "" each that they began at `signed_in_at` (epoch) or before."""

    user: str
    sid: str
    signed_in_at: float

    def tell(self) -> Awaitable[None]:
        """Tell the vault."""
        if not self.sid:
            return vault.end_subject(user=self.user, signed_in_through=self.signed_in_at)
        return vault.end_session(user=self.user, sid=self.sid, auth_time=self.signed_in_at)


def end_session(session: SessionBase, *, user: User) -> None:
    """End the signed-in session of `user`; sync, and raises nothing that the vault or a run could cause."""
    assert user.pk is not None
    ended = Ended(user=subject_of(user.pk), sid=sid_of(session), signed_in_at=auth_time_of(session))
    async_to_sync(end)(ended)


def end_all_sessions(user_id: int) -> None:
    """End every session of a user once the transaction under way is committed; else as `end_session`."""
    ended = Ended(user=subject_of(user_id), sid="", signed_in_at=time.time())
    transaction.on_commit(lambda: async_to_sync(end)(ended), using="default")


async def end(ended: Ended) -> None:
    """Close pages, stop runs, and tell the vault; returns when it knows, or goes on telling it in the background."""
    from agent.runner import current_runner  # noqa: PLC0415  (takes a second, which no command should wait for)

    current_runner().end_session(user=ended.user, sid=ended.sid, signed_in_through=ended.signed_in_at)
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            await ended.tell()
    except (VaultError, TimeoutError):
        logger.warning("session.end.deferred", extra={"user": ended.user})
        _detach(ended)


async def aclose() -> None:
    """Give up what the vault of this event loop could not be told yet, as when the process ends."""
    if tasks := _telling.get(asyncio.get_running_loop()):
        for task in tasks:
            task.cancel()
        await asyncio.wait(set(tasks))


def _detach(ended: Ended) -> None:
    loop = asyncio.get_running_loop()
    # A new context: the request's names the thread of its database work, which ends with it.
    task = loop.create_task(_go_on_telling(ended), context=contextvars.Context())
    tasks = _telling.setdefault(loop, set())
    tasks.add(task)

    def conclude(done: asyncio.Task[bool]) -> None:
        tasks.discard(done)
        # SECURITY: nothing is minted any more for a session that ended here, so that its last token ends by itself.
        if done.cancelled() or not done.result():
            logger.error("session.end.not_told", extra={"user": ended.user})

    task.add_done_callback(conclude)


async def _go_on_telling(ended: Ended) -> bool:
    """Try again with growing pauses until the vault knows, or nothing is left that a late word could end."""
    pause = _FIRST_RETRY_SECONDS
    deadline = time.monotonic() + vault.LONGEST_TOKEN_SECONDS
    while time.monotonic() < deadline:
        await asyncio.sleep(pause)
        if await _try(ended):
            return True
        pause = min(2 * pause, _LONGEST_RETRY_SECONDS)
    return False


async def _try(ended: Ended) -> bool:
    try:
        await ended.tell()
    except VaultError:
        return False
    return True
