"""Watches for new events of those whose timeline is open, so that their pages need not ask. It hands out no event.

A process looks once for all pages of a user; what a page then shows it asks for itself, as it asks for any page.
"""

import asyncio
import contextvars
import logging
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from django.db import close_old_connections

from audit import query, timeline
from audit.errors import AuditUnavailableError

# What a person who watches takes for at once, at a look of some entries of an index for each of them.
_PAUSE_SECONDS = 2.0
# On PostgreSQL a smaller id may be committed after a larger one, within milliseconds: the newest alone would hide it.
_NOTICED = 32

logger = logging.getLogger(__name__)

Ids = tuple[int, ...]


@dataclass(slots=True)
class _Watched:
    """One user: how many pages follow, the ids of the newest events, and what says that these changed."""

    pages: int = 0
    newest: Ids | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class Tail:
    """The newest events of the users whose pages follow, in one event loop."""

    def __init__(self) -> None:
        self._watched: dict[str, _Watched] = {}
        self._looking: asyncio.Task[None] | None = None

    async def follow(self, user: str) -> AsyncGenerator[int, None]:
        """Yield the id of the newest event of `user`, 0 without any: once at the beginning, then at each change."""
        watched = self._watched.setdefault(user, _Watched())
        watched.pages += 1
        self._look_from_now_on()
        seen: Ids | None = None
        try:
            while True:
                while watched.newest == seen:
                    await watched.changed.wait()
                seen = watched.newest
                yield seen[0] if seen else 0
        finally:
            self._leave(user, watched=watched)

    def _leave(self, user: str, *, watched: _Watched) -> None:
        watched.pages -= 1
        if not watched.pages:
            del self._watched[user]
        if not self._watched and self._looking:
            self._looking.cancel()
            self._looking = None

    def _look_from_now_on(self) -> None:
        if self._looking is None or self._looking.done():
            # A new context: the page's names the thread of its database work, which ends with it.
            loop = asyncio.get_running_loop()
            self._looking = loop.create_task(self._look_on(), context=contextvars.Context())

    async def _look_on(self) -> None:
        while True:
            try:
                await self._look()
            except Exception:
                # The outer frame of a task that nobody waits for: whoever follows would wait for ever.
                logger.exception("audit.tail.failed")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _look(self) -> None:
        try:
            found = await sync_to_async(_list_newest)(tuple(self._watched))
        except AuditUnavailableError:
            # Whoever follows goes on waiting; a server that is back does not know the connection that broke.
            logger.warning("audit.tail.unavailable")
            await sync_to_async(close_old_connections)()
        else:
            self._tell(found)

    def _tell(self, found: dict[str, Ids]) -> None:
        for user, newest in found.items():
            watched = self._watched.get(user)
            if watched and watched.newest != newest:
                watched.newest = newest
                watched.changed.set()
                watched.changed = asyncio.Event()


# A task belongs to its event loop; tests and commands have loops of their own.
_tails: WeakKeyDictionary[asyncio.AbstractEventLoop, Tail] = WeakKeyDictionary()


def current_tail() -> Tail:
    """Return the tail of the running event loop."""
    return _tails.setdefault(asyncio.get_running_loop(), Tail())


def _list_newest(users: Iterable[str]) -> dict[str, Ids]:
    with timeline.reading():
        return {user: tuple(query.select(user=user).values_list("id", flat=True)[:_NOTICED]) for user in users}
