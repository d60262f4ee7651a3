"""Slack's limits for an app that is sold outside its marketplace, as the tools meet them: one page of 15 a minute."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from pytest_django import Settings

from agent.api.egress import close_clients
from agent.errors import ToolFailedError
from agent.tool import ReadContext
from agent.tools import TOOLS
from devcontext.sandbox.store import Store
from devcontext.sandbox.types import Message, Snapshot, World
from devcontext.sandbox.world import tidewater_world
from devcontext.settings import providers
from tests.agent.api.fixtures import NOW, Calls
from tests.contracts.sandbox import serving
from tests.contracts.test_sandbox import Sandbox

CUT = "Slack is rate limiting this app, so not every conversation was read to its end; more can be read in a minute."


def _talkative(snapshot: Snapshot) -> Snapshot:
    """Return the team with 40 messages more in its first channel, a minute apart up to now."""
    first = snapshot.channels[0]
    more = tuple(
        Message(
            channel_id=first.id,
            author=first.members[1],
            text=f"Word {number}",
            at=snapshot.now - timedelta(minutes=number + 1),
        )
        for number in range(40)
    )
    return replace(snapshot, messages=(*snapshot.messages, *more))


def _world() -> World:
    world = tidewater_world(clock=lambda: NOW)
    return replace(world, build=lambda now: _talkative(world.build(now)))


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, Store]]:
    """One sandbox of a talkative team for this module."""
    with serving(world=_world()) as running:
        yield running


@pytest.fixture
async def sandbox(served: tuple[str, Store], calls: Calls, settings: Settings) -> AsyncIterator[Sandbox]:
    """The sandbox, as such an app meets it, with windows that begin anew for each test."""
    url, store = served
    settings.PROVIDERS = providers.load(sandbox_url=url, with_secrets=False)
    async with httpx.AsyncClient(trust_env=False, base_url=url) as client:
        for mode in ("off", "non_marketplace"):
            (await client.post("/limits", json={"provider": "slack", "mode": mode})).raise_for_status()
    yield Sandbox(url=url, store=store, calls=calls)
    await close_clients()


def _asked(sandbox: Sandbox, method: str) -> int:
    return sum(call.path.endswith(f"/{method}") for call in sandbox.calls.seen)


async def test_a_channel_is_read_as_far_as_the_first_page(sandbox: Sandbox, read_context: ReadContext) -> None:
    result = await sandbox.run("slack_channel_messages", context=read_context)
    assert [item.fields["text"] for item in result.items] == [f"Word {number}" for number in range(14, -1, -1)]
    assert result.is_truncated
    assert result.warnings == ("Slack is rate limiting this app, so only the first messages were read.",)
    assert _asked(sandbox, "conversations.history") == 2


async def test_the_next_read_in_the_minute_is_told_when_to_come_back(
    sandbox: Sandbox, read_context: ReadContext
) -> None:
    await sandbox.run("slack_channel_messages", context=read_context, limit=15)
    with pytest.raises(ToolFailedError) as caught:
        await sandbox.run("slack_channel_messages", context=read_context)
    assert caught.value.code == "rate_limited"
    assert 50 < (caught.value.retry_after_seconds or 0) <= 60
    assert _asked(sandbox, "conversations.history") == 2


@pytest.mark.parametrize(
    ("tool", "scope", "said"),
    [
        ("slack_mentions", TOOLS["slack_mentions"].fallback_scope, "1 of 4 public channels were looked through"),
        ("slack_direct_messages", TOOLS["slack_direct_messages"].scope, "Direct messages with 1 others were not read."),
    ],
)
async def test_conversations_that_no_request_is_left_for_are_counted(
    sandbox: Sandbox, read_context: ReadContext, tool: str, scope: str, said: str
) -> None:
    result = await sandbox.run(tool, context=read_context, scope=scope.replace(" ", ","))
    assert result.is_truncated
    assert said in result.warnings[0]
    assert result.warnings[1:] == (CUT,)


async def test_a_thread_is_a_limit_of_its_own(sandbox: Sandbox, read_context: ReadContext) -> None:
    await sandbox.run("slack_channel_messages", context=read_context, limit=15)
    assert (await sandbox.run("slack_thread", context=read_context)).items
    with pytest.raises(ToolFailedError) as caught:
        await sandbox.run("slack_thread", context=read_context)
    assert caught.value.code == "rate_limited"
