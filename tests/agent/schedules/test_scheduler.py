"""The scheduler of a web process: what is due begins by itself, a few at a time, in one process or in two."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from agent.models import Run
from agent.schedule_models import Leader
from agent.schedule_models import Occurrence as Row
from agent.schedules import owning, scheduler
from agent.schedules.scheduler import Scheduler
from agent.schedules.types import OccurrenceState, Schedule
from agent.types import RunStatus
from tests.agent.schedules.conftest import asker_of, change_schedule, granted_schedule, make_due_row
from tests.broken import table_away_async

pytestmark = pytest.mark.django_db(databases=["default", "vault", "audit"], transaction=True)


async def ended(count: int) -> None:
    """Wait until as many occurrences have ended; a minute is more than they take."""
    async with asyncio.timeout(60):
        while await Row.objects.exclude(ended_at=None).acount() < count:  # noqa: ASYNC110  (nobody announces it)
            await asyncio.sleep(0.02)


async def test_what_is_due_begins_by_itself(schedule: Schedule, settings: Any) -> None:
    settings.SCHEDULER = "web"
    # Longer ago than any schedule waits after its due time.
    due_at = timezone.now() - timedelta(minutes=3)
    await change_schedule(schedule, at=due_at.time(), next_due_at=due_at)
    async with scheduler.running():
        await ended(1)
    row = await Row.objects.aget()
    assert (row.state, row.schedule_id) == (OccurrenceState.DONE, schedule.id)
    assert await Leader.objects.acount() == 0, "who ends leaves the task to the next one"


async def test_what_its_owner_wants_now_begins_at_once(maya: User, schedule: Schedule, settings: Any) -> None:
    settings.SCHEDULER = "web"
    async with scheduler.running():
        await owning.run_now(asker_of(maya), schedule.id)
        await ended(1)
    assert (await Row.objects.aget()).state == OccurrenceState.DONE


async def test_two_processes_make_each_briefing_once(maya: User, schedule: Schedule) -> None:
    other = await granted_schedule(maya, recipe="review-queue")
    for one in (schedule, other):
        await make_due_row(one)
        await make_due_row(one)
    schedulers = [Scheduler(at_once=2), Scheduler(at_once=2)]
    living = [asyncio.create_task(one.live()) for one in schedulers]
    await ended(4)
    for one, task in zip(schedulers, living, strict=True):
        one.stop()
        await task
        await one.aclose()
    assert {row.state async for row in Row.objects.all()} == {OccurrenceState.DONE}
    assert [run.status async for run in Run.objects.all()] == [RunStatus.FINISHED] * 4


@pytest.mark.parametrize(("where", "lives"), [("web", True), ("worker", False), ("off", False)])
async def test_where_a_worker_runs_the_schedules_a_web_process_does_not(settings: Any, where: str, lives: bool) -> None:
    settings.SCHEDULER = where
    before = asyncio.all_tasks()
    async with scheduler.running():
        assert bool(asyncio.all_tasks() - before) == lives


async def test_no_more_go_on_at_once_than_it_may(maya: User, schedule: Schedule) -> None:
    for _ in range(3):
        await make_due_row(schedule)
    narrow, at_most = Scheduler(at_once=1), 0
    living = asyncio.create_task(narrow.live())
    async with asyncio.timeout(60):
        while await Row.objects.filter(ended_at=None).aexists():
            at_most = max(at_most, await Row.objects.filter(state=OccurrenceState.RUNNING).acount())
            await asyncio.sleep(0)
    narrow.stop()
    await living
    await narrow.aclose()
    assert at_most == 1


async def test_a_look_that_fails_is_not_the_last(
    maya: User, schedule: Schedule, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that was away for a moment."""
    monkeypatch.setattr(scheduler, "_TICK_SECONDS", 0.1)
    watching = Scheduler(at_once=1)
    async with table_away_async("default", table="agent_occurrence"):
        living = asyncio.create_task(watching.live())
        async with asyncio.timeout(60):
            while "agent.scheduler_failed" not in caplog.text:  # noqa: ASYNC110  (a log announces nothing)
                await asyncio.sleep(0.02)
    await make_due_row(schedule)
    await ended(1)
    watching.stop()
    await living
    await watching.aclose()
