"""Receivers on this machine: an HTTP server that answers as it is told, and a mail server that keeps what it gets."""

import asyncio
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage, Message
from email.parser import BytesParser
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from agent import store as runs
from agent.delivery import owning
from agent.delivery.owning import Added
from agent.delivery.types import Kind
from agent.delivery_models import Delivery as DeliveryRow
from agent.schedules.types import OccurrenceState, Schedule
from agent.types import RunStatus
from tests.agent.conftest import request_of, start
from tests.agent.schedules.conftest import due_row, make_schedule
from tests.serving import serve_app

HOOK = "/services/T0ACME/B0ACME/abcdefgh12345678ABCDEFGH"
SLACK_ADDRESS = f"https://hooks.slack.com{HOOK}"
ANSWER = (
    "## Needs you\n\n- Review the fix, *please*\n- <script>alert(1)</script> and ![](https://tracker.example/x.png)\n"
)


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
    """What a mail server got; `reply` is what it answers to the next message, "" for one it takes."""

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


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    made = Receiver()

    def app(url: str) -> Starlette:
        made.url = url
        return Starlette(routes=[Route("/{path:path}", made.take, methods=["POST", "GET"])])

    with serve_app(app):
        settings.WEBHOOKS_ALLOW_LOOPBACK = True
        settings.SLACK_HOOKS_URL = made.url
        yield made


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    made = Mailbox()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # It connects to itself to begin, for which it needs to know its port.
    controller = Controller(made, hostname="127.0.0.1", port=port)
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST = "127.0.0.1"
    settings.EMAIL_PORT = port
    try:
        yield made
    finally:
        controller.stop()


@pytest.fixture
def daily(alice: User) -> Schedule:
    """A schedule of alice."""
    return make_schedule(alice, now=timezone.now(), name="Standup")


def end_one(schedule: Schedule, *, user: User, **changes: Any) -> None:
    """Leave an occurrence of a schedule as a worker leaves one that is to be told, with its briefing."""
    ticket = start(request_of(user, text="Brief me"))
    runs.end_run(ticket.run, status=RunStatus.FINISHED, last=(1, "{}"), answer=ANSWER, turns=())
    fields: dict[str, Any] = {"state": OccurrenceState.DONE, "is_told": True, "ended_at": timezone.now()}
    due_row(schedule, run_id=ticket.run, **{**fields, **changes})


def add(schedule: Schedule, *, kind: Kind, receiver: Receiver | None = None) -> Added:
    """Add a channel of a kind, at the receiver."""
    address = {Kind.WEBHOOK: f"{receiver.url}/hook" if receiver else "", Kind.SLACK: SLACK_ADDRESS}.get(kind, "")
    return owning.add(schedule.id, user=schedule.user, kind=kind, address=address)


@sync_to_async
def become_due() -> None:
    """Let the time of each next try come."""
    DeliveryRow.objects.filter(state="due").update(next_try_at=timezone.now() - timedelta(seconds=1))


@sync_to_async
def found(kind: Kind) -> DeliveryRow:
    """Return the one delivery by this kind."""
    return DeliveryRow.objects.get(kind=kind)
