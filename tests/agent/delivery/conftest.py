"""Channels of a schedule of alice's, which lead to receivers on this machine, and a briefing to be told."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from agent import store as runs
from agent.delivery import owning
from agent.delivery.owning import Added
from agent.delivery.types import Kind
from agent.delivery_models import Delivery as DeliveryRow
from agent.schedules.types import OccurrenceState, Schedule
from agent.types import RunStatus
from tests.agent.conftest import request_of, start
from tests.agent.schedules.conftest import due_row, make_schedule
from tests.receivers import Mailbox, Receiver, serve_mailbox, serve_receiver

HOOK = "/services/T0ACME/B0ACME/abcdefgh12345678ABCDEFGH"
SLACK_ADDRESS = f"https://hooks.slack.com{HOOK}"
ANSWER = (
    "## Needs you\n\n- Review the fix, *please*\n- <script>alert(1)</script> and ![](https://tracker.example/x.png)\n"
)


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with serve_receiver() as made:
        settings.WEBHOOKS_ALLOW_LOOPBACK = True
        settings.SLACK_HOOKS_URL = made.url
        yield made


@pytest.fixture
def mailbox(settings: Any) -> Iterator[Mailbox]:
    with serve_mailbox() as made:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT = made.port
        yield made


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
