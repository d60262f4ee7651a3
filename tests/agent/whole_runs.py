"""Whole runs in this process against the sandbox over loopback, as the tests of runs ask for them."""

import json
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from agent.runner import Runner, current_runner
from audit.models import AuditEvent
from tests.agent.conftest import request_of
from tests.agent.waiting import until

STANDUP = "Brief me for standup"
ALL_THREE = "what did I work on yesterday?"


async def follow(runner: Runner, run: UUID, user: User) -> list[dict[str, Any]]:
    """Return all events of the run, once its end is audited too: that waits for no page."""
    frames = [json.loads(frame) async for _, frame in runner.log.follow(run, user=user.pk, after=0)]
    await until(lambda: run not in runner._owning)
    return frames


async def run(user: User, text: str, *, conversation: UUID | None = None) -> list[dict[str, Any]]:
    runner = current_runner()
    ticket = await runner.start(request_of(user, text=text, conversation=conversation))
    return await follow(runner, ticket.run, user)


def of(frames: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [frame for frame in frames if frame["type"] == kind]


@sync_to_async
def audited(run_id: str) -> list[tuple[str, str, str]]:
    rows = AuditEvent.objects.filter(run=run_id).order_by("id")
    return list(rows.values_list("event", "provider", "reason"))
