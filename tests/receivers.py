"""Where briefings go in tests, on this machine: an HTTP server that answers as told, and a mail server that keeps all.

Not pytest fixtures: the tests of delivery lead our own settings there, those of a whole installation its environment.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tests.serving import serve_app


@dataclass(slots=True)
class Got:
    """A message that a receiver took."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Receiver:
    """A server at `url`; `answers` are statuses for the next messages, after which it takes each."""

    url: str = ""
    got: list[Got] = field(default_factory=list)
    answers: list[int | str] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        """Keep a message, and answer as told: a status, `redirect`, `wait`, `later` or `huge`."""
        self.got.append(Got(request.url.path, dict(request.headers), await request.body()))
        match self.answers.pop(0) if self.answers else 200:
            case "redirect":
                return RedirectResponse(f"{self.url}/elsewhere", status_code=307)
            case "later":
                return Response(status_code=429, headers={"Retry-After": "1800"})
            case "huge":
                return Response(b"x" * 20_000_000)
            case "wait":
                await asyncio.sleep(2)
                return Response()
            case status:
                return Response("Said by the receiver.", status_code=int(status))


@dataclass(slots=True)
class Mailbox:
    """What a mail server at `port` got; `reply` is what it answers to the next message, "" for one it takes."""

    port: int
    got: list[Message] = field(default_factory=list)
    reply: str = ""

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  (aiosmtpd's name)
        """Take a message, or refuse it."""
        if self.reply:
            return self.reply
        assert isinstance(envelope.content, bytes)
        message = BytesParser(EmailMessage, policy=default).parsebytes(envelope.content)
        message["X-Envelope-To"] = ",".join(map(str, envelope.rcpt_tos))
        self.got.append(message)
        return "250 OK"


@contextmanager
def serve_receiver() -> Iterator[Receiver]:
    """Serve a receiver for the time of the block."""
    made = Receiver()

    def app(url: str) -> Starlette:
        made.url = url
        return Starlette(routes=[Route("/{path:path}", made.take, methods=["POST", "GET"])])

    with serve_app(app):
        yield made


@contextmanager
def serve_mailbox() -> Iterator[Mailbox]:
    """Serve a mailbox for the time of the block."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        made = Mailbox(free.getsockname()[1])
    # It connects to itself to begin, for which it needs to know its port.
    controller = Controller(made, hostname="127.0.0.1", port=made.port)
    controller.start()
    try:
        yield made
    finally:
        controller.stop()
