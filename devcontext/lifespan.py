"""The beginning and the end of a process that answers questions: the web server's, and a command's."""

import asyncio
from typing import Any

from agent import claude
from agent.api import egress
from agent.runner import current_runner
from vault.client import transport


async def shut_down() -> None:
    """Give every run its last event, then close what this event loop holds open."""
    await current_runner().aclose()
    await claude.close()
    await egress.close_clients()
    await transport.close()


async def lifespan(_scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer the ASGI lifespan protocol. Source: https://asgi.readthedocs.io/en/latest/specs/lifespan.html."""
    warming: asyncio.Task[None] | None = None
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            # The model's SDK takes seconds to import; the pages need not wait for it, and nor need the first question.
            warming = asyncio.create_task(claude.warm_up())
            await send({"type": "lifespan.startup.complete"})
        else:
            if warming:
                await warming
            await shut_down()
            await send({"type": "lifespan.shutdown.complete"})
            return
