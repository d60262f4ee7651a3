"""The socket of a signed-in page. It ends with its session, whether or not anything passes it at that time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import AnonymousUser, User

from permissions.subjects import is_still_signed_in, load_auth_time, sid_of, subject_of

logger = logging.getLogger(__name__)

# A close code of our own, read by the page: sign in again.
NOT_SIGNED_IN = 4401
# "Internal error". A page comes back after it and asks for what it has missed. Source: RFC 6455 section 7.4.1.
FAILED = 1011


class PageSocket(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels carries no types
    """What all sockets have in common; `opened` is called once somebody who is signed in has one.

    Whatever fails unexpectedly, while it opens, in a frame or beside them, closes it: a page that stays open and hears
    nothing would wait for ever, and one that is closed comes back.
    """

    # None: what a socket tells comes from its process, and a layer that is away must not keep a page from it.
    channel_layer_alias = "none"

    async def connect(self) -> None:
        """Accept a signed-in user; tell anybody else so and close, which a page can read only after an accept."""
        self.user: User | AnonymousUser = self.scope["user"]
        self.is_over = False
        self._beside: set[asyncio.Task[None]] = set()
        await self.accept()
        if not self.user.is_authenticated:
            await self.end()
            return
        session, self._subject = self.scope["session"], subject_of(self.user.pk)
        self._sid, self._auth_time = sid_of(session), await load_auth_time(session)
        _open_here().add(self)
        await self.opened()

    async def opened(self) -> None:
        """Begin; for who has something to do before a frame comes."""

    async def changed(self) -> None:
        """Say that a service of the user is not as it was; for who has a page that shows them."""

    async def disconnect(self, _code: int) -> None:
        """Be forgotten, with all that goes on beside the frames."""
        self.is_over = True
        _open_here().discard(self)
        for task in self._beside:
            task.cancel()

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        """Open."""
        await self._guard(partial(super().websocket_connect, message))

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        """Take a frame; what was under way when the socket was closed is too late."""
        if not self.is_over:
            await self._guard(partial(super().websocket_receive, message))

    def begin(self, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Do `work` beside the frames, until the page leaves."""
        task = asyncio.get_running_loop().create_task(self._guard(work))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)
        return task

    async def _guard(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Exception:
            # The outer frame of a socket, and of a task that nobody waits for.
            logger.exception("agent.socket_failed", extra={"path": self.scope["path"]})
            await self.end(code=FAILED)

    async def send(self, text_data: str | None = None, bytes_data: bytes | None = None, *, close: bool = False) -> None:
        """Send, as long as anybody hears."""
        if not self.is_over:
            # What servers raise once the browser is gone; `disconnect` follows. Source: ASGI, WebSocket 2.4, Send.
            with suppress(OSError):
                await super().send(text_data=text_data, bytes_data=bytes_data, close=close)

    async def is_still_signed_in(self) -> bool:
        """Ask anew: a sign-out elsewhere, a changed password or a deactivation counts."""
        assert self.user.pk is not None
        return await sync_to_async(is_still_signed_in)(self.scope["session"], user_id=self.user.pk)

    async def end(self, *, code: int = NOT_SIGNED_IN) -> None:
        """Close, as a rule since nobody is signed in any more; once, however many find it out."""
        if not self.is_over:
            self.is_over = True
            with suppress(OSError):  # as in `send`
                await self.close(code=code)

    def is_of(self, user: str) -> bool:
        """Tell whether it is a page of `user`, a subject."""
        return self._subject == user

    def belongs_to(self, *, user: str, sid: str, signed_in_through: float) -> bool:
        """Tell whether its session is `sid` of `user`, or with "" one that they began at that instant or before."""
        return self._subject == user and (self._sid == sid if sid else self._auth_time <= signed_in_through)


_open: WeakKeyDictionary[asyncio.AbstractEventLoop, set[PageSocket]] = WeakKeyDictionary()
# The event loop keeps weak references to its tasks.
_ending: set[asyncio.Task[None]] = set()


def end_session(*, user: str, sid: str, signed_in_through: float) -> None:
    """Close the sockets of this event loop that belong to a session which ended; see `PageSocket.belongs_to`."""
    for socket in _open_here():
        if socket.belongs_to(user=user, sid=sid, signed_in_through=signed_in_through):
            task = asyncio.get_running_loop().create_task(socket.end())
            _ending.add(task)
            task.add_done_callback(_ending.discard)


def tell_change(*, user: str) -> None:
    """Tell the pages of this event loop that `user` has open of a change of their services."""
    for socket in _open_here():
        if socket.is_of(user):
            socket.begin(socket.changed)


async def end_expired() -> None:
    """Close the sockets of this event loop whose session is over by itself, or ended where nobody could tell it."""
    for socket in list(_open_here()):
        if not await socket.is_still_signed_in():
            await socket.end()


def _open_here() -> set[PageSocket]:
    return _open.setdefault(asyncio.get_running_loop(), set())
