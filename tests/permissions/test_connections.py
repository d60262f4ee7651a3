"""Statuses: always three, in a fixed order, cached shortly and forgotten at every change."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from django.core.cache import cache
from django.db import connections as databases

from permissions import connections, switch
from permissions.services import SERVICES
from tests.permissions.conftest import DATABASES, Connect, Person, SignIn
from tests.vault.upstream import Upstream
from vault.client import Asker, VaultError, VaultUnavailableError, sessions
from vault.client import connections as vault
from vault.database import run

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

StopVault = Callable[[], Awaitable[None]]


async def states(person: Person, *, is_fresh: bool = False) -> list[str]:
    """Return the three states in order."""
    return [status.state.value for status in await connections.list_statuses(**person.asker, is_fresh=is_fresh)]


async def test_every_service_has_a_status_in_the_fixed_order(alice: Person, connect: Connect) -> None:
    await connect(alice, "slack")
    statuses = await connections.list_statuses(**alice.asker)
    assert [status.service for status in statuses] == list(SERVICES.values())
    assert [status.state.value for status in statuses] == ["not_connected", "not_connected", "connected"]


async def test_a_status_tells_account_scopes_and_since_when(alice: Person, connect: Connect) -> None:
    await connect(alice, "google-calendar")
    status = await connections.load_status(**alice.asker, provider="google-calendar")
    assert status.account == "alice@example.org"
    assert "calendar.events.owned.readonly" in status.granted_scope
    assert status.connected_at is not None
    assert status.reconnect_reason == ""


async def test_a_second_look_does_not_ask_the_vault(alice: Person, connect: Connect, stop_vault: StopVault) -> None:
    await connect(alice)
    before = await states(alice)
    await stop_vault()
    assert await states(alice) == before


async def test_a_fresh_look_asks_the_vault(alice: Person, connect: Connect, stop_vault: StopVault) -> None:
    await connect(alice)
    await states(alice)
    await vault.set_access(**alice.asker, connection="github", is_allowed=False)
    assert (await states(alice))[0] == "connected"
    assert (await states(alice, is_fresh=True))[0] == "revoked"
    assert (await states(alice))[0] == "revoked"
    await stop_vault()
    with pytest.raises(VaultUnavailableError):
        await states(alice, is_fresh=True)


async def test_what_is_forgotten_is_asked_again(alice: Person, connect: Connect, stop_vault: StopVault) -> None:
    await connect(alice)
    await states(alice)
    connections.forget(user=alice.user)
    await stop_vault()
    with pytest.raises(VaultUnavailableError):
        await states(alice)


async def test_an_answer_is_cached_for_its_user_alone(alice: Person, sign_in: SignIn, connect: Connect) -> None:
    await connect(alice)
    await states(alice)
    mallory = await sign_in("mallory")
    assert await states(mallory) == ["not_connected"] * 3
    assert (await states(alice))[0] == "connected"


@pytest.mark.parametrize(
    ("change", "state"),
    [(switch.revoke, "revoked"), (switch.restore, "connected"), (switch.disconnect, "not_connected")],
)
async def test_a_change_returns_the_new_status_and_forgets_the_old(
    change: Callable[..., Awaitable[connections.ServiceStatus]], state: str, alice: Person, connect: Connect
) -> None:
    await connect(alice)
    await states(alice)
    status = await change(**alice.asker, provider="github")
    assert (status.service.slug, status.state.value) == ("github", state)
    assert (await states(alice))[0] == state


async def test_a_change_that_fails_forgets_too(alice: Person, connect: Connect, stop_vault: StopVault) -> None:
    """Whether an unanswered change happened is not known, so what was known before is not either."""
    await connect(alice)
    await states(alice)
    await stop_vault()
    with pytest.raises(VaultUnavailableError):
        await switch.revoke(**alice.asker, provider="github")
    with pytest.raises(VaultUnavailableError):
        await states(alice)


async def test_the_cache_holds_no_token(alice: Person, connect: Connect, upstream: Upstream) -> None:
    await connect(alice)
    await states(alice)
    cached = repr(await cache.aget(f"permissions.connections.{alice.user}"))
    assert "alice-gh" in cached
    assert upstream.issued
    assert not any(token in cached for token in upstream.issued)


async def count_vault_queries(look: Callable[[], Awaitable[object]]) -> int:
    """Return how many statements the vault's tables got while somebody looked."""

    def begin() -> None:
        databases["vault"].force_debug_cursor = True
        databases["vault"].queries_log.clear()

    def end() -> int:
        databases["vault"].force_debug_cursor = False
        return len(databases["vault"].queries_log)

    # On the vault's own thread, which has connections of its own.
    await run(begin)
    await look()
    return await run(end)


