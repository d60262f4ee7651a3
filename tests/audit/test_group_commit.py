"""Events that wait at the same moment are committed together; each caller still waits for its own."""

import asyncio
import gc
from dataclasses import replace
from weakref import ReferenceType, ref

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import connections

from audit import group_commit
from audit.errors import ActorTokenReplayedError, AuditUnavailableError
from audit.events import Entry, Event
from audit.models import AuditEvent

pytestmark = pytest.mark.django_db(databases=["default", "audit"], transaction=True)
ENTRY = Entry(event=Event.AGENT_RUN_STARTED, user="user:1")


@sync_to_async
def recorded() -> list[str]:
    return list(AuditEvent.objects.order_by("id").values_list("run", flat=True))


@sync_to_async
def run_sql(*statements: str) -> None:
    with connections["audit"].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


async def test_an_event_is_there_for_everybody_when_its_caller_goes_on() -> None:
    await group_commit.record(replace(ENTRY, run="run-1"))
    assert await recorded() == ["run-1"]


async def test_events_of_many_callers_are_kept_in_the_order_they_came() -> None:
    runs = [f"run-{number}" for number in range(20)]
    await asyncio.gather(*(group_commit.record(replace(ENTRY, run=run)) for run in runs))
    assert await recorded() == runs


async def test_an_event_that_is_refused_costs_no_other_its_place() -> None:
    """A replayed actor token must neither pass nor take along what waits beside it."""
    entries = [replace(ENTRY, run=run, actor_jti=jti) for run, jti in (("a", "1"), ("b", "2"), ("c", "2"), ("d", "3"))]
    outcomes = await asyncio.gather(*map(group_commit.record, entries), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), type(None), ActorTokenReplayedError, type(None)]
    assert await recorded() == ["a", "b", "d"]


async def test_nobody_goes_on_while_the_audit_takes_nothing() -> None:
    await run_sql("CREATE TRIGGER full BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'full'); END")
    try:
        outcomes = await asyncio.gather(*(group_commit.record(ENTRY) for _ in range(2)), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes] == [AuditUnavailableError] * 2
    finally:
        await run_sql("DROP TRIGGER full")
    await group_commit.record(replace(ENTRY, run="after"))
    assert await recorded() == ["after"]


async def test_a_caller_that_is_cancelled_leaves_the_others_their_answer() -> None:
    gone = asyncio.create_task(group_commit.record(replace(ENTRY, run="gone")))
    stays = asyncio.create_task(group_commit.record(replace(ENTRY, run="stays")))
    await asyncio.sleep(0)
    gone.cancel()
    await stays
    assert "stays" in await recorded()


def test_an_event_loop_that_has_ended_is_forgotten() -> None:
    """A worker makes one for each briefing."""

    @async_to_sync
    async def record_in_one() -> ReferenceType[asyncio.AbstractEventLoop]:
        await group_commit.record(ENTRY)
        return ref(asyncio.get_running_loop())

    loop = record_in_one()
    gc.collect()
    assert loop() is None
