"""The lease belongs to a holder that lives; what a holder brings that lost it is judged by what happened meanwhile."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from tests.vault.conftest import ALICE, change, events, request
from tests.vault.upstream import Upstream
from vault import background, models
from vault.client.base import VaultClient
from vault.errors import ProviderDownError
from vault.store import leases
from vault.store.leases import Lease

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]
TTL = timedelta(seconds=10)


async def load() -> models.Connection:
    return await models.Connection.objects.using("vault").aget(subject=ALICE)


async def take(connection: str, *, owner: str = "here", ttl: timedelta = TTL) -> Any:
    return await sync_to_async(leases.take)(connection=connection, generation=1, owner=owner, ttl=ttl)


async def be_overtaken(vault: VaultClient, connect_user: Connect, upstream: Upstream) -> asyncio.Task[Any]:
    """Begin an exchange whose refresh is under way when somebody else takes the lease over, who never answers."""
    await connect_user()
    await change(access_expires_at=timezone.now())
    upstream.delay_seconds = 0.5
    caller = asyncio.create_task(vault.exchange(request()))
    await asyncio.to_thread(upstream.was_asked_to_refresh.wait)
    await change(fence=99, lease_owner="elsewhere", lease_until=timezone.now() + timedelta(minutes=1))
    return caller


async def test_a_holder_that_lives_puts_the_end_of_its_lease_off(connect_user: Connect) -> None:
    connected = await connect_user()
    lease = await take(connected.id, ttl=timedelta(0))
    assert isinstance(lease, Lease)
    assert await sync_to_async(leases.extend)(lease, ttl=TTL)
    assert await take(connected.id) == "held"
    assert (await load()).lease_until > timezone.now() + TTL / 2


async def test_a_lease_that_was_not_kept_is_taken_over_in_doubt(connect_user: Connect) -> None:
    connected = await connect_user()
    lost = await take(connected.id, ttl=timedelta(0))
    lease = await take(connected.id, owner="elsewhere")
    assert lease.is_in_doubt
    assert lease.fence > lost.fence
    assert not await sync_to_async(leases.extend)(lost, ttl=TTL)


async def test_a_beat_that_comes_late_does_not_wake_a_lease_that_has_ended(connect_user: Connect) -> None:
    connected = await connect_user()
    lease = await take(connected.id)
    await sync_to_async(leases.postpone)(lease, delay=timedelta(0), is_in_doubt=False)
    assert not await sync_to_async(leases.extend)(lease, ttl=TTL)
    assert isinstance(await take(connected.id), Lease)


async def test_tokens_of_a_holder_that_was_overtaken_are_kept_and_proven_before_one_is_given(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """Its process slept through the lease. The old refresh token is spent: nobody else can bring living tokens."""
    caller = await be_overtaken(vault, connect_user, upstream)
    async with asyncio.timeout(10):
        while (kept := await load()).generation == 1:  # noqa: ASYNC110  (the event is a row of the database)
            await asyncio.sleep(0.05)
    assert (kept.generation, kept.lease_owner) == (2, "elsewhere")
    assert kept.access_expires_at <= timezone.now()
    await change(lease_owner="", lease_until=None)
    assert {(await caller).access_token} == upstream.grants[0].access
    assert (await load()).generation == 3
    assert await events(kind="vault:refresh") == [
        ("vault:refresh:succeeded", ALICE, "overtaken"),
        ("vault:refresh:succeeded", ALICE, ""),
    ]


async def test_tokens_that_come_late_make_a_connection_whole_that_was_given_up(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """Who took over was told that the refresh token is dead: of course, it was spent on these very tokens."""
    caller = await be_overtaken(vault, connect_user, upstream)
    await change(lease_owner="", lease_until=None, reconnect_reason="refresh_in_doubt")
    assert {(await caller).access_token} == upstream.grants[0].access
    assert (await load()).reconnect_reason == ""


async def test_who_took_over_ends_the_lease_and_says_nothing_of_tokens_that_came_meanwhile(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    connected = await connect_user()
    lost = await take(connected.id, ttl=timedelta(0))
    lease = await take(connected.id, owner="elsewhere")
    tokens = leases.NewTokens(
        access_token="late", refresh_token="late", granted_scope="", life_seconds=3600, expires_at=timezone.now() + TTL
    )
    assert await sync_to_async(leases.save)(lost, tokens) == "saved late"
    assert not await sync_to_async(leases.give_up)(lease, reason="refresh_in_doubt")
    row = await load()
    assert (row.generation, row.reconnect_reason, row.lease_until) == (2, "", None)


async def test_tokens_of_an_earlier_generation_are_dropped(connect_user: Connect) -> None:
    connected = await connect_user()
    lost = await take(connected.id, ttl=timedelta(0))
    lease = await take(connected.id, owner="elsewhere")
    tokens = leases.NewTokens(
        access_token="new", refresh_token="new", granted_scope="", life_seconds=3600, expires_at=timezone.now() + TTL
    )
    assert await sync_to_async(leases.save)(lease, tokens) == "saved"
    assert await sync_to_async(leases.save)(lost, tokens) == "lost"
    assert (await load()).generation == 2


@pytest.mark.parametrize("meanwhile", [{"fence": 99}, {"generation": 2}], ids=["lost lease", "earlier tokens"])
async def test_a_dead_answer_to_a_lost_lease_or_about_earlier_tokens_proves_nothing(
    vault: VaultClient, connect_user: Connect, upstream: Upstream, meanwhile: dict[str, int]
) -> None:
    await connect_user()
    await change(access_expires_at=timezone.now())
    upstream.delay_seconds = 0.5
    upstream.answer = (200, {"error": "bad_refresh_token"})
    caller = asyncio.create_task(vault.exchange(request()))
    await asyncio.to_thread(upstream.was_asked_to_refresh.wait)
    await change(**meanwhile, retry_at=timezone.now() + timedelta(minutes=1))
    with pytest.raises(ProviderDownError):
        await caller
    await background.settle()
    assert (await load()).reconnect_reason == ""
