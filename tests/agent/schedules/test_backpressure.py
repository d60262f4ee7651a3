"""Claude or a service that is busy is left alone: what is due waits and says so, for a while; and budgets hold."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from agent import claude, holds, spending, store
from agent.models import Hold
from agent.prices import Price
from agent.retention import expire_content
from agent.schedule_models import Occurrence as Row
from agent.schedules import owning
from agent.schedules.running import run_occurrence
from agent.schedules.scheduler import Scheduler
from agent.schedules.types import Occurrence, OccurrenceState, Schedule
from agent.schedules.wording import tell_occurrence
from tests.agent.api.upstream import Told, Upstream, told
from tests.agent.claude_server import END, HALF_A_TEXT, MESSAGE_START, MESSAGES, stream
from tests.agent.conftest import request_of, start
from tests.agent.schedules.conftest import (
    asker_of,
    change_occurrence,
    draft,
    granted_schedule,
    load,
    make_due_row,
)

pytestmark = pytest.mark.django_db(databases=["default", "vault", "audit"], transaction=True)


@pytest_asyncio.fixture
async def api(maya: User, settings: Any) -> AsyncIterator[Upstream]:
    """A Messages API that a test tells what to answer."""
    async with Upstream.running() as upstream:
        await claude.close()
        settings.ANTHROPIC_BASE_URL = upstream.url
        yield upstream
        await claude.close()


@pytest_asyncio.fixture
async def bobs(bob: User, sandbox: str) -> Schedule:
    """A schedule of bob, by a grant for a service that he never connected."""
    made = await owning.create(asker_of(bob), draft=draft())
    expires_at = timezone.now() + timedelta(days=1)
    return await owning.give_grant(asker_of(bob), made.id, providers=["github"], expires_at=expires_at)


async def run(schedule: Schedule, **changes: Any) -> Occurrence:
    """Let a schedule be due, and return what became of it."""
    occurrence = await make_due_row(schedule, **changes)
    await run_occurrence(occurrence.id)
    return await load(occurrence)


def refused(status: int, kind: str, **headers: str) -> Told:
    return told({"type": "error", "error": {"type": kind, "message": "No."}}, status=status, headers=headers)


def seconds_until(occurrence: Occurrence) -> float:
    return (occurrence.begins_at - timezone.now()).total_seconds()


@dataclass(frozen=True)
class Busy:
    """An answer of an API that is busy, the code that the run has of it, and how long is waited."""

    answer: Told
    code: str
    seconds: int


@pytest.mark.parametrize(
    "busy",
    [
        Busy(refused(429, "rate_limit_error", **{"retry-after": "300"}), "rate_limited", 300),
        Busy(refused(529, "overloaded_error"), "overloaded", 60),
        Busy(refused(503, "api_error", **{"retry-after": "90"}), "unreachable", 90),
    ],
    ids=lambda busy: busy.code,
)
async def test_while_claude_is_busy_whoever_is_due_waits_as_long_as_it_asks_and_says_so(
    api: Upstream, schedule: Schedule, bobs: Schedule, busy: Busy
) -> None:
    api.tell(MESSAGES, busy.answer)
    first = await run(schedule)
    assert (first.state, first.reason) == (OccurrenceState.DONE, busy.code), "what was read is told without it"
    asked = len(api.received)
    waiting = await run(bobs)
    assert (waiting.state, waiting.reason, waiting.attempts) == (OccurrenceState.DUE, "claude_busy", 0)
    assert busy.seconds - 30 < seconds_until(waiting) <= busy.seconds
    assert len(api.received) == asked
    assert "Claude is overloaded or out of reach" in " ".join(tell_occurrence(waiting).notes)


async def test_what_waited_begins_once_the_pause_is_over_and_forgets_why_it_waited(
    api: Upstream, schedule: Schedule, bobs: Schedule, settings: Any, sandbox: str
) -> None:
    api.tell(MESSAGES, refused(529, "overloaded_error"))
    await run(schedule)
    waiting = await run(bobs)
    past = timezone.now() - timedelta(seconds=1)
    await Hold.objects.aupdate(until=past)
    await change_occurrence(waiting, begins_at=past)
    await claude.close()
    settings.ANTHROPIC_BASE_URL = f"{sandbox}/claude"
    await run_occurrence(waiting.id)
    done = await load(waiting)
    assert (done.state, done.reason, done.attempts) == (OccurrenceState.DONE, "", 1)


async def test_whoever_asks_for_it_now_does_not_wait(api: Upstream, maya: User, schedule: Schedule) -> None:
    api.tell(MESSAGES, refused(529, "overloaded_error"))
    await run(schedule)
    asked = await owning.run_now(asker_of(maya), schedule.id)
    await run_occurrence(asked.id)
    assert (await load(asked)).state is OccurrenceState.DONE


@pytest.mark.parametrize(
    ("retry_after", "due_before"), [("3000", timedelta(0)), ("120", timedelta(minutes=29))], ids=["long", "late"]
)
async def test_nobody_waits_past_the_time_of_a_briefing(
    api: Upstream, schedule: Schedule, bobs: Schedule, retry_after: str, due_before: timedelta
) -> None:
    api.tell(MESSAGES, refused(429, "rate_limit_error", **{"retry-after": retry_after}))
    await run(schedule)
    told_without = await run(bobs, due_at=timezone.now() - due_before)
    assert (told_without.state, told_without.reason) == (OccurrenceState.DONE, "rate_limited")


@dataclass(frozen=True)
class Order:
    """A failure of Slack that the sandbox shows, the code that the run has of it, and how long is waited."""

    fields: dict[str, Any]
    code: str
    seconds: int


@pytest.mark.parametrize(
    "order",
    [
        Order({"case": "rate_limited", "seconds": 120}, "rate_limited", 120),
        Order({"case": "unavailable"}, "upstream_unavailable", 60),
    ],
    ids=lambda order: order.code,
)
async def test_while_a_service_is_busy_its_user_waits_and_nobody_else(
    schedule: Schedule, bobs: Schedule, sandbox: str, order: Order
) -> None:
    async with httpx.AsyncClient(trust_env=False) as operator:
        ordered = await operator.post(f"{sandbox}/faults", json={"provider": "slack", "times": 20, **order.fields})
    assert ordered.is_success, ordered.text
    first = await run(schedule)
    assert first.state is OccurrenceState.DONE
    assert {one["provider"]: one["state"] for one in first.coverage}["slack"] == order.code
    waiting = await run(schedule)
    assert (waiting.state, waiting.reason) == (OccurrenceState.DUE, "service_busy")
    assert order.seconds - 30 < seconds_until(waiting) <= order.seconds
    assert (await run(bobs)).state is OccurrenceState.DONE
    owner = await User.objects.aget(pk=schedule.user)
    without_slack = await granted_schedule(owner, providers=("github",), recipe="review-queue")
    assert (await run(without_slack)).state is OccurrenceState.DONE


async def test_what_its_owner_asks_at_the_same_time_is_named_where_there_is_no_room(schedule: Schedule) -> None:
    owner = await User.objects.aget(pk=schedule.user)
    for _ in range(store.MAX_RUNS_AT_ONCE):
        await sync_to_async(start)(request_of(owner), owner="elsewhere")
    waiting = await run(schedule)
    assert (waiting.state, waiting.reason) == (OccurrenceState.DUE, "too_many_runs")


async def test_however_slow_claude_is_no_more_ask_it_than_may_go_on_at_once(
    api: Upstream, schedule: Schedule, bobs: Schedule
) -> None:
    whole = stream(MESSAGE_START, *HALF_A_TEXT, *END)
    api.tell(MESSAGES, Told(whole.parts, pause_seconds=0.3))
    for one in (schedule, bobs):
        for _ in range(3):
            await make_due_row(one)
    narrow = Scheduler(at_once=2)
    living = asyncio.create_task(narrow.live())
    async with asyncio.timeout(100):
        while await Row.objects.filter(ended_at=None).aexists():  # noqa: ASYNC110  (nobody announces it)
            await asyncio.sleep(0.05)
    narrow.stop()
    await living
    await narrow.aclose()
    assert api.received
    assert api.most_at_once <= 2


@pytest.mark.parametrize("is_own", [True, False], ids=["of the user", "of everybody"])
async def test_a_spent_budget_asks_claude_for_no_schedule(
    api: Upstream, schedule: Schedule, bob: User, settings: Any, is_own: bool
) -> None:
    settings.IS_MODEL_SIMULATED, settings.ANTHROPIC_API_KEY = False, "a-key"
    settings.CLAUDE_MODEL = "a-model"
    settings.CLAUDE_PRICES = {"a-model": (Price(2, 10, cache_write=2.5, cache_read=0.2),)}
    settings.DAILY_BUDGET_USD_PER_USER, settings.DAILY_BUDGET_USD = (1, 0) if is_own else (0, 1)
    payer = schedule.user if is_own else bob.pk
    await sync_to_async(spending.add_spending)(
        payer, day=timezone.now().date(), input_tokens=1, output_tokens=1, cost_micro_usd=1_000_000
    )
    done = await run(schedule)
    assert (done.state, done.reason, done.cost_micro_usd) == (OccurrenceState.DONE, "budget_spent", 0)
    assert api.received == []


def test_a_hold_is_forgotten_once_it_is_over(alice: User) -> None:
    now = timezone.now()
    Hold.objects.create(name="github", user=alice, until=now + timedelta(minutes=1))
    Hold.objects.create(name="claude", until=now - timedelta(seconds=1))
    assert holds.find_model(now=now) is None
    assert holds.find_service(alice.pk, providers=["slack"], now=now) is None
    assert holds.find_service(alice.pk, providers=["github"], now=now) == now + timedelta(minutes=1)
    expire_content()
    assert [hold.name for hold in Hold.objects.all()] == ["github"]
