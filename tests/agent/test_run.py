"""A run ends with exactly one last event, whatever the model sends and whatever of it cannot be shown."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from agent import claude, content_keys, store
from agent.events import TurnAdded
from agent.runner import Runner
from agent.types import RunStatus
from tests.agent.api.upstream import Upstream
from tests.agent.claude_server import END, MESSAGE_START, MESSAGES, event, stream
from tests.agent.conftest import request_of, start

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
