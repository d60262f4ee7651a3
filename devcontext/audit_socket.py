"""The audit page's socket: tells a signed-in user's page that there are new events, and never which.

It stands here since the audit, which imports no other app, does not know how sessions end.
"""

import json
from contextlib import aclosing
from typing import Any

from agent.page_socket import PageSocket
from audit.tail import current_tail
from permissions.subjects import subject_of

_VERSION = 1
# A close code of our own: a page has nothing to say here.
_NOT_ASKED = 4400


class AuditConsumer(PageSocket):
    """One page's socket; words go one way."""

    async def opened(self) -> None:
        """Follow what is recorded of the user."""
        self.begin(self._tell)

    async def receive(self, **_frame: Any) -> None:
        """Close: there is nothing to ask for."""
        await self.end(code=_NOT_ASKED)

    async def _tell(self) -> None:
        assert self.user.pk is not None
        async with aclosing(current_tail().follow(subject_of(self.user.pk))) as words:
            async for newest in words:
                # Asked anew before each word, so that a session that ended is told nothing more.
                if not await self.is_still_signed_in():
                    await self.end()
                    return
                await self.send(text_data=json.dumps({"v": _VERSION, "type": "more", "newest": newest}))
