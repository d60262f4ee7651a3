"""The floor of a socket: a consumer of Channels without session, user, run or storage, on the server that we run on.

A page that sends `follow` hears all that is sent from then on; one that sends `{frames, pace, bytes}` has as many
frames of that size sent to all who follow, `pace` seconds apart.
"""

import asyncio
import json
import time
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter

from benchmarks.hello import application as hello

_following: set["Bare"] = set()
_sending: set[asyncio.Task[None]] = set()


class Bare(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels carries no types
    """One page's socket."""

    channel_layer_alias = "none"

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Follow, or have frames sent."""
        if text_data == "follow":
            _following.add(self)
            return
        task = asyncio.get_running_loop().create_task(_send_all(**json.loads(text_data or "")))
        _sending.add(task)
        task.add_done_callback(_sending.discard)

    async def disconnect(self, _code: int) -> None:
        """Hear no more."""
        _following.discard(self)


async def _send_all(*, frames: int, pace: float, **size: Any) -> None:
    for number in range(frames):
        await asyncio.sleep(pace)
        is_last = number == frames - 1
        kind = "run.finished" if is_last else "block.tail"
        frame = {"seq": number + 1, "t": int(time.time() * 1000), "type": kind, "html": "x" * size["bytes"]}
        text = json.dumps(frame)
        for follower in list(_following):
            await follower.send(text_data=text)


application = ProtocolTypeRouter({"http": hello, "websocket": Bare.as_asgi()})
