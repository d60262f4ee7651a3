"""The audit page's socket: tells a signed-in user's page that there are new events, and never which.

It stands here since the audit, which imports no other app, does not know how sessions end.
"""

import asyncio
import json
import logging
from contextlib import aclosing
from typing import Any

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.contrib.auth.models import AnonymousUser, User

from audit.tail import current_tail
from permissions.subjects import is_still_signed_in, subject_of

logger = logging.getLogger(__name__)

_VERSION = 1
# Close codes of our own, read by the page: 4401 = sign in again, 4400 = a page has nothing to say here.
_NOT_SIGNED_IN, _NOT_ASKED = 4401, 4400


class AuditConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels carries no types
    """One page's socket; words go one way."""

    # None: a layer that is away must not keep a page from its socket.
    channel_layer_alias = "none"

    async def connect(self) -> None:
        """Accept a signed-in user; tell anybody else so and close, which a page can read only after an accept."""
        self._telling: asyncio.Task[None] | None = None
        self._user: User | AnonymousUser = self.scope["user"]
        await self.accept()
        if not self._user.is_authenticated:
            await self.close(code=_NOT_SIGNED_IN)
            return
        self._telling = asyncio.get_running_loop().create_task(self._tell())

    async def disconnect(self, _code: int) -> None:
        """Stop following."""
        if self._telling:
            self._telling.cancel()

    async def receive(self, **_frame: Any) -> None:
        """Close: there is nothing to ask for."""
        await self.close(code=_NOT_ASKED)

    async def _tell(self) -> None:
        assert self._user.pk is not None
        try:
            async with aclosing(current_tail().follow(subject_of(self._user.pk))) as words:
                async for newest in words:
                    # Asked anew before each word, so that a session that ended is told nothing more.
                    if not await sync_to_async(is_still_signed_in)(self.scope["session"], user_id=self._user.pk):
                        await self.close(code=_NOT_SIGNED_IN)
                        return
                    await self.send(text_data=json.dumps({"v": _VERSION, "type": "more", "newest": newest}))
        except Exception:
            # The outer frame of a task that nobody waits for: the page comes back by itself.
            logger.exception("audit.socket_failed")
            await self.close()
