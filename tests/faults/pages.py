"""Pages of signed-in people on the run socket of a whole installation, and lines that drop."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect

from tests.e2e.installation import Installation

TERMINAL = ("run.finished", "run.stopped", "run.failed")
# Signs people in as a login page does, and prints a cookie for each.
_SIGN_IN = """
from django.contrib.auth.models import User
from django.test import Client
for address in {addresses!r}:
    user, _ = User.objects.get_or_create(email=address, defaults={{"username": address}})
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    print(client.cookies["session"].value)
"""


def sign_in(installation: Installation, *addresses: str) -> list[str]:
    """Return a session of each user, who is made if need be."""
    code = _SIGN_IN.format(addresses=addresses)
    done = installation.manage("app", "shell", "--no-imports", "-v0", "-c", code)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


class Page:
    """One socket of a page. Frames are kept as they came."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def say(self, kind: str, **fields: Any) -> None:
        """Send a frame."""
        await self._socket.send(json.dumps({"v": 1, "type": kind, **fields}))

    async def hear(self) -> str:
        """Return the next frame."""
        return str(await self._socket.recv())

    async def ask(self, text: str, *, conversation: str | None = None) -> dict[str, Any]:
        """Ask, and return what the server says to it."""
        await self.say("send", key=uuid4().hex, text=text, conversation=conversation)
        answer: dict[str, Any] = json.loads(await self.hear())
        assert answer["type"] == "accepted", answer
        return answer

    async def hear_to_the_end(self) -> list[str]:
        """Return the frames up to the last one of a run."""
        frames = [await self.hear()]
        while json.loads(frames[-1])["type"] not in TERMINAL:
            frames.append(await self.hear())
        return frames

    def drop(self) -> None:
        """Lose the line: no goodbye, in neither direction."""
        self._socket.transport.abort()


@asynccontextmanager
async def page(installation: Installation, session: str, *, url: str = "") -> AsyncIterator[Page]:
    """Open a page's socket, at the address `url` of another of its servers if one is given."""
    url = url or installation.app_url
    headers = {"Cookie": f"session={session}"}
    address = f"{url.replace('http', 'ws', 1)}/ws/runs/"
    async with connect(address, origin=url, additional_headers=headers, proxy=None) as socket:
        yield Page(socket)
