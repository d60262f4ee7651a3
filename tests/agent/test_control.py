"""Two processes with runs of one installation: a word from one reaches the other, through either channel layer.

The processes are two runners; with Redis, every word between them goes through a server.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest
from channels.layers import channel_layers
from django.contrib.auth.models import User
from pytest_django.fixtures import Settings

from agent import claude, event_log, runner
from agent.events import BlockTail
from agent.runner import Runner
from tests.agent.api.upstream import Told, Upstream
from tests.agent.claude_server import MESSAGES
from tests.agent.conftest import request_of
from tests.agent.waiting import until
from tests.redis_server import RedisServer, serve_redis

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

# Longer than any of these tests lasts: what happens in one did not wait for the database to be looked at again.
NEVER = 3600.0


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with serve_redis() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
async def layer(request: pytest.FixtureRequest, settings: Settings) -> AsyncIterator[str]:
    if request.param == "redis":
        server: RedisServer = request.getfixturevalue("redis")
        config = {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [server.url]}}
    else:
        config = {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    settings.CHANNEL_LAYERS = {"default": config}
    channel_layers.backends.clear()
    yield request.param
    if request.param == "redis":
        await channel_layers["default"].flush()
    channel_layers.backends.clear()


@pytest.fixture
async def _model_that_thinks(settings: Settings) -> AsyncIterator[None]:
    """A Messages API that never answers: a run goes on until something ends it."""
    async with Upstream.running() as upstream:
        upstream.tell(MESSAGES, Told((b"",), pause_seconds=NEVER))
        settings.IS_MODEL_SIMULATED = True
        settings.ANTHROPIC_BASE_URL = upstream.url
        yield
        await claude.close()


@asynccontextmanager
async def processes() -> AsyncIterator[tuple[Runner, Runner]]:
    """Two runners that hear each other."""
    here, there = Runner(), Runner()
    for one in (here, there):
        one._control.listen()
    await asyncio.sleep(0.3)
    try:
        async with asyncio.timeout(60):
            yield here, there
    finally:
        await here.aclose()
        await there.aclose()


async def first_frames(process: Runner, run: UUID, user: User, *, number: int) -> list[dict[str, Any]]:
    frames = []
    async for _, frame in process.log.follow(run, user=user.pk, after=0):
        frames.append(json.loads(frame))
        if len(frames) == number:
            break
    return frames


def ends(frames: list[dict[str, Any]]) -> None:
    """See that these are all frames of a run that was stopped."""
    assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
    assert [frame["type"] for frame in frames if frame["type"].startswith("run.")] == ["run.started", "run.stopped"]
    assert frames[-1]["type"] == "run.stopped"


@pytest.mark.usefixtures("layer", "_model_that_thinks")
async def test_a_run_is_stopped_from_another_process_at_once(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "_HEARTBEAT_SECONDS", NEVER)
    async with processes() as (here, there):
        ticket = await here.start(request_of(alice, text="Say something"))
        await first_frames(here, ticket.run, alice, number=1)
        await there.stop(ticket.run, user=alice.pk)
        frames = [json.loads(frame) async for _, frame in here.log.follow(ticket.run, user=alice.pk, after=0)]
    ends(frames)


@pytest.mark.usefixtures("layer", "_model_that_thinks")
@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_session_that_ends_in_another_process_ends_its_runs_here(alice: User, *, everywhere: bool) -> None:
    asked = request_of(alice, text="Say something")
    async with processes() as (here, there):
        ticket = await here.start(asked)
        await first_frames(here, ticket.run, alice, number=1)
        sid = "" if everywhere else asked.sid
        there.end_session(user=asked.subject, sid=sid, signed_in_through=asked.auth_time)
        frames = [json.loads(frame) async for _, frame in here.log.follow(ticket.run, user=alice.pk, after=0)]
    assert (frames[-1]["type"], frames[-1]["code"]) == ("run.failed", "session_ended")


@pytest.mark.usefixtures("layer", "_model_that_thinks")
async def test_a_run_of_another_process_is_followed_as_it_happens(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "_POLL_SECONDS", NEVER)
    async with processes() as (here, there):
        ticket = await here.start(request_of(alice, text="Say something"))
        following = asyncio.create_task(first_frames(there, ticket.run, alice, number=100))
        await until(lambda: here.log._live[ticket.run].is_watched)
        for number in range(20):
            here.log.append(BlockTail(block=0, html=str(number)), run=ticket.run)
            await asyncio.sleep(0.01)
        await here.stop(ticket.run, user=alice.pk)
        frames = await following
    ends(frames)
    assert [frame["html"] for frame in frames if frame["type"] == "block.tail"] == [str(number) for number in range(20)]


@pytest.mark.usefixtures("_model_that_thinks")
async def test_without_redis_everything_takes_a_moment_longer(
    alice: User, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words are lost; both sides find what they need in the database."""
    monkeypatch.setattr(runner, "_HEARTBEAT_SECONDS", 0.2)
    hosts = {"hosts": ["redis://127.0.0.1:9/0"]}
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": hosts}}
    channel_layers.backends.clear()
    async with processes() as (here, there):
        ticket = await here.start(request_of(alice, text="Say something"))
        following = asyncio.create_task(first_frames(there, ticket.run, alice, number=100))
        await first_frames(here, ticket.run, alice, number=1)
        await there.stop(ticket.run, user=alice.pk)
        ends(await following)
    await channel_layers["default"].flush()
    channel_layers.backends.clear()
