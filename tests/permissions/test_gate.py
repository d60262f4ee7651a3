"""The gate: one answer, one audit event, and no permit when anything is missing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from audit.errors import AuditUnavailableError
from permissions import connections, gate, grants, store, switch
from permissions.errors import NotPermittedError
from permissions.exclusions import ExclusionKind, Exclusions
from permissions.policy import Mode
from permissions.types import Permit
from tests.broken import table_away_async
from tests.permissions.conftest import DATABASES, Connect, Person, SignIn, grant_to, list_recorded
from vault.client import connections as vault
from vault.client import sessions

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

CALL = {"tool": "github_activity", "run": "run-1", "tool_call": "toolu_1"}


async def ask(person: Person, *, provider: str = "github", places: tuple[str, ...] = ()) -> Permit:
    """Ask the gate for `person`."""
    return await gate.require(**person.asker, provider=provider, **CALL, places=places)


async def refused(person: Person, *, provider: str = "github", places: tuple[str, ...] = ()) -> str:
    """Return the cause for which the gate refuses."""
    with pytest.raises(NotPermittedError) as caught:
        await ask(person, provider=provider, places=places)
    assert caught.value.provider == provider
    return caught.value.cause


async def answers() -> list[tuple[str, str]]:
    """Return (event, reason) of every answer of the gate."""
    return [(row["event"], row["reason"]) for row in await list_recorded("permission:check")]


async def test_a_connected_service_is_permitted_and_recorded_once(alice: Person, connect: Connect) -> None:
    await connect(alice)
    assert await ask(alice) == Permit(user=alice.user, provider="github", tool="github_activity")
    (row,) = await list_recorded("permission:check")
    recorded = {name: row[name] for name in ("event", "outcome", "user", "provider", "tool", "run", "tool_call")}
    assert recorded == {
        "event": "permission:check:allowed",
        "outcome": "granted",
        "user": alice.user,
        "provider": "github",
        **CALL,
    }


async def test_a_service_that_is_not_connected_is_refused(alice: Person) -> None:
    assert await refused(alice) == "not_connected"
    assert await answers() == [("permission:check:denied", "not_connected")]


async def test_a_revoked_service_is_refused_at_once(alice: Person, connect: Connect) -> None:
    await connect(alice)
    await ask(alice)
    await switch.revoke(**alice.asker, provider="github")
    assert await refused(alice) == "revoked"
    assert await answers() == [("permission:check:allowed", ""), ("permission:check:denied", "revoked")]


async def test_a_paused_service_is_refused_as_paused_until_its_pause_ends(alice: Person, connect: Connect) -> None:
    await connect(alice)
    await switch.pause(**alice.asker, provider="github", until=timezone.now() + timedelta(hours=1))
    assert await refused(alice) == "access_paused"
    # Another process revokes it as well: that has no end, and is what counts.
    await vault.set_access(**alice.asker, connection="github", is_allowed=False)
    connections.forget(user=alice.user)
    assert await refused(alice) == "revoked"
    assert await answers() == [
        ("permission:check:denied", "access_paused"),
        ("permission:check:denied", "revoked"),
    ]
    rows = await list_recorded("permission:check")
    assert all(row["connection"] for row in rows), "what switched it off is found by the account"


async def test_a_restore_made_elsewhere_counts_at_once(alice: Person, connect: Connect) -> None:
    await connect(alice)
    await switch.revoke(**alice.asker, provider="github")
    assert await refused(alice) == "revoked"
    # Another process restores: the cache of this one still says revoked.
    await vault.set_access(**alice.asker, connection="github", is_allowed=True)
    assert (await ask(alice)).provider == "github"


async def test_one_service_says_nothing_of_another(alice: Person, connect: Connect) -> None:
    await connect(alice)
    assert await refused(alice, provider="slack") == "not_connected"
    assert await ask(alice)


async def test_another_users_connection_permits_nothing(alice: Person, sign_in: SignIn, connect: Connect) -> None:
    await connect(alice)
    await ask(alice)
    assert await refused(await sign_in("mallory")) == "not_connected"


@pytest.mark.parametrize("provider", ["myspace", "", "GitHub", "github ", "../github"])
async def test_an_unknown_provider_is_refused_by_policy(provider: str, alice: Person, connect: Connect) -> None:
    await connect(alice)
    assert await refused(alice, provider=provider) == "policy_denied"
    assert await answers() == [("permission:check:denied", "policy_denied")]


async def test_a_vault_that_does_not_answer_refuses(
    alice: Person, connect: Connect, stop_vault: Callable[[], Awaitable[None]]
) -> None:
    await connect(alice)
    await stop_vault()
    assert await refused(alice) == "vault_unavailable"
    (row,) = await list_recorded("permission:check")
    assert (row["event"], row["outcome"], row["reason"]) == (
        "permission:check:failed",
        "failed",
        "vault_unavailable",
    )


async def test_an_ended_session_is_refused_by_its_own_name(alice: Person, connect: Connect) -> None:
    await connect(alice)
    await sessions.end_session(**alice.asker)
    assert await refused(alice) == "session_ended"
    assert await answers() == [("permission:check:denied", "session_ended")]


async def test_a_cached_no_is_not_repeated_when_the_vault_is_gone(
    alice: Person, stop_vault: Callable[[], Awaitable[None]]
) -> None:
    assert await refused(alice) == "not_connected"
    await stop_vault()
    assert await refused(alice) == "vault_unavailable"


@pytest.mark.parametrize("is_connected", [True, False])
async def test_an_answer_that_cannot_be_recorded_is_no_answer(
    *, is_connected: bool, alice: Person, connect: Connect
) -> None:
    """No audit row, no action: neither a permit nor a refusal leaves."""
    if is_connected:
        await connect(alice)
    async with table_away_async("audit", table="audit_event"):
        with pytest.raises(AuditUnavailableError):
            await ask(alice)
    assert await answers() == []


async def test_parallel_calls_are_each_recorded(alice: Person, connect: Connect) -> None:
    await connect(alice)
    await connections.list_statuses(**alice.asker)
    for number in range(3):
        await gate.require(**alice.asker, provider="github", **{**CALL, "tool_call": f"toolu_{number}"})
    rows = await list_recorded("permission:check")
    assert [row["tool_call"] for row in rows] == ["toolu_0", "toolu_1", "toolu_2"]


async def set_mode(person: Person, mode: Mode, *, tool: str = "github_activity") -> None:
    """Let somebody's tool do what `mode` says."""
    await sync_to_async(store.set_modes)(person.user, provider="github", modes={tool: mode})


