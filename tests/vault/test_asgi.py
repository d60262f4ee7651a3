"""The vault's process ends when its work has: a refresh that is cut off half-way would cost a user their connection."""

import asyncio
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
    with pytest.raises(ValueError, match="The vault speaks HTTP"):
        await application({"type": kind}, server.messages.get, server.answers.put)
