"""The postman of a web process: what is to be told is told by itself, and a look that fails is not the last."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from agent.delivery import postman
from agent.delivery.types import Kind
from agent.delivery_models import Delivery
from agent.schedules.types import Schedule
from tests.agent.delivery.conftest import Receiver, add, end_one, found
from tests.agent.waiting import until
from tests.broken import table_away_async

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"], transaction=True)

end = sync_to_async(end_one)


async def delivered(count: int) -> None:
    """Wait until as many deliveries have arrived; a minute is more than they take."""
    async with asyncio.timeout(60):
        while await Delivery.objects.filter(state="delivered").acount() < count:  # noqa: ASYNC110  (nobody announces it)
            await asyncio.sleep(0.02)


@pytest.fixture(autouse=True)
def _without_a_worker(settings: Any) -> None:
    settings.SCHEDULER = "web"


async def test_what_ended_while_nobody_ran_is_told_at_the_start(alice: User, daily: Schedule) -> None:
    await end(daily, user=alice)
    async with postman.running():
        await delivered(1)


async def test_what_ends_meanwhile_is_told_at_once(alice: User, daily: Schedule) -> None:
    async with postman.running():
        await end(daily, user=alice)
        postman.nudge()
        await delivered(1)


async def test_it_comes_back_by_itself_when_the_next_try_is_due(
    alice: User, daily: Schedule, receiver: Receiver
) -> None:
    await sync_to_async(add)(daily, kind=Kind.WEBHOOK, receiver=receiver)
    await end(daily, user=alice)
    receiver.answers = [503]
    async with postman.running():
        await delivered(1)
        await until(lambda: receiver.got)
        async with asyncio.timeout(60):
            while (await found(Kind.WEBHOOK)).state != "due":  # noqa: ASYNC110  (nobody announces it)
                await asyncio.sleep(0.02)
        await Delivery.objects.filter(kind=Kind.WEBHOOK).aupdate(next_try_at=timezone.now() + timedelta(seconds=1))
        postman.nudge()
        await delivered(2)
    assert len(receiver.got) == 2


@pytest.mark.parametrize("scheduler", ["worker", "off"])
async def test_where_a_worker_tells_a_web_process_does_not(
    alice: User, daily: Schedule, settings: Any, scheduler: str
) -> None:
    settings.SCHEDULER = scheduler
    await end(daily, user=alice)
    async with postman.running():
        postman.nudge()
        await asyncio.sleep(0.2)
    assert not await Delivery.objects.aexists()


async def test_a_look_that_fails_is_not_the_last(
    alice: User, daily: Schedule, caplog: pytest.LogCaptureFixture
) -> None:
    """A database that was away for a moment."""
    async with AsyncExitStack() as away:
        await away.enter_async_context(table_away_async("default", table="agent_delivery"))
        async with postman.running():
            await until(lambda: "agent.postman_failed" in caplog.text)
            await away.aclose()
            await end(daily, user=alice)
            postman.nudge()
            await delivered(1)


async def test_what_is_broken_off_by_the_end_is_not_lost(alice: User, daily: Schedule, receiver: Receiver) -> None:
    await sync_to_async(add)(daily, kind=Kind.WEBHOOK, receiver=receiver)
    await end(daily, user=alice)
    receiver.answers = ["wait"]
    async with postman.running():
        await until(lambda: receiver.got)
    row = await found(Kind.WEBHOOK)
    assert row.state == "sending"
    await Delivery.objects.filter(id=row.id).aupdate(lease_until=timezone.now() - timedelta(seconds=1))
    async with postman.running():
        await delivered(2)
    first, second = (got.headers["webhook-id"] for got in receiver.got)
    assert first == second, "its receiver drops the double"
