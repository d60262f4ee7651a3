"""One refresh per generation, whoever asks, however many, and whatever dies on the way."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from tests.vault.conftest import ALICE, audit_down, change, disk_full, events, request, subject
from tests.vault.upstream import Upstream
from vault import background, drainer, models
from vault.client.base import VaultClient
from vault.errors import NotConnectedError, ProviderDownError, ReconnectRequiredError, VaultUnavailableError

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
ROOT = Path(__file__).resolve().parents[2]


async def expire(user: str = ALICE, *, left_seconds: float = 0) -> None:
    await change(user, access_expires_at=timezone.now() + timedelta(seconds=left_seconds))


@pytest.mark.parametrize("provider", ["github", "google-calendar", "slack"])
async def test_an_expired_token_is_refreshed_and_the_new_one_given(
    client: VaultClient, connect_user: Connect, upstream: Upstream, provider: str
) -> None:
    await connect_user(provider=provider)
    before = await client.exchange(request(audience=provider))
    await expire()
    after = await client.exchange(request(audience=provider))
    assert after.access_token != before.access_token
    assert after.access_token in upstream.grants[0].access
    assert after.scope == before.scope
    await expire()
    again = await client.exchange(request(audience=provider))
    assert again.access_token not in (before.access_token, after.access_token)
    assert await events(kind="vault:refresh") == [("vault:refresh:succeeded", ALICE, "")] * 2


async def test_many_callers_make_one_refresh(vault: VaultClient, connect_user: Connect, upstream: Upstream) -> None:
    """The provider kills the grant at the second use of a refresh token."""
    await connect_user()
    await expire()
    upstream.delay_seconds = 0.1
    found = await asyncio.gather(*(vault.exchange(request()) for _ in range(50)))
    assert len({token.access_token for token in found}) == 1
    assert upstream.calls["github refresh_token"] == 1
    assert upstream.grants[0].is_alive


async def test_a_caller_that_hangs_up_does_not_end_the_refresh(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    await expire()
    upstream.delay_seconds = 0.3
    caller = asyncio.create_task(vault.exchange(request()))
    await asyncio.to_thread(upstream.was_asked_to_refresh.wait)
    caller.cancel()
    await background.settle()
    assert (await vault.exchange(request())).access_token in upstream.grants[0].access
    assert upstream.calls["github refresh_token"] == 1


@pytest.mark.parametrize(("provider", "left_seconds"), [("google-calendar", 200), ("slack", 6000)])
async def test_a_token_that_survives_is_given_while_it_is_refreshed(
    vault: VaultClient, connect_user: Connect, upstream: Upstream, provider: str, left_seconds: int
) -> None:
    await connect_user(provider=provider)
    before = await vault.exchange(request(audience=provider))
    await expire(left_seconds=left_seconds)
    upstream.may_refresh.clear()
    assert (await vault.exchange(request(audience=provider))).access_token == before.access_token
    upstream.may_refresh.set()
    await background.settle()
    assert (await vault.exchange(request(audience=provider))).access_token != before.access_token


async def test_a_github_token_that_would_die_is_not_given_while_it_is_refreshed(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    before = await vault.exchange(request())
    await expire(left_seconds=300)
    after = await vault.exchange(request())
    assert after.access_token != before.access_token
    assert after.access_token in upstream.grants[0].access


async def test_googles_refresh_token_is_kept_when_none_comes_back(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user(provider="google-calendar")
    for _ in range(3):
        await expire()
        await vault.exchange(request(audience="google-calendar"))
    assert upstream.calls["google refresh_token"] == 3


DEAD = {
    "github": (200, {"error": "bad_refresh_token"}),
    "google-calendar": (400, {"error": "invalid_grant"}),
    "slack": (200, {"ok": False, "error": "invalid_refresh_token"}),
}


@pytest.mark.parametrize("provider", DEAD)
async def test_a_dead_grant_needs_a_new_connection(
    vault: VaultClient, connect_user: Connect, upstream: Upstream, provider: str
) -> None:
    await connect_user(provider=provider)
    await expire()
    upstream.answer = DEAD[provider]
    with pytest.raises(ReconnectRequiredError):
        await vault.exchange(request(audience=provider))
    (listed,) = await vault.list_connections(subject_token=subject())
    assert listed.reconnect_reason == DEAD[provider][1]["error"]
    assert ("vault:refresh:failed", ALICE, listed.reconnect_reason) in await events()
    assert await models.SealedToken.objects.using("vault").acount() == 2, "nothing is deleted on a provider's word"


PASSING: list[tuple[int, Any]] = [
    (500, {}),
    (503, {"error": "invalid_grant"}),
    (429, {}),
    (200, {"error": "temporarily_unavailable"}),
    (200, {"access_token": "", "token_type": "bearer"}),
    (200, ["no object"]),
    (200, {"access_token": "t", "expires_in": "soon"}),
    (200, {"access_token": "t", "expires_in": 10**12}),
    (200, {"access_token": "tök", "token_type": "bearer"}),
    (302, {}),
]


@pytest.mark.parametrize("answer", PASSING)
async def test_a_passing_failure_deletes_nothing_and_is_not_hammered(
    vault: VaultClient, connect_user: Connect, upstream: Upstream, answer: tuple[int, Any]
) -> None:
    await connect_user()
    await expire()
    upstream.answer = answer
    for _ in range(3):
        with pytest.raises(ProviderDownError):
            await vault.exchange(request())
    assert upstream.calls["github refresh_token"] == 1
    (listed,) = await vault.list_connections(subject_token=subject())
    assert listed.reconnect_reason == ""
    upstream.answer = None
    await change(retry_at=timezone.now())
    assert (await vault.exchange(request())).access_token in upstream.grants[0].access


async def test_a_living_token_is_given_while_the_provider_is_down(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    await expire(left_seconds=300)
    upstream.answer = (429, {})
    assert (await vault.exchange(request())).access_token in upstream.grants[0].access


async def test_a_github_grant_whose_answer_was_lost_is_in_doubt_and_then_dead(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """The refresh token was spent by a request nobody heard the answer of; the old token is not given meanwhile."""
    await connect_user()
    await expire(left_seconds=300)
    upstream.drops_answer = True
    with pytest.raises(ProviderDownError):
        await vault.exchange(request())
    upstream.drops_answer = False
    await change(retry_at=timezone.now())
    with pytest.raises(ReconnectRequiredError):
        await vault.exchange(request())
    (listed,) = await vault.list_connections(subject_token=subject())
    assert listed.reconnect_reason == "refresh_in_doubt"


async def test_a_slack_token_is_given_to_its_end_when_the_refresh_is_in_doubt(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user(provider="slack")
    await expire(left_seconds=3000)
    upstream.drops_answer = True
    before = await vault.exchange(request(audience="slack"))
    await background.settle()
    upstream.drops_answer = False
    await change(retry_at=timezone.now())
    await vault.exchange(request(audience="slack"))
    await background.settle()
    (listed,) = await vault.list_connections(subject_token=subject())
    assert listed.reconnect_reason == "refresh_in_doubt"
    assert (await vault.exchange(request(audience="slack"))).access_token == before.access_token
    await expire()
    with pytest.raises(ReconnectRequiredError):
        await vault.exchange(request(audience="slack"))


async def test_tokens_that_arrive_after_a_disconnect_are_revoked(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user()
    await expire()
    upstream.delay_seconds = 0.5
    caller = asyncio.create_task(vault.exchange(request()))
    await asyncio.to_thread(upstream.was_asked_to_refresh.wait)
    await models.Connection.objects.using("vault").all().adelete()
    with pytest.raises(NotConnectedError):
        await caller
    upstream.delay_seconds = 0
    await drainer.drain()
    assert not upstream.grants[0].is_alive
    assert await models.Revocation.objects.using("vault").acount() == 0


async def test_a_refresh_is_kept_and_told_later_when_the_audit_is_down(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """A refresh token that was spent is gone; losing its successor would lose the user's connection."""
    await connect_user()
    await expire()
    async with audit_down():
        with pytest.raises(VaultUnavailableError):
            await vault.exchange(request())
    assert (await vault.exchange(request())).access_token in upstream.grants[0].access
    assert await events(kind="vault:refresh") == [("vault:refresh:succeeded", ALICE, "")]


