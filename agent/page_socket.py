"""The socket of a signed-in page. It ends with its session, whether or not anything passes it at that time."""

import asyncio
from weakref import WeakKeyDictionary

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import AnonymousUser, User

from permissions.subjects import is_still_signed_in, load_auth_time, sid_of, subject_of

# A close code of our own, read by the page: sign in again.
NOT_SIGNED_IN = 4401


class PageSocket(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels carries no types
    """What all sockets have in common; `opened` is called once somebody who is signed in has one."""

    # None: what a socket tells comes from its process, and a layer that is away must not keep a page from it.
    channel_layer_alias = "none"

    async def connect(self) -> None:
        """Accept a signed-in user; tell anybody else so and close, which a page can read only after an accept."""
        self.user: User | AnonymousUser = self.scope["user"]
        self.is_over = False
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

    async def disconnect(self, _code: int) -> None:
        """Be forgotten."""
        self.is_over = True
        _open_here().discard(self)

    async def is_still_signed_in(self) -> bool:
        """Ask anew: a sign-out elsewhere, a changed password or a deactivation counts."""
        assert self.user.pk is not None
        return await sync_to_async(is_still_signed_in)(self.scope["session"], user_id=self.user.pk)

    async def end(self, *, code: int | None = NOT_SIGNED_IN) -> None:
        """Close, as a rule since nobody is signed in any more; once, however many find it out."""
        if not self.is_over:
            self.is_over = True
            await self.close(code=code)

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


async def end_expired() -> None:
    """Close the sockets of this event loop whose session is over by itself, or ended where nobody could tell it."""
    for socket in list(_open_here()):
        if not await socket.is_still_signed_in():
            await socket.end()


def _open_here() -> set[PageSocket]:
    return _open.setdefault(asyncio.get_running_loop(), set())
