"""A queue that only wakes: who takes a message begins whose turn it is then, and one call leads to the next."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from agent.schedule_models import Occurrence as Row
from agent.schedule_models import Schedule
from agent.schedules import leading, occurrences, queueing
from agent.schedules.types import OccurrenceState
from tests.agent.schedules.conftest import due_row, make_schedule

pytestmark = pytest.mark.django_db(databases=["default", "audit"], transaction=True)


@sync_to_async
def wait_since_a_minute(users: Sequence[User], *, each: int) -> None:
    """Let so many of each be due, of schedules without a grant: whoever runs one says so and asks no service."""
    now = timezone.now()
    for user in users:
        for _ in range(each):
            due_row(make_schedule(user, now=now), begins_at=now - timedelta(minutes=1))
    Schedule.objects.update(grant="")


async def work(sent: list[None]) -> None:
    """Be a worker: take messages until there is none, and call for the next after each that led to something."""
    while sent:
        sent.pop()
        if await queueing.run_next():
            sent.append(None)


async def tick(sent: list[None]) -> int:
    return await sync_to_async(queueing.tick)(lambda: sent.append(None), now=timezone.now())


async def test_one_tick_leads_to_all_of_one_persons_twenty(alice: User) -> None:
    await wait_since_a_minute([alice], each=20)
    sent: list[None] = []
    assert await tick(sent) == occurrences.MAX_PER_USER
    await work(sent)
    assert [row.state async for row in Row.objects.all()] == [OccurrenceState.SKIPPED] * 20


async def test_a_tick_says_that_there_are_workers_though_nothing_is_due() -> None:
    sent: list[None] = []
    assert not (await sync_to_async(leading.find_attendance)(now=timezone.now())).is_attended
    assert await tick(sent) == 0
    assert (await sync_to_async(leading.find_attendance)(now=timezone.now())).is_attended


async def test_a_queue_gets_no_more_than_wakes_the_workers(alice: User, bob: User) -> None:
    users = [alice, bob, *[await sync_to_async(User.objects.create_user)(f"person{number}") for number in range(10)]]
    await wait_since_a_minute(users, each=2)
    sent: list[None] = []
    assert await tick(sent) == queueing.MAX_SENT < await Row.objects.acount()


async def test_order_is_decided_when_something_begins_and_not_when_it_is_told(alice: User, bob: User) -> None:
    """What comes while messages wait takes its turn: everybody's first before anybody's second."""
    await wait_since_a_minute([alice], each=3)
    sent: list[None] = []
    await tick(sent)
    await wait_since_a_minute([bob], each=1)
    await work(sent)
    order = [row.schedule.user_id async for row in Row.objects.select_related("schedule").order_by("started_at")]
    assert order == [alice.pk, bob.pk, alice.pk, alice.pk]


async def test_messages_that_come_twice_or_late_find_nothing_left(alice: User) -> None:
    await wait_since_a_minute([alice], each=2)
    ran = [await queueing.run_next() for _ in range(5)]
    assert ran == [True, True, False, False, False]


async def test_workers_that_look_at_once_take_one_each(alice: User, bob: User) -> None:
    await wait_since_a_minute([alice, bob], each=2)
    assert await asyncio.gather(*(queueing.run_next() for _ in range(4))) == [True] * 4
    assert {row.attempts async for row in Row.objects.all()} == {1}


async def test_what_a_killed_worker_held_is_told_with_the_tick_after_its_lease(alice: User) -> None:
    await wait_since_a_minute([alice], each=1)
    row = await Row.objects.aget()
    assert await sync_to_async(occurrences.claim)(row.id, now=timezone.now())
    sent: list[None] = []
    assert await tick(sent) == 0
    await Row.objects.aupdate(lease_until=timezone.now() - timedelta(seconds=1))
    assert await tick(sent) == 1
    await work(sent)
    assert (await Row.objects.aget()).attempts == 2
