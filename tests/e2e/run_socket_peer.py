"""The server's end of the run socket as the browser tests play it, with the real encoding of events."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from playwright.async_api import WebSocketRoute

from agent import events
from agent.event_log import encode

RUN = UUID("7d9f3a3e-1111-4222-8333-123456789abc")
CHAT = "11111111-1111-4111-8111-111111111111"
_PATIENCE_SECONDS = 5

Ask = Callable[[str], Awaitable[None]]


@dataclass
class Peer:
    """The server's end of the run socket; `received` are the page's frames, `on_frame` answers them."""

    sockets: list[WebSocketRoute] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    on_frame: Callable[[dict[str, Any]], None] = lambda _frame: None
    seq: int = 0
    _has_arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def connect(self, socket: WebSocketRoute) -> None:
        """Take a socket that the page opens."""
        self.sockets.append(socket)
        socket.on_message(self._take)

    def _take(self, text: str | bytes) -> None:
        frame = json.loads(text)
        self.received.append(frame)
        self._has_arrived.set()
        self.on_frame(frame)

    def say(self, message: dict[str, Any]) -> None:
        """Send a frame that is no event of a run."""
        self.sockets[-1].send(json.dumps({"v": 1, **message}))

    def play(self, *played: events.RunEvent) -> None:
        """Send events of the run with the next numbers, as the event log encodes them."""
        for event in played:
            self.seq += 1
            self.sockets[-1].send(encode(event, run=RUN, seq=self.seq))

    def replay(self, run: UUID, *played: events.RunEvent) -> None:
        """Send all events of a run that is over, as the server does to a page that attaches to it."""
        for seq, event in enumerate(played, start=1):
            self.sockets[-1].send(encode(event, run=run, seq=seq))

    def accept(self, frame: dict[str, Any]) -> None:
        """Answer a question as the server does."""
        if frame["type"] == "send":
            self.say({"type": "accepted", "key": frame["key"], "run": str(RUN), "conversation": CHAT})

    def sent(self, kind: str) -> list[dict[str, Any]]:
        """Return the page's frames of this type so far."""
        return [frame for frame in self.received if frame["type"] == kind]

    async def receive(self, kind: str, *, times: int = 1) -> list[dict[str, Any]]:
        """Wait until the page has sent this many frames of this type, and return them."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while len(self.sent(kind)) < times:
                self._has_arrived.clear()
                await self._has_arrived.wait()
        return self.sent(kind)


def step(provider: str = "github", *, call: str = "t1") -> events.StepStarted:
    """Return the beginning of a tool call."""
    return events.StepStarted(
        id=call, tool="a_tool", provider=provider, label="Fetching…", args={"since": "2026-05-04"}
    )


def started() -> events.RunStarted:
    """Return the beginning of a run."""
    return events.RunStarted(question="Brief me", model="claude-sonnet-5-5", is_simulated=True)
