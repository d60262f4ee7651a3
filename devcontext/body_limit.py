"""Refuses a body that is larger than any honest request before it is kept: Django takes all of it, to the disk, first.

For the web process; the vault's own handler takes no more than its endpoints read. It reads nothing but the size.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

# Sixty-four times what the vault's endpoints read (`vault.forms.MAX_BYTES`), and far more than a page's form. Django
# keeps as much in memory.
MAX_BYTES = 1024 * 1024

Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[dict[str, Any], Receive, Send], Awaitable[None]]


class BodyLimit:
    """An ASGI application that passes HTTP requests on until their body is too large."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer the request, or refuse it with 413 and end its connection."""
        left = MAX_BYTES

        async def limited() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left >= 0:
                return message
            await _refuse(send)
            # Django drops the request, without an answer of its own.
            return {"type": "http.disconnect"}

        await self._application(scope, limited, send)


async def _refuse(send: Send) -> None:
    """Source: https://asgi.readthedocs.io/en/latest/specs/www.html, RFC 9110 section 15.5.14."""
    headers = [(b"content-length", b"0"), (b"cache-control", b"no-store"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body"})
