"""Pages that ask DevContext and Chainlit over their sockets, with the same client, and note when they heard what."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect

_TERMINAL = ("run.finished", "run.stopped", "run.failed")
# Between losing the line and coming back; the model writes ten pieces meanwhile.
_AWAY_SECONDS = 0.2


@dataclass(slots=True)
class Heard:
    """One answer as its page heard it, in ms after it asked."""

    first_ms: float = 0.0
    first_step_ms: float = 0.0
    ended_ms: float = 0.0
    frames: int = 0
    text_frames: int = 0
    slowest_read_ms: int = 0
    is_finished: bool = False
    lost: int = 0
    _asked_at: float = field(default_factory=time.monotonic)

    def note(self, *, is_step: bool, is_text: bool) -> None:
        """Note that a frame came."""
        at = 1000 * (time.monotonic() - self._asked_at)
        self.frames += 1
        self.first_ms = self.first_ms or at
        self.first_step_ms = self.first_step_ms or (at if is_step else 0.0)
        self.text_frames += is_text
        self.ended_ms = at


class Ask(Protocol):
    """Asks on a socket of its own; `drop_after` is after how many frames the line is lost once."""

    async def __call__(self, question: str, *, drop_after: int = 0) -> Heard:
        """Return what was heard."""


def ask_devcontext(url: str, *, session: str) -> Ask:
    """Return a page of DevContext."""

    async def ask(question: str, *, drop_after: int = 0) -> Heard:
        async with open_devcontext(url, session=session) as socket:
            heard = Heard()
            await _say(socket, "send", key=uuid4().hex, text=question, conversation=None)
            accepted = json.loads(await socket.recv())
            if accepted["type"] != "accepted":
                raise SystemExit(f"DevContext refused: {accepted}")
            seqs = [seq async for seq in _frames(socket, heard=heard, count=drop_after)]
            if drop_after:
                socket.transport.abort()
        if drop_after:
            await asyncio.sleep(_AWAY_SECONDS)
            async with open_devcontext(url, session=session) as socket:
                await _say(socket, "attach", run=accepted["run"], after=seqs[-1])
                seqs += [seq async for seq in _frames(socket, heard=heard, count=0)]
        heard.lost = max(seqs) - len(set(seqs))
        return heard

    return ask


def open_devcontext(url: str, *, session: str) -> connect:
    """Return the run socket of a page that is signed in."""
    headers = {"Cookie": f"session={session}"}
    # With DEBUG off, pages come by https, from the proxy that ends TLS.
    origin = url.replace("http", "https", 1)
    return connect(f"{url.replace('http', 'ws', 1)}/ws/runs/", origin=origin, additional_headers=headers, proxy=None)


async def _say(socket: ClientConnection, kind: str, **fields: Any) -> None:
    await socket.send(json.dumps({"v": 1, "type": kind, **fields}))


async def _frames(socket: ClientConnection, *, heard: Heard, count: int) -> AsyncIterator[int]:
    """Yield the numbers of the frames to the end of the run; of the first `count`, where that is not 0."""
    while True:
        frame = json.loads(await socket.recv())
        heard.note(is_step=frame["type"] == "step.started", is_text=frame["type"].startswith("block."))
        if frame["type"] == "step.finished":
            heard.slowest_read_ms = max(heard.slowest_read_ms, frame["ms"])
        heard.is_finished = frame["type"] == "run.finished" and frame["written_by"] == "model"
        yield frame["seq"]
        if frame["type"] in _TERMINAL or heard.frames == count:
            return


def ask_chainlit(url: str, *, pieces: Callable[[str], int]) -> Ask:
    """Return a page of Chainlit; `pieces` tells how many a question is answered in."""

    async def ask(question: str, *, drop_after: int = 0) -> Heard:
        session = str(uuid4())
        async with _chainlit(url, session) as socket:
            heard = Heard()
            message = {"id": str(uuid4()), "threadId": "", "name": "user", "type": "user_message", "output": question}
            payload = {"message": message | {"createdAt": "2026-11-23T08:00:00Z"}, "fileReferences": []}
            await socket.send("42" + json.dumps(["client_message", payload]))
            await _events(socket, heard=heard, count=drop_after)
            if drop_after:
                socket.transport.abort()
        if drop_after:
            await asyncio.sleep(_AWAY_SECONDS)
            async with _chainlit(url, session, is_return=True) as socket:
                await _events(socket, heard=heard, count=0)
        heard.lost = max(0, pieces(question) - heard.text_frames)
        return heard

    return ask


@asynccontextmanager
async def _chainlit(url: str, session: str, *, is_return: bool = False) -> AsyncIterator[ClientConnection]:
    """Open a socket as Chainlit's page does: Engine.IO 4, then Socket.IO's connect with its session."""
    address = f"{url.replace('http', 'ws', 1)}/ws/socket.io/?EIO=4&transport=websocket"
    async with connect(address, origin=url, proxy=None) as socket:
        await socket.recv()
        auth = {"sessionId": session, "clientType": "webapp", "userEnv": "{}", "chatProfile": "", "threadId": ""}
        await socket.send("40" + json.dumps(auth))
        await socket.recv()
        await socket.send('42["connection_successful"]')
        if not is_return:
            # What it says to a page that has just come is no part of an answer: the end of a task, and two resets.
            for _ in range(3):
                await socket.recv()
        yield socket


async def _events(socket: ClientConnection, *, heard: Heard, count: int) -> None:
    """Hear events to the end of the task; `count` of them, where that is not 0."""
    while True:
        text = str(await asyncio.wait_for(socket.recv(), timeout=300))
        if text == "2":
            await socket.send("3")
        if not text.startswith("42"):
            continue
        name, data = json.loads(text[2:])
        is_step = name == "new_message" and data["type"] == "tool"
        heard.note(is_step=is_step, is_text=name in ("stream_start", "stream_token"))
        # A page that came back is told of the end of a task at once; the answer's own end is its message.
        is_answer = name == "new_message" and data["type"] == "assistant_message"
        heard.is_finished = heard.is_finished or is_answer
        if heard.frames == count or (name == "task_end" and heard.is_finished):
            return