async def test_who_waited_for_a_refresh_that_failed_does_not_ask_again_at_once(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """Otherwise every process that waited would ask a provider that just said it is overloaded."""
    await connect_user()
    await expire()
    now = timezone.now()
    await change(lease_owner="elsewhere", lease_until=now + timedelta(seconds=30), fence=1)
    caller = asyncio.create_task(vault.exchange(request()))
    await asyncio.sleep(0.2)
    await change(lease_owner="", lease_until=None, failures=1, retry_at=now + timedelta(minutes=1))
    with pytest.raises(ProviderDownError):
        await caller
    assert upstream.calls["github refresh_token"] == 0


async def test_a_database_that_is_away_for_a_moment_does_not_cost_the_grant(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """The provider has taken the old tokens back; the new ones exist in this process alone."""
    await connect_user()
    await expire()
    full = disk_full("vault", table="vault_connection", event="UPDATE", when="NEW.generation > OLD.generation")
    await sync_to_async(full.__enter__)()
    caller = asyncio.create_task(vault.exchange(request()))
    await asyncio.to_thread(upstream.was_asked_to_refresh.wait)
    await asyncio.sleep(0.3)
    await sync_to_async(full.__exit__)(None, None, None)
    assert (await caller).access_token in upstream.grants[0].access
    assert upstream.calls["github refresh_token"] == 1
