"""A revoke ends what is being read with a token that was handed out before: at once here, by a word elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx
import pytest
from channels.layers import channel_layers
from django.contrib.auth.models import User
from django.core.cache import cache
from pytest_django.fixtures import Settings

from agent.recalls import RecalledError, recall, recallable
from agent.runner import Runner, current_runner
from permissions import changes, connections, switch
from permissions.changes import Change
from permissions.types import ServiceStatus
from tests.agent.conftest import request_of
from tests.agent.waiting import until
from tests.agent.whole_runs import ALL_THREE, audited, follow, of
from vault.client import connections as vault

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

# Longer than any of these tests may last: what ends before did not wait for the provider.
NEVER = 3600.0
Switch = Callable[..., Awaitable[ServiceStatus]]


async def read_forever(*, user: str = "user:1", provider: str = "slack") -> str:
    """Read what never answers."""
    async with recallable(user=user, provider=provider):
        await asyncio.sleep(NEVER)
    return "read"


async def test_a_read_that_is_recalled_ends_with_the_reason() -> None:
    reading = asyncio.create_task(read_forever())
    await asyncio.sleep(0)
    assert recall(user="user:1", provider="slack", ends="revoked") == 1
    with pytest.raises(RecalledError, match="revoked"):
        await reading
    assert recall(user="user:1", provider="slack", ends="revoked") == 0


async def test_reads_of_another_user_or_service_go_on() -> None:
    others = [asyncio.create_task(read_forever(user="user:2")), asyncio.create_task(read_forever(provider="github"))]
    await asyncio.sleep(0)
    assert recall(user="user:1", provider="slack", ends="revoked") == 0
    await asyncio.sleep(0)
    assert not any(other.done() for other in others)
    for other in others:
        other.cancel()
        with pytest.raises(asyncio.CancelledError):
            await other


async def test_a_limit_of_the_read_itself_stays_what_it_is() -> None:
    with pytest.raises(TimeoutError):
        async with recallable(user="user:1", provider="slack"):
            raise TimeoutError


async def test_a_read_that_begins_after_the_recall_is_not_touched() -> None:
    recall(user="user:1", provider="slack", ends="revoked")
    async with recallable(user="user:1", provider="slack"):
        await asyncio.sleep(0)


async def slow_down_slack(sandbox: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        order = {"provider": "slack", "case": "slow", "times": 50, "seconds": 12}
        (await client.post(f"{sandbox}/faults", json=order)).raise_for_status()


pause = partial(switch.pause, until=datetime(9999, 1, 1, tzinfo=UTC))
CHANGES = [(switch.revoke, "revoked"), (pause, "access_paused"), (switch.disconnect, "not_connected")]


@pytest.mark.parametrize(("change", "code"), CHANGES, ids=["revoke", "pause", "disconnect"])
async def test_a_switch_ends_the_read_that_is_under_way_and_the_briefing_says_so(
    change: Switch, code: str, maya: User, sandbox: str
) -> None:
    """A read that would have been answered is given up, and the other services are read."""
    await slow_down_slack(sandbox)
    request, runner = request_of(maya, text=ALL_THREE), current_runner()
    ticket = await runner.start(request)
    following = asyncio.create_task(follow(runner, ticket.run, maya))
    await until(lambda: bool(of_slack(runner, ticket.run)))
    await change(user=request.subject, sid=request.sid, auth_time=request.auth_time, provider="slack")
    frames = await following
    failed = of(frames, "step.failed")
    assert [(frame["code"], frame["id"]) for frame in failed] == [(code, slack_step(frames))]
    states = {one["provider"]: one["state"] for one in frames[-1]["coverage"]}
    assert states == {"github": "read", "google-calendar": "read", "slack": code}
    rows = await audited(str(ticket.run))
    assert ("agent:call:failed", "slack", "interrupted") in rows
    assert not [row for row in rows if row[:2] == ("agent:call:succeeded", "slack")]


def of_slack(runner: Runner, run: Any) -> list[str]:
    """Return the frames that say that Slack's token was handed out."""
    frames = [frame for _, frame in runner.log._live[run].recent]
    calls = [frame for frame in frames if '"step.started"' in frame and '"provider":"slack"' in frame]
    ids = [frame.split('"id":"', 1)[1].split('"', 1)[0] for frame in calls]
    return [frame for frame in frames if '"step.exchanged"' in frame and any(call in frame for call in ids)]


def slack_step(frames: list[dict[str, Any]]) -> str:
    (step,) = [frame["id"] for frame in of(frames, "step.started") if frame["provider"] == "slack"]
    return str(step)


async def test_a_change_in_one_process_ends_reads_and_what_is_known_in_another(settings: Settings) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    channel_layers.backends.clear()
    here, there = Runner(), Runner()
    there.listen()
    await asyncio.sleep(0.1)
    try:
        await cache.aset("permissions.connections.user:1", ())
        reading = asyncio.create_task(read_forever())
        await asyncio.sleep(0)
        # As `heed` says it; the reads of this very process would end without a word.
        here._control.say("change", about="user:1 slack revoked")
        with pytest.raises(RecalledError):
            await asyncio.wait_for(reading, timeout=30)
        assert await cache.aget("permissions.connections.user:1") is None
    finally:
        await here.aclose()
        await there.aclose()
        channel_layers.backends.clear()


async def test_an_announced_change_is_heard_by_the_runs_of_this_process() -> None:
    reading = asyncio.create_task(read_forever())
    await asyncio.sleep(0)
    changes.announce(Change("user:1", "slack", "not_connected"))
    with pytest.raises(RecalledError, match="not_connected"):
        await reading
    await current_runner().aclose()


async def test_an_answer_that_a_change_overtook_is_not_kept(maya: User) -> None:
    """Attack on the cache: the vault's answer from before a revoke arrives after the revoke was announced."""
    request = request_of(maya)
    asker = {"user": request.subject, "sid": request.sid, "auth_time": request.auth_time}
    connections.forget(user=request.subject)
    asking = asyncio.create_task(connections.list_statuses(**asker))
    while not asking.done():
        connections.forget(user=request.subject)
        await asyncio.sleep(0)
    await vault.set_access(**asker, connection="slack", is_allowed=False)
    assert [status.state.value for status in await connections.list_statuses(**asker)][-1] == "revoked"