@pytest.mark.parametrize(("mode", "cause"), [(Mode.BLOCK, "tool_blocked"), (Mode.ASK, "nobody_to_ask")])
async def test_a_tool_that_the_user_does_not_let_read_is_refused_until_they_do(
    mode: Mode, cause: str, alice: Person, connect: Connect
) -> None:
    await connect(alice)
    await set_mode(alice, mode)
    assert await refused(alice) == cause
    await set_mode(alice, Mode.ALLOW)
    assert await ask(alice)
    assert await answers() == [("permission:check:denied", cause), ("permission:check:allowed", "")]


async def test_a_block_is_of_one_tool_and_one_user(alice: Person, sign_in: SignIn, connect: Connect) -> None:
    bob = await sign_in("bob")
    await connect(alice)
    await set_mode(alice, Mode.BLOCK, tool="github_commits")
    await set_mode(bob, Mode.BLOCK)
    assert await ask(alice)


async def test_a_permit_carries_the_exclusions_of_its_service_and_a_named_place_is_refused(
    alice: Person, connect: Connect
) -> None:
    await connect(alice)
    exclusions = {ExclusionKind.REPOSITORY: ("Acme/Payroll",), ExclusionKind.CHANNEL: ("#hr",)}
    await sync_to_async(store.set_exclusions)(alice.user, exclusions=exclusions)
    assert (await ask(alice, places=("acme/web",))).exclusions == Exclusions(repositories=frozenset({"acme/payroll"}))
    assert await refused(alice, places=("ACME/payroll",)) == "excluded"


@pytest.mark.parametrize("narrower", [{"providers": ["slack"]}, {"tools": ["github_commits"]}])
async def test_a_grant_is_read_by_only_for_what_it_holds_now(
    narrower: dict[str, list[str]], alice: Person, connect: Connect
) -> None:
    await connect(alice)
    await vault.set_away(**alice.asker, connection="github", is_allowed=True)
    tools = ["github_activity", "github_commits"]
    grant = await grant_to(alice, providers=["github", "slack"], tools=tools)
    away = replace(alice, sid=grant.sid)
    assert await ask(away)
    content = {"providers": ["github", "slack"], "tools": tools, "expires_at": grant.expires_at, **narrower}
    await grants.change(**alice.asker, grant=grant.id, **content)
    assert await refused(away) == "not_granted"
    assert await answers() == [("permission:check:allowed", ""), ("permission:check:denied", "not_granted")]


async def test_a_grant_that_is_over_permits_nothing_and_is_told_by_its_own_name(
    alice: Person, connect: Connect
) -> None:
    await connect(alice)
    await vault.set_away(**alice.asker, connection="github", is_allowed=True)
    grant = await grant_to(alice)
    away = replace(alice, sid=grant.sid)
    assert await ask(away)
    await grants.end(**alice.asker, grant=grant.id)
    assert await refused(away) == "grant_ended"


async def test_a_service_revoked_a_moment_ago_is_not_read_by_a_grant(alice: Person, connect: Connect) -> None:
    await connect(alice)
    await vault.set_away(**alice.asker, connection="github", is_allowed=True)
    away = replace(alice, sid=(await grant_to(alice)).sid)
    assert await ask(away)
    await switch.revoke(**alice.asker, provider="github")
    assert await refused(away) == "revoked"


async def test_an_absent_user_is_read_for_only_where_they_allowed_that(alice: Person, connect: Connect) -> None:
    await connect(alice)
    away = replace(alice, sid=(await grant_to(alice)).sid)
    assert await refused(away) == "away"
    await vault.set_away(**alice.asker, connection="github", is_allowed=True)
    assert await ask(away)
    await vault.set_away(**alice.asker, connection="github", is_allowed=False)
    connections.forget(user=alice.user)
    assert await refused(away) == "away"


async def test_a_policy_that_cannot_be_read_permits_nothing(alice: Person, connect: Connect) -> None:
    await connect(alice)
    async with table_away_async("default", table="permissions_toolmode"):
        assert await refused(alice) == "policy_unavailable"
    assert await answers() == [("permission:check:failed", "policy_unavailable")]


@pytest.mark.parametrize("subject", ["", "user:", "user:x", "client:1"])
async def test_a_subject_that_names_no_user_is_permitted_nothing(subject: str, alice: Person) -> None:
    assert await refused(replace(alice, user=subject)) == "policy_unavailable"
