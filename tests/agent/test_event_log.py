"""Events are numbered without gaps, stored before they are sent, and replayed byte for byte."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection

from agent import event_log, store
from agent.errors import RunNotFoundError
from agent.event_log import EventLog
from agent.events import BlockTail, RunStopped
from agent.types import RunStatus
from tests.agent.conftest import request_of, start
from tests.agent.waiting import until
from tests.broken import table_away_async

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])


async def started(user: User) -> UUID:
    return (await sync_to_async(start)(request_of(user))).run


async def follow(log: EventLog, run: UUID, user: User, *, after: int = 0) -> list[tuple[int, str]]:
    return [entry async for entry in log.follow(run, user=user.pk, after=after)]


async def write(log: EventLog, run: UUID, *, events: int) -> None:
    for number in range(events):
        log.append(BlockTail(block=0, html=f"<p>{number}</p>"), run=run)
        if number % 3 == 0:
            await asyncio.sleep(0)
    await end(log, run)


async def end(log: EventLog, run: UUID) -> None:
    def commit(seq: int, frame: str) -> bool:
        return store.end_run(run, status=RunStatus.STOPPED, last=(seq, frame), answer="", turns=[])

    await log.close(run, last=RunStopped(elapsed_ms=1), commit=commit)


async def test_every_follower_gets_every_event_once_and_in_order(alice: User) -> None:
    log, run = EventLog(), await started(alice)
    log.open(run)
    followers = [asyncio.create_task(follow(log, run, alice)) for _ in range(3)]
    await asyncio.sleep(0)
    await write(log, run, events=50)
    for follower in followers:
        assert [seq for seq, _ in await follower] == list(range(1, 52))


async def test_a_follower_hears_how_somebody_else_ended_the_run(alice: User) -> None:
    """What this process would have said last was not stored, so nobody gets it."""
    log, run = EventLog(), await started(alice)
    log.open(run)
    follower = asyncio.create_task(follow(log, run, alice))
    await asyncio.sleep(0)
    await sync_to_async(store.fail_dead_run)(run, seq=1, frame="{}")
    await end(log, run)
    assert await follower == [(1, "{}")]


async def test_a_replay_is_the_same_bytes(alice: User) -> None:
    log, run = EventLog(), await started(alice)
    log.open(run)
    live = asyncio.create_task(follow(log, run, alice))
    await asyncio.sleep(0)
    await write(log, run, events=20)
    assert await follow(EventLog(), run, alice) == await live


@pytest.mark.parametrize("after", [0, 1, 10, 19])
async def test_attaching_in_the_middle_misses_nothing_and_repeats_nothing(alice: User, after: int) -> None:
    log, run = EventLog(), await started(alice)
    log.open(run)
    writer = asyncio.create_task(write(log, run, events=20))
    await asyncio.sleep(0.01)
    assert [seq for seq, _ in await follow(log, run, alice, after=after)] == list(range(after + 1, 22))
    await writer


async def test_a_run_of_another_process_is_followed_to_its_end(alice: User) -> None:
    log, run = EventLog(), await started(alice)
    log.open(run)
    elsewhere = asyncio.create_task(follow(EventLog(), run, alice))
    log.append(BlockTail(block=0, html=""), run=run)
    await asyncio.sleep(0.1)
    await end(log, run)
    frames = [json.loads(frame) for _, frame in await elsewhere]
    assert [frame["type"] for frame in frames] == ["block.tail", "run.stopped"]


async def test_an_event_is_stored_when_it_is_sent(alice: User) -> None:
    log, run = EventLog(), await started(alice)
    log.open(run)
    writer = asyncio.create_task(write(log, run, events=9))
    async for seq, frame in log.follow(run, user=alice.pk, after=0):
        stored = await sync_to_async(store.list_frames)(run, user=alice.pk, after=seq - 1)
        assert stored[0] == (seq, frame)
    await writer


async def test_another_users_run_is_unknown(alice: User, mallory: User) -> None:
    log, run = EventLog(), await started(alice)
    log.open(run)
    with pytest.raises(RunNotFoundError):
        await follow(log, run, mallory)


async def test_a_frame_has_the_head_of_the_protocol(alice: User) -> None:
    log, run = EventLog(), await started(alice)
    log.open(run)
    writer = asyncio.create_task(write(log, run, events=1))
    frame: dict[str, Any] = json.loads((await follow(log, run, alice))[0][1])
    assert {name: frame[name] for name in ("v", "run", "seq", "type")} == {
        "v": 1,
        "run": str(run),
        "seq": 1,
        "type": "block.tail",
    }
    await writer


@sync_to_async
def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the faults are written in SQLite's dialect")
class TestWriting:
    async def test_a_database_that_is_away_for_a_moment_costs_no_event(self, alice: User) -> None:
        log, run = EventLog(), await started(alice)
        log.open(run)
        async with table_away_async("default", table="agent_event"):
            writer = asyncio.create_task(write(log, run, events=9))
            await asyncio.sleep(0.3)
        await writer
        assert [seq for seq, _ in await follow(log, run, alice)] == list(range(1, 11))

    async def test_a_database_that_takes_no_more_events_leaves_no_gap_and_one_end(
        self, alice: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(event_log, "_PATIENCE_SECONDS", 0.2)
        lost: list[UUID] = []
        log, run = EventLog(on_lost=lost.append), await started(alice)
        log.open(run)
        for number in range(3):
            log.append(BlockTail(block=0, html=str(number)), run=run)
        following = asyncio.create_task(follow(log, run, alice))
        await until(lambda: log._live[run].recent)
        async with table_away_async("default", table="agent_event"):
            log.append(BlockTail(block=0, html="never stored"), run=run)
            await until(lambda: lost)
            log.append(BlockTail(block=0, html="nor this"), run=run)
        await end(log, run)
        assert lost == [run]
        frames = [json.loads(frame) for _, frame in await following]
        assert [(frame["seq"], frame["type"]) for frame in frames] == [
            *((seq, "block.tail") for seq in range(1, 4)),
            (4, "run.stopped"),
        ]

    async def test_a_refused_event_of_one_run_costs_no_other_run_anything(self, alice: User) -> None:
        lost: list[UUID] = []
        log, bad, good = EventLog(on_lost=lost.append), await started(alice), await started(alice)
        await execute(
            f"CREATE TRIGGER refuse BEFORE INSERT ON agent_event WHEN NEW.run_id = '{bad.hex}' AND NEW.seq = 2 "
            "BEGIN SELECT RAISE(ABORT, 'refused'); END"
        )
        for run in (bad, good):
            log.open(run)
            for number in range(5):
                log.append(BlockTail(block=0, html=str(number)), run=run)
        await until(lambda: lost)
        await execute("DROP TRIGGER refuse")
        for run in (bad, good):
            await end(log, run)
        assert lost == [bad]
        assert [seq for seq, _ in await follow(log, good, alice)] == [1, 2, 3, 4, 5, 6]
        assert [json.loads(frame)["type"] for _, frame in await follow(log, bad, alice)] == ["run.stopped"]


async def test_nothing_comes_after_the_end_that_somebody_else_wrote(alice: User) -> None:
    """A process that slept too long finds its run ended: it adds no event and no second end."""
    lost: list[UUID] = []
    log, run = EventLog(on_lost=lost.append), await started(alice)
    log.open(run)
    log.append(BlockTail(block=0, html="before"), run=run)
    await until(lambda: log._live[run].recent)
    following = asyncio.create_task(follow(log, run, alice))
    assert await sync_to_async(store.fail_dead_run)(run, seq=2, frame='{"type":"run.failed"}')
    log.append(BlockTail(block=0, html="after"), run=run)
    await until(lambda: lost)
    await end(log, run)
    assert [json.loads(frame)["type"] for _, frame in await following] == ["block.tail", "run.failed"]


async def test_a_slow_follower_misses_nothing_and_nothing_is_kept_for_it(alice: User) -> None:
    log, run = EventLog(), await started(alice)
    log.open(run)
    live = log._live[run]
    following = log.follow(run, user=alice.pk, after=0)
    log.append(BlockTail(block=0, html="first"), run=run)
    seen = [(await anext(following))[0]]
    await write(log, run, events=1000)
    assert len(live.recent) < 1000
    seen += [seq async for seq, _ in following]
    assert seen == list(range(1, 1003))


async def test_a_character_that_no_database_takes_stops_no_run(alice: User) -> None:
    """One run's half of a surrogate pair must not keep the writer from storing the events of all others."""
    log, run, other = EventLog(), await started(alice), await started(alice)
    log.open(run)
    log.open(other)
    log.append(BlockTail(block=0, html="half a \ud83d"), run=run)
    log.append(BlockTail(block=0, html="whole"), run=other)
    async with asyncio.timeout(5):
        await end(log, run)
        await end(log, other)
    assert [seq for seq, _ in await follow(log, run, alice)] == [1, 2]
    assert [seq for seq, _ in await follow(log, other, alice)] == [1, 2]
