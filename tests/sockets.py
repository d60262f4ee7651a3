"""A page's socket at the whole ASGI application, as a browser of this origin opens it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import Client

from devcontext.asgi import application

# A busy machine is no reason to fail; what hangs still does.
PATIENCE_SECONDS = 60


@asynccontextmanager
async def open_socket(
    path: str, client: Client | None, *, language: str = "en", app: Any = application
) -> AsyncIterator[WebsocketCommunicator]:
    """Yield the socket of who is signed in with `client`, or of nobody, at `app`."""
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost"), (b"accept-language", language.encode())]
    if client:
        cookie = client.cookies[settings.SESSION_COOKIE_NAME].value
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode()))
    communicator = WebsocketCommunicator(app, path, headers)
    is_connected, _ = await communicator.connect(timeout=PATIENCE_SECONDS)
    assert is_connected
    try:
        yield communicator
    finally:
        await communicator.disconnect()
