"""A run ends with exactly one last event, whatever the model sends and whatever of it cannot be shown."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connection
from pytest_django.fixtures import Settings

from agent import claude, content_keys, store
from agent.events import TurnAdded
from agent.runner import Runner
from agent.types import RunStatus
from tests.agent.api.upstream import Told, Upstream
from tests.agent.claude_server import END, MESSAGE_START, MESSAGES, event, stream
from tests.agent.conftest import request_of, start
from tests.agent.waiting import until
from tests.broken import table_away_async

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Upstream]:
    """A Messages API that answers what a test tells it to."""
    async with Upstream.running() as upstream:
        settings.IS_MODEL_SIMULATED = True
        settings.ANTHROPIC_BASE_URL = upstream.url
        yield upstream
        await claude.close()


def says(text: str) -> Any:
    block = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    return stream(
        MESSAGE_START, block, event("content_block_delta", index=0, delta={"type": "text_delta", "text": text}), *END
    )


async def answer(user: User, *, conversation: UUID | None = None) -> list[dict[str, Any]]:
    runner = Runner()
    ticket = await runner.start(request_of(user, conversation=conversation))
    async with asyncio.timeout(40):
        frames = [json.loads(frame) async for _, frame in runner.log.follow(ticket.run, user=user.pk, after=0)]
    await runner.aclose()
    return frames


async def test_text_that_no_page_can_show_ends_the_run_with_a_reason(alice: User, api: Upstream) -> None:
    """Half of a surrogate pair is valid in JSON and in no encoding; the sanitizer refuses it."""
    api.tell(MESSAGES, says("Nothing.\n\nHalf a \ud83d"))
    frames = await answer(alice)
    assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
    assert (frames[-1]["type"], frames[-1]["code"]) == ("run.failed", "internal")
    assert [frame["type"] for frame in frames].count("run.failed") == 1


async def test_a_conversation_whose_key_is_lost_does_not_go_on_and_a_new_one_does(
    alice: User, api: Upstream, settings: Settings
) -> None:
    api.tell(MESSAGES, says("Nothing."))
    ticket = await sync_to_async(start)(request_of(alice))
    turns = [TurnAdded(role="user", content="Brief me"), TurnAdded(role="assistant", content=[])]
    end = sync_to_async(store.end_run)
    await end(ticket.run, status=RunStatus.FINISHED, last=(1, "{}"), answer="", turns=turns)
    settings.CONTENT_KEYS = content_keys.new_entry(1)
    old = (await answer(alice, conversation=ticket.conversation))[-1]
    assert (old["type"], old["code"]) == ("run.failed", "content_closed")
    assert old["message"].endswith("Start a new one.")
    assert (await answer(alice))[-1].get("code") != "content_closed"


async def test_a_nul_of_the_model_does_not_keep_a_run_from_ending(alice: User, api: Upstream) -> None:
    """PostgreSQL takes no NUL in a text or in JSON."""
    api.tell(MESSAGES, says("Nothing \x00 to say."))
    frames = await answer(alice)
    assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
    assert frames[-1]["type"] == "run.finished"


async def test_a_run_that_is_stopped_before_its_first_step_has_its_last_event(alice: User, api: Upstream) -> None:
    runner = Runner()
    ticket = await runner.start(request_of(alice))
    runner._cancel(ticket.run)
    frames = [json.loads(frame) async for _, frame in runner.log.follow(ticket.run, user=alice.pk, after=0)]
    await runner.aclose()
    assert [(frame["seq"], frame["type"]) for frame in frames] == [(1, "run.stopped")]


@sync_to_async
def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the fault is written in SQLite's dialect")
async def test_a_run_whose_events_cannot_be_stored_ends_with_that_reason(alice: User, api: Upstream) -> None:
    """The disk is full, as far as one of its events is concerned: no gap, no event lost in silence, one end."""
    api.tell(MESSAGES, says("Nothing."))
    await execute(
        "CREATE TRIGGER full BEFORE INSERT ON agent_event WHEN NEW.seq = 4 AND "
        "(SELECT status FROM agent_run WHERE id = NEW.run_id) = 'running' BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    frames = await answer(alice)
    await execute("DROP TRIGGER full")
    assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
    assert (frames[-1]["type"], frames[-1]["code"]) == ("run.failed", "not_stored")
    assert sum(frame["type"].startswith("run.f") for frame in frames) == 1


async def test_a_heart_that_misses_a_beat_goes_on_beating(
    alice: User, api: Upstream, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("agent.runner._HEARTBEAT_SECONDS", 0.05)
    api.tell(MESSAGES, Told((b"",), pause_seconds=3600))
    runner = Runner()
    ticket = await runner.start(request_of(alice, text="Say something"))
    await until(lambda: api.received)
    async with table_away_async("default", table="agent_run"):
        await until(lambda: "agent.heartbeat_missed" in caplog.messages)
    await sync_to_async(store.ask_to_stop)(ticket.run, user=alice.pk)
    frames = [json.loads(frame) async for _, frame in runner.log.follow(ticket.run, user=alice.pk, after=0)]
    await runner.aclose()
    assert frames[-1]["type"] == "run.stopped"
