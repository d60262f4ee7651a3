"""The gate: one answer, one audit event, and no permit when anything is missing."""

from collections.abc import Awaitable, Callable

import pytest

from audit.errors import AuditUnavailableError
from permissions import connections, gate, switch
from permissions.errors import NotPermittedError
from permissions.types import Permit
from tests.permissions.conftest import DATABASES, AuditTableMissing, Connect, Person, SignIn, list_recorded
from vault.client import connections as vault
from vault.client import sessions

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

CALL = {"tool": "github_activity", "run": "run-1", "tool_call": "toolu_1"}


async def ask(person: Person, *, provider: str = "github") -> Permit:
    """Ask the gate for `person`."""
    return await gate.require(**person.asker, provider=provider, **CALL)


async def refused(person: Person, *, provider: str = "github") -> str:
    """Return the cause for which the gate refuses."""
    with pytest.raises(NotPermittedError) as caught:
        await ask(person, provider=provider)
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
    async with AuditTableMissing():
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
