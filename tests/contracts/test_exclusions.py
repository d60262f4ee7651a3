"""What a user leaves out, over every tool and the whole invented team: of each place in turn nothing is told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pytest_django import Settings

from agent.api.egress import close_clients
from agent.api.http import authorized
from agent.calls import Dispatched
from agent.tool import ReadContext, Tool
from agent.toolkit import Emit, Opened, Toolkit, Waiting
from agent.tools import TOOLS
from devcontext.sandbox.store import Store
from devcontext.settings import providers
from permissions.exclusions import Exclusions, normal
from tests.agent.api.fixtures import Calls
from tests.contracts.sandbox import granted, issue_token, serving
from tests.contracts.test_sandbox import ARGUMENTS

# What is of a repository or a channel; a calendar's events are all of the primary calendar.
PLACED = [name for name, tool in TOOLS.items() if tool.provider in ("github", "slack")]


class Reading:
    """The tools as the dispatcher runs them, for somebody who leaves something out."""

    def __init__(self, *, store: Store, calls: Calls, context: ReadContext) -> None:
        self._store, self._calls, self._context = store, calls, context
        self._exclusions = Exclusions()

    async def read(self, name: str, *, exclusions: Exclusions = Exclusions()) -> Dispatched:  # noqa: B008  (frozen)
        """Run a tool and return what the model gets."""

        async def refuse(name: str, reason: str, _: str) -> None:
            raise AssertionError(f"{name}: {reason}")

        self._exclusions = exclusions
        toolkit = Toolkit(tools=TOOLS, credentials=self, context=self._context, on_refused=refuse)
        arguments: dict[str, Any] = ARGUMENTS.get(name, {})
        return await toolkit.dispatch(call_id="toolu_1", name=name, arguments=arguments, emit=lambda _: None)

    async def places_of(self, name: str) -> list[tuple[str, ...]]:
        """Return the places of each item that a tool reads."""
        tool = TOOLS[name]
        async with self._authorized(tool) as http:
            result = await tool.run(tool.arguments(**ARGUMENTS.get(name, {})), http, self._context)
        return [item.places for item in result.items]

    @asynccontextmanager
    async def open(
        self, *, tool: Tool, tool_call: str, emit: Emit, places: tuple[str, ...], waiting: Waiting
    ) -> AsyncIterator[Opened]:
        """Open the provider as its user; implements `agent.toolkit.Credentials` without the gate's refusal."""
        _ = tool_call, emit, places, waiting
        async with self._authorized(tool) as http:
            yield Opened(http, self._exclusions)

    @asynccontextmanager
    async def _authorized(self, tool: Tool) -> AsyncIterator[Any]:
        token = issue_token(self._store, provider=tool.provider, scope=granted(tool))
        with authorized(provider=tool.provider, endpoints=tool.endpoints, token=token, on_call=self._calls) as http:
            yield http


@pytest.fixture
async def reading(calls: Calls, read_context: ReadContext, settings: Settings) -> AsyncIterator[Reading]:
    with serving() as (url, store):
        settings.PROVIDERS = providers.load(sandbox_url=url, with_secrets=False)
        yield Reading(store=store, calls=calls, context=read_context)
        await close_clients()


@pytest.mark.parametrize("tool", PLACED)
async def test_every_item_says_what_it_is_of(reading: Reading, tool: str) -> None:
    """An item without its place would be shown whatever its user leaves out."""
    found = await reading.places_of(tool)
    assert found
    for places in found:
        assert places
        assert all("/" in place for place in places) or TOOLS[tool].provider == "slack"


@pytest.mark.parametrize("tool", PLACED)
async def test_nothing_is_told_of_a_place_that_is_left_out(reading: Reading, tool: str) -> None:
    shown = await reading.read(tool)
    places = {place for listed in await reading.places_of(tool) for place in listed}
    assert places
    for place in places:
        name = normal(place).removeprefix("#")
        excluded = Exclusions(repositories=frozenset({name}), channels=frozenset({name}))
        result = await reading.read(tool, exclusions=excluded)
        assert len(result.evidence) < len(shown.evidence), place
        assert "left out by your exclusions" in result.content
        # The place itself, as a field or a title tells it; others may still name it in their own words.
        assert f'"{place}"' not in result.content
        assert all(f"/{place}" not in one.url for one in result.evidence)


@pytest.mark.parametrize("tool", [name for name in PLACED if TOOLS[name].provider == "github"])
async def test_nothing_is_told_of_an_owner_who_is_left_out(reading: Reading, tool: str) -> None:
    owners = {place.partition("/")[0] for listed in await reading.places_of(tool) for place in listed}
    result = await reading.read(tool, exclusions=Exclusions(organisations=frozenset(map(normal, owners))))
    assert result.evidence == ()
    assert not any(f"{owner}/" in result.content for owner in owners)
