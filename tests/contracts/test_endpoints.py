"""What each tool declares is what it asks on the sandbox: nothing beside it, and nothing that it never asks."""

from dataclasses import replace
from typing import Any

import pytest
from pytest_django import Settings

from agent.api.egress import base_of
from agent.api.github import DOCUMENTS
from agent.tool import ReadContext, Tool
from agent.tools import TOOLS
from tests.agent.api.upstream import Upstream
from tests.agent.tools.github_rest_answers import tell_all
from tests.contracts.test_sandbox import READING, Sandbox, sandbox, served

__all__ = ["sandbox", "served"]

# What makes a tool take its other ways, besides the arguments that every test of the sandbox gives it.
VARIANTS: dict[str, tuple[dict[str, Any], ...]] = {
    "github_commits": ({"repo": "tidewater/ledger"},),
    "github_failing_checks": ({"repo": "tidewater/ledger"},),
    "github_pull_requests": ({"repo": "tidewater/ledger"},),
    "slack_channel_messages": ({"unread": True},),
    "slack_channels": ({"kind": "direct"},),
}

# Of the repository that GitHub documents its REST answers with.
BY_REST: dict[str, dict[str, Any]] = {
    "github_commits": {"repo": "octocat/Hello-World"},
    "github_failing_checks": {"repo": "octocat/Hello-World"},
    "github_pull_request": {"owner": "octocat", "repo": "Hello-World", "number": 1347},
}


def labels_of(tool: Tool) -> set[tuple[str, str]]:
    """Return what `tool` declares as the audit would tell it."""
    bases = {one: base_of(one.provider, path=one.path) for one in tool.endpoints}
    return {(one.method, f"{base.netloc.decode()}{base.path.rstrip('/')}{one.path}") for one, base in bases.items()}


@pytest.mark.parametrize("name", READING)
async def test_a_tool_asks_what_it_declares_and_declares_what_it_asks(
    sandbox: Sandbox, read_context: ReadContext, settings: Settings, name: str
) -> None:
    tool = TOOLS[name]
    for arguments in ({}, *VARIANTS.get(name, ())):
        await sandbox.run(name, context=read_context, **arguments)
    if tool.fallback_scope:
        await sandbox.run(name, context=read_context, scope=tool.fallback_scope.replace(" ", ","))
    assert {call.error for call in sandbox.calls.seen} <= {"", "missing_scope"}
    declared, asked = labels_of(tool), {(call.method, call.path) for call in sandbox.calls.seen}
    asked |= await _asked_without_graphql(sandbox, read_context, settings, tool=tool)
    assert asked == declared


async def _asked_without_graphql(
    sandbox: Sandbox, context: ReadContext, settings: Settings, *, tool: Tool
) -> set[tuple[str, str]]:
    """Return what `tool` asks of a server that has no GraphQL, as old Enterprise Servers, besides GraphQL itself."""
    if tool.provider != "github":
        return set()
    sandbox.calls.seen.clear()
    here = settings.PROVIDERS["github"]
    async with Upstream.running() as server:
        tell_all(server)
        elsewhere = replace(here, api_url=f"{server.url}/api", graphql_url="")
        settings.PROVIDERS = {**settings.PROVIDERS, "github": elsewhere}
        await sandbox.run(tool.name, context=context, **BY_REST.get(tool.name, {}))
    bases = [one.api_url.removeprefix("http://") for one in (elsewhere, here)]
    assert "undeclared_request" not in {call.error for call in sandbox.calls.seen}
    return {(call.method, call.path.replace(*bases)) for call in sandbox.calls.seen if "/graphql" not in call.path}


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_a_declaration_is_of_the_tools_own_provider_and_of_stored_documents(tool: Tool) -> None:
    assert {one.provider for one in tool.endpoints} == ({tool.provider} if tool.provider else set())
    assert len(set(tool.endpoints)) == len(tool.endpoints)
    for one in tool.endpoints:
        path, _, name = one.path.partition("#")
        assert path.startswith("/")
        assert one.document == (DOCUMENTS[name] if path == "/graphql" else "")
