"""The end of a web process: every run gets its last event before the server goes."""

from typing import Any

from agent.runner import current_runner


async def lifespan(_scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer the ASGI lifespan protocol. Source: https://asgi.readthedocs.io/en/latest/specs/lifespan.html."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            await current_runner().aclose()
            await send({"type": "lifespan.shutdown.complete"})
            return