async def count_of_pages(person: Person, *pages: str) -> int:
    """Return how many statements the vault's tables got while somebody opened the pages."""

    async def look() -> None:
        for page in pages:
            assert (await person.browser.get(page)).status_code == 200

    return await count_vault_queries(look)


async def test_pages_that_follow_one_another_ask_the_vault_once(alice: Person, connect: Connect) -> None:
    await connect(alice)
    connections.forget(user=alice.user)
    assert await count_of_pages(alice, "/audit/") > 0
    assert await count_of_pages(alice, "/audit/", "/chats/", "/") == 0


async def test_looks_at_the_same_moment_ask_the_vault_once(alice: Person, connect: Connect) -> None:
    async def look(times: int) -> int:
        connections.forget(user=alice.user)
        return await count_vault_queries(lambda: asyncio.gather(*(states(alice) for _ in range(times))))

    await connect(alice)
    assert await look(9) == await look(1) > 0


async def until_the_vault_is_asked() -> None:
    """Wait for a look that is on its way."""
    while not connections._on_their_way.get(asyncio.get_running_loop()):  # noqa: ASYNC110  (nobody announces it)
        await asyncio.sleep(0)


async def test_a_look_after_a_change_shares_no_answer_that_was_on_its_way(alice: Person, connect: Connect) -> None:
    """The switch is flipped while the vault is being asked."""
    await connect(alice)
    connections.forget(user=alice.user)
    under_way = asyncio.create_task(states(alice))
    await until_the_vault_is_asked()
    connections.forget(user=alice.user)
    await vault.set_access(**alice.asker, connection="github", is_allowed=False)
    assert (await states(alice))[0] == "revoked"
    await under_way
    assert (await states(alice))[0] == "revoked"


async def test_nobody_shares_the_answer_to_another_session(alice: Person, connect: Connect) -> None:
    await connect(alice)
    ended = Asker(user=alice.user, sid="ended", auth_time=alice.asker["auth_time"])
    await sessions.end_session(**ended)
    connections.forget(user=alice.user)
    mine, other = await asyncio.gather(states(alice), connections.list_statuses(**ended), return_exceptions=True)
    assert mine == ["connected", "not_connected", "not_connected"]
    assert isinstance(other, VaultError)


async def test_whoever_goes_takes_the_answer_from_nobody(alice: Person, connect: Connect) -> None:
    await connect(alice)
    connections.forget(user=alice.user)
    first, second = asyncio.create_task(states(alice)), asyncio.create_task(states(alice))
    await until_the_vault_is_asked()
    first.cancel()
    assert (await second)[0] == "connected"
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_all_who_asked_together_hear_that_the_vault_is_away(
    alice: Person, connect: Connect, stop_vault: StopVault
) -> None:
    await connect(alice)
    connections.forget(user=alice.user)
    await stop_vault()
    heard = await asyncio.gather(*(states(alice) for _ in range(3)), return_exceptions=True)
    assert [type(error) for error in heard] == [VaultUnavailableError] * 3


async def test_a_change_of_which_nobody_told_shows_when_the_answer_is_old(
    alice: Person, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process made it, and there is nothing between the two but the vault."""
    assert connections._CACHE_SECONDS <= 5
    monkeypatch.setattr(connections, "_CACHE_SECONDS", 0.5)
    await connect(alice)
    await states(alice)
    await vault.set_access(**alice.asker, connection="github", is_allowed=False)
    async with asyncio.timeout(30):
        while (await states(alice))[0] != "revoked":  # noqa: ASYNC110  (nobody announces that a cache is old)
            await asyncio.sleep(0.05)
