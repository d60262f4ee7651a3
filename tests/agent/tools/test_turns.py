"""Every tool of a provider that asks for one request after another keeps to it, for each user apart."""

import asyncio

import pytest

from agent.errors import ToolFailedError
from agent.tool import ReadContext, Tool
from agent.tools import TOOLS
from tests.agent.api.fixtures import Open
from tests.agent.api.upstream import Upstream, told
from tests.contracts.test_sandbox import ARGUMENTS

GITHUB = [tool for tool in TOOLS.values() if tool.provider == "github"]


async def _read_all(open_http: Open, context: ReadContext, *, token: str) -> None:
    async def read(tool: Tool) -> None:
        with open_http(token=token, endpoints=tool.endpoints) as http, pytest.raises(ToolFailedError):
            await tool.run(tool.arguments(**ARGUMENTS.get(tool.name, {})), http, context)

    await asyncio.gather(*(read(tool) for tool in GITHUB))


async def test_the_tools_of_one_github_connection_never_overlap(
    upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    """Source: docs.github.com, best practices for using the REST API, "Avoid concurrent requests"."""
    upstream.tell("/api/graphql", told({"data": {}}, pause_seconds=0.02))
    await _read_all(open_http, read_context, token="token-of-alice")
    assert upstream.most_at_once == 1
    assert len(upstream.received) >= len(GITHUB)


async def test_two_runs_of_one_connection_take_turns_too(
    upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    """Each run has clients of its own; the turn is that of the token."""
    upstream.tell("/api/graphql", told({"data": {}}, pause_seconds=0.02))
    await asyncio.gather(*(_read_all(open_http, read_context, token="token-of-alice") for _ in range(2)))
    assert upstream.most_at_once == 1
    assert len(upstream.received) >= 2 * len(GITHUB)


async def test_another_users_tools_do_not_wait_for_them(
    upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    upstream.tell("/api/graphql", told({"data": {}}, pause_seconds=0.02))
    await asyncio.gather(*(_read_all(open_http, read_context, token=token) for token in ("alices", "bobs", "carols")))
    assert upstream.most_at_once == 3
