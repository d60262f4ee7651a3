"""A token that a refresh replaced while it was in use costs one more exchange, not the connection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.utils import timezone

from agent.api.egress import close_clients
from agent.credentials import RunCredentials
from agent.endpoints import Endpoint
from agent.errors import ToolFailedError
from agent.events import LoopEvent, StepExchanged, StepPermission
from agent.tool import Arguments, ProviderHTTP, Tool
from agent.toolkit import Opened
from agent.tools import TOOLS
from permissions import store
from permissions.exclusions import ExclusionKind
from permissions.policy import Mode
from tests.broken import table_away_async
from tests.permissions.conftest import (
    Connect,
    Person,
    SignIn,
    alice,
    begin,
    connect,
    list_recorded,
    sign_in,
)
from tests.vault.upstream import Upstream
from vault.client import connections as vault
from vault.client.tokens import Actor, exchange
from vault.models import Connection

__all__ = ["alice", "begin", "connect", "sign_in"]

VIEWER = Endpoint("github", "POST", "/graphql#viewer", document="{viewer{login}}")

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])


@pytest_asyncio.fixture(autouse=True)
async def _closed_clients(sign_in: SignIn) -> Any:
    yield
    await close_clients()


@asynccontextmanager
async def open_github(person: Person, *, emitted: list[LoopEvent]) -> AsyncIterator[ProviderHTTP]:
    """Open GitHub for a tool call."""
    credentials = RunCredentials(user=person.user, sid=person.sid, auth_time=person.auth_time, run="run-1")
    tool = replace(TOOLS["github_activity"], endpoints=(VIEWER,))
    async with credentials.open(tool=tool, tool_call="toolu_1", emit=emitted.append, places=()) as opened:
        yield opened.http


async def read(http: ProviderHTTP) -> str:
    """Read who the token belongs to."""
    login: str = (await http.post(VIEWER.path, json={"query": VIEWER.document}))["data"]["viewer"]["login"]
    return login


async def refresh_elsewhere(person: Person) -> None:
    """Let another tool call find the token about to end: GitHub ends the old one with the refresh."""
    await Connection.objects.using("vault").aupdate(access_expires_at=timezone.now() + timedelta(minutes=1))
    actor = Actor(agent="agent:devcontext", run="run-1", tool="github_activity", tool_call="toolu_2")
    await exchange(**person.asker, provider="github", scope="", actor=actor)


async def test_a_read_whose_token_was_replaced_meanwhile_is_repeated_with_the_new_one(
    alice: Person, connect: Connect, upstream: Upstream
) -> None:
    await connect(alice)
    emitted: list[LoopEvent] = []
    async with open_github(alice, emitted=emitted) as http:
        await read(http)
        await refresh_elsewhere(alice)
        assert await read(http) == "alice-gh"
        assert await read(http) == "alice-gh"
    calls = await list_recorded("agent:call")
    assert [(call["event"], call["reason"]) for call in calls] == [
        ("agent:call:succeeded", ""),
        ("agent:call:failed", "reconnect_required"),
        ("agent:call:succeeded", ""),
        ("agent:call:succeeded", ""),
    ]
    first, second = (event.exchange for event in emitted if isinstance(event, StepExchanged))
    assert [call["exchange"] for call in calls] == [first, first, second, second]
    granted = {event["exchange"] for event in await list_recorded("vault:exchange:granted")}
    assert {first, second} <= granted


async def test_a_token_that_the_vault_gives_again_is_not_tried_again_and_its_user_is_told(
    alice: Person, connect: Connect, upstream: Upstream, mailoutbox: list[EmailMessage]
) -> None:
    """The grant was ended at GitHub: nothing the vault has will do."""
    await User.objects.aupdate(email="alice@example.com")
    await connect(alice)
    upstream.grants[0].access.clear()
    emitted: list[LoopEvent] = []
    with pytest.raises(ToolFailedError) as failed:
        async with open_github(alice, emitted=emitted) as http:
            await read(http)
    assert failed.value.code == "reconnect_required"
    assert [mail.subject for mail in mailoutbox] == ["[DevContext] GitHub has to be connected again"]
    assert len(await list_recorded("agent:call")) == 1
    assert len(await list_recorded("vault:exchange:granted")) == 2


async def test_a_tool_call_renews_its_token_once(alice: Person, connect: Connect, upstream: Upstream) -> None:
    await connect(alice)
    async with open_github(alice, emitted=[]) as http:
        await refresh_elsewhere(alice)
        await read(http)
        await refresh_elsewhere(alice)
        with pytest.raises(ToolFailedError) as failed:
            await read(http)
    assert failed.value.code == "reconnect_required"
    assert [call["event"] for call in await list_recorded("agent:call")] == [
        "agent:call:failed",
        "agent:call:succeeded",
        "agent:call:failed",
    ]


async def test_a_revoke_is_what_a_tool_call_is_told_that_asks_anew(
    alice: Person, connect: Connect, upstream: Upstream
) -> None:
    await connect(alice)
    (connection,) = await vault.list_connections(**alice.asker)
    async with open_github(alice, emitted=[]) as http:
        await refresh_elsewhere(alice)
        await vault.set_access(**alice.asker, connection=connection.id, is_allowed=False)
        with pytest.raises(ToolFailedError) as failed:
            await read(http)
    assert failed.value.code == "revoked"


async def test_a_pause_is_told_as_one_though_the_vault_knows_it_as_a_revoke(
    alice: Person, connect: Connect, upstream: Upstream
) -> None:
    await connect(alice)
    async with open_github(alice, emitted=[]) as http:
        await refresh_elsewhere(alice)
        until = timezone.now() + timedelta(hours=1)
        await vault.pause_access(**alice.asker, connection="github", until=until)
        with pytest.raises(ToolFailedError, match="You paused AI access to GitHub") as failed:
            await read(http)
    assert failed.value.code == "access_paused"


@asynccontextmanager
async def open_tool(
    person: Person, tool: Tool, *, emitted: list[LoopEvent], places: tuple[str, ...] = ()
) -> AsyncIterator[Opened]:
    """Open the provider of `tool` for a tool call."""
    credentials = RunCredentials(user=person.user, sid=person.sid, auth_time=person.auth_time, run="run-1")
    async with credentials.open(tool=tool, tool_call="toolu_1", emit=emitted.append, places=places) as opened:
        yield opened


async def test_a_tool_that_can_do_with_less_asks_for_less_where_it_was_refused(
    alice: Person, connect: Connect, upstream: Upstream
) -> None:
    upstream.scope = "channels:history channels:read users:read"
    await connect(alice, "slack")
    emitted: list[LoopEvent] = []
    async with open_tool(alice, TOOLS["slack_mentions"], emitted=emitted):
        pass
    asked = [(row["event"], row["reason"], row["scope_asked"]) for row in await list_recorded("vault:exchange")]
    assert asked == [
        ("vault:exchange:denied", "missing_scope", "search:read users:read"),
        ("vault:exchange:granted", "", "channels:history channels:read users:read"),
    ]
    assert len([event for event in emitted if isinstance(event, StepExchanged)]) == 1


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("slack_search", {"query": "x"}),
        ("slack_direct_messages", {}),
        ("slack_channels", {"kind": "direct"}),
        ("slack_channel_messages", {"channel": "a", "kind": "private"}),
        ("slack_thread", {"channel": "a", "ts": "1795186800.000100", "kind": "private"}),
    ],
)
async def test_without_its_scopes_a_tool_gets_no_token(
    alice: Person, connect: Connect, upstream: Upstream, tool: str, arguments: dict[str, str]
) -> None:
    """Slack cannot narrow a token: the vault is what keeps private channels and direct messages out."""
    upstream.scope = "channels:history channels:read users:read"
    await connect(alice, "slack")
    chosen = TOOLS[tool]
    with pytest.raises(ToolFailedError) as failed:
        async with open_tool(alice, chosen.asking(chosen.arguments(**arguments)), emitted=[]):
            pass
    assert failed.value.code == "missing_scope"
    assert await list_recorded("vault:exchange:granted") == []


async def test_a_read_keeps_what_was_asked_for_beside_what_the_token_allows(
    alice: Person, connect: Connect, upstream: Upstream
) -> None:
    upstream.scope = "channels:history channels:read groups:history users:read"
    await connect(alice, "slack")
    async with open_tool(alice, TOOLS["slack_mentions"], emitted=[]) as opened:
        await opened.http.post("/auth.test", form={})
    (row,) = await list_recorded("agent:call")
    assert row["scope_asked"] == TOOLS["slack_mentions"].fallback_scope
    assert row["scope_granted"].split() == upstream.scope.split()


async def test_with_less_than_the_least_a_tool_is_refused(alice: Person, connect: Connect, upstream: Upstream) -> None:
    upstream.scope = "users:read"
    await connect(alice, "slack")
    with pytest.raises(ToolFailedError) as failed:
        async with open_tool(alice, TOOLS["slack_mentions"], emitted=[]):
            pass
    assert failed.value.code == "missing_scope"
    assert len(await list_recorded("vault:exchange:denied")) == 2


@pytest.mark.parametrize("endpoints", [(), (Endpoint("slack", "POST", "/auth.test"),)])
async def test_a_tool_that_declares_nothing_of_its_provider_gets_no_token(
    alice: Person, connect: Connect, upstream: Upstream, endpoints: tuple[Endpoint, ...]
) -> None:
    await connect(alice)
    tool = replace(TOOLS["github_activity"], endpoints=endpoints)
    emitted: list[LoopEvent] = []
    with pytest.raises(ToolFailedError) as failed:
        async with open_tool(alice, tool, emitted=emitted):
            pass
    assert failed.value.code == "undeclared_request"
    assert emitted == []
    assert await list_recorded("permission:check") == await list_recorded("vault:exchange") == []
    (row,) = await list_recorded("agent:")
    assert (row["event"], row["outcome"], row["reason"]) == ("agent:tool:refused", "denied", "undeclared_request")
    assert (row["tool"], row["tool_call"], row["run"]) == ("github_activity", "toolu_1", "run-1")


async def test_a_request_that_the_tool_does_not_declare_is_put_on_record_as_refused(
    alice: Person, connect: Connect, upstream: Upstream
) -> None:
    await connect(alice)
    with pytest.raises(ToolFailedError) as failed:
        async with open_github(alice, emitted=[]) as http:
            await http.get("/user/keys")
    assert failed.value.code == "undeclared_request"
    (row,) = await list_recorded("agent:")
    assert (row["event"], row["reason"], row["status"]) == ("agent:tool:refused", "undeclared_request", None)
    assert (row["method"], row["path"].rpartition("/user")[2]) == ("GET", "/keys")


async def test_a_refusal_that_cannot_be_put_on_record_is_a_refusal_all_the_same(
    alice: Person, connect: Connect, upstream: Upstream
) -> None:
    await connect(alice)
    tool = replace(TOOLS["github_activity"], endpoints=())
    async with table_away_async("audit", table="audit_event"):
        with pytest.raises(ToolFailedError) as failed:
            async with open_tool(alice, tool, emitted=[]):
                pass
    assert failed.value.code == "vault_unavailable"


async def test_a_permit_brings_its_exclusions_and_a_place_that_is_left_out_gets_no_token(
    alice: Person, connect: Connect, upstream: Upstream
) -> None:
    await connect(alice)
    exclusions = {ExclusionKind.REPOSITORY: ("acme/payroll",)}
    await sync_to_async(store.set_exclusions)(alice.user, exclusions=exclusions)
    emitted: list[LoopEvent] = []
    async with open_tool(alice, TOOLS["github_commits"], emitted=emitted, places=("acme/web",)) as opened:
        assert opened.exclusions.refuses("acme/payroll")
    before = len(await list_recorded("vault:exchange"))
    with pytest.raises(ToolFailedError) as failed:
        async with open_tool(alice, TOOLS["github_commits"], emitted=emitted, places=("Acme/Payroll",)):
            pass
    assert (failed.value.code, "left this part of GitHub out" in failed.value.message) == ("policy_denied", True)
    assert emitted[-1] == StepPermission(id="toolu_1", state="policy_denied")
    assert len(await list_recorded("vault:exchange")) == before


async def test_a_blocked_tool_is_told_as_blocked_and_gets_no_token(
    alice: Person, connect: Connect, upstream: Upstream
) -> None:
    await connect(alice)
    await sync_to_async(store.set_modes)(alice.user, provider="github", modes={"github_commits": Mode.BLOCK})
    with pytest.raises(ToolFailedError) as failed:
        async with open_tool(alice, TOOLS["github_commits"], emitted=[]):
            pass
    assert failed.value.message == "You do not let the AI read this of GitHub. Allow it in Settings to include it."
    assert await list_recorded("vault:exchange") == []


@pytest.mark.parametrize(
    ("name", "arguments", "places"),
    [
        ("github_pull_requests", {"repo": "acme/web"}, ("acme/web",)),
        ("github_pull_requests", {}, ()),
        ("github_commits", {"repo": "acme/web"}, ("acme/web",)),
        ("github_failing_checks", {"repo": "acme/web"}, ("acme/web",)),
        ("github_pull_request", {"owner": "acme", "repo": "web", "number": 4}, ("acme/web",)),
        ("slack_channel_messages", {"channel": "#hr"}, ("#hr",)),
        ("slack_thread", {"channel": "hr", "ts": "1700000000.000100"}, ("hr",)),
    ],
)
def test_a_call_that_names_a_place_says_so(name: str, arguments: dict[str, Any], places: tuple[str, ...]) -> None:
    assert TOOLS[name].arguments.model_validate(arguments).places() == places


def test_every_tool_that_takes_a_place_names_it() -> None:
    """A new argument of these names must not pass by the exclusions."""
    takes = {name for name, tool in TOOLS.items() if {"repo", "channel"} & set(tool.arguments.model_fields)}
    names = {name for name, tool in TOOLS.items() if tool.arguments.places is not Arguments.places}
    assert takes == names
