"""The vault's process ends when its work has: a refresh that is cut off half-way would cost a user their connection."""

import asyncio
from importlib import import_module
from typing import Any

import pytest

from vault import background
from vault.asgi import application


class Server:
    """The lifespan side of an ASGI server."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def tell(self, kind: str) -> str:
        await self.messages.put({"type": kind})
        return str((await asyncio.wait_for(self.answers.get(), timeout=2))["type"])


async def test_a_shutdown_waits_for_what_goes_on_in_the_background() -> None:
    server, done = Server(), []

    async def refresh() -> None:
        await asyncio.sleep(0.1)
        done.append("stored")

    living = asyncio.create_task(application({"type": "lifespan"}, server.messages.get, server.answers.put))
    assert await server.tell("lifespan.startup") == "lifespan.startup.complete"
    background.detach(refresh())
    assert await server.tell("lifespan.shutdown") == "lifespan.shutdown.complete"
    assert done == ["stored"]
    await living


@pytest.mark.parametrize("kind", ["websocket", "carrier-pigeon"])
async def test_no_other_protocol_is_spoken(kind: str) -> None:
    server = Server()
    with pytest.raises(ValueError, match="Django can only handle ASGI/HTTP connections"):
        await application({"type": kind}, server.messages.get, server.answers.put)


class Upload:
    """The HTTP side of an ASGI server whose client sends a body in pieces of 64 KiB and never ends it."""

    def __init__(self) -> None:
        self.taken = 0
        self.sent: list[dict[str, Any]] = []

    async def receive(self) -> dict[str, Any]:
        assert self.taken < 64, "the body is taken without a limit"
        self.taken += 1
        return {"type": "http.request", "body": b"x" * 65536, "more_body": True}

    async def send(self, message: dict[str, Any]) -> None:
        self.sent.append(message)


@pytest.mark.parametrize("process", ["vault.asgi", "devcontext.asgi"])
@pytest.mark.parametrize("path", ["/oauth/token", "/nowhere"])
async def test_a_body_without_end_is_refused_before_it_fills_the_disk(process: str, path: str) -> None:
    """Anybody may send one: it is read before its sender is known."""
    upload = Upload()
    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"vault.test"), (b"content-type", b"application/x-www-form-urlencoded")],
    }
    application = import_module(process).application
    await application(scope, upload.receive, upload.send)
    assert upload.taken == 17
    assert [message["type"] for message in upload.sent] == ["http.response.start", "http.response.body"]
    assert upload.sent[0]["status"] == 413
    assert (b"connection", b"close") in upload.sent[0]["headers"]
