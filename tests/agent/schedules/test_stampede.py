"""Forty briefings due in one minute: all are made, none twice, and nobody waits behind somebody else's second."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from agent.models import Run
from agent.schedule_models import Occurrence as Row
from agent.schedules import owning
from agent.schedules.scheduler import Scheduler
from agent.schedules.types import OccurrenceState
from agent.types import RunStatus
from tests.agent.schedules.conftest import asker_of, change_schedule, draft

pytestmark = pytest.mark.django_db(databases=["default", "vault", "audit"], transaction=True)

AT_ONCE = 2


@sync_to_async
def make_users(count: int) -> list[User]:
    return [User.objects.create_user(f"person{number}", f"{number}@example.org") for number in range(count)]


async def due_at(moment: datetime, *users: User, schedules: int) -> None:
    """Let schedules of each of these users be due at a moment, by grants for a service that they never connected."""
    for user in users:
        for _ in range(schedules):
            made = await owning.create(asker_of(user), draft=draft())
            expires_at = moment + timedelta(days=1)
            await owning.give_grant(asker_of(user), made.id, providers=["github"], expires_at=expires_at)
            await change_schedule(made, at=moment.time(), next_due_at=moment)


async def run_all(schedulers: Sequence[Scheduler], *, count: int) -> int:
    """Let the schedulers work until so many briefings have ended; return the most that went on at once."""
    living, most = [asyncio.create_task(scheduler.live()) for scheduler in schedulers], 0
    async with asyncio.timeout(120):
        while await Row.objects.exclude(ended_at=None).acount() < count:
            most = max(most, await Row.objects.filter(state=OccurrenceState.RUNNING).acount())
            await asyncio.sleep(0.02)
    for scheduler in schedulers:
        scheduler.stop()
    await asyncio.gather(*living)
    for scheduler in schedulers:
        await scheduler.aclose()
    return most


async def test_forty_due_at_once_are_all_made_none_twice_by_two_processes(sandbox: str) -> None:
    users = await make_users(8)
    await due_at(timezone.now() - timedelta(minutes=3), *users, schedules=5)
    most = await run_all([Scheduler(at_once=AT_ONCE), Scheduler(at_once=AT_ONCE)], count=40)
    assert [row.state async for row in Row.objects.all()] == [OccurrenceState.DONE] * 40
    assert [run.status async for run in Run.objects.all()] == [RunStatus.FINISHED] * 40
    assert await Row.objects.values("run_id").distinct().acount() == 40
    assert most <= 2 * AT_ONCE
