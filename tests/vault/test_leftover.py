"""A flow that fails after its code was redeemed leaves no token alive, and ends no connection that lives."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from audit.models import AuditEvent
from tests.broken import table_away_async
from tests.vault.conftest import ALICE, BOB, account_of, disk_full, events, request, subject
from tests.vault.upstream import Upstream
from vault import background, connect, drainer, leftover, models
from vault.client.base import VaultClient

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


async def begin(vault: VaultClient, upstream: Upstream, *, provider: str = "github") -> dict[str, str]:
    """Say yes at the provider, and return what the browser brings back."""
    return upstream.consent(await vault.start_connect(subject_token=subject(), provider=provider))


async def fail(vault: VaultClient, upstream: Upstream, *, provider: str = "github") -> None:
    """Take alice through a flow whose provider does not say whose the new tokens are."""
    query = await begin(vault, upstream, provider=provider)
    upstream.refuses_accounts = True
    returned = httpx.URL(await connect.finish(provider, query=query))
    upstream.refuses_accounts = False
    assert returned.params["error"] == "provider"
    await background.settle()


def living(upstream: Upstream) -> list[bool]:
    return [grant.is_alive for grant in upstream.grants]


@pytest.mark.parametrize("provider", ["github", "google-calendar", "slack"])
async def test_where_the_provider_does_not_say_whose_they_are_they_are_revoked(
    vault: VaultClient, upstream: Upstream, provider: str
) -> None:
    await fail(vault, upstream, provider=provider)
    assert living(upstream) == [False]
    assert await models.Revocation.objects.using("vault").acount() == 0
    assert (await events())[-2:] == [
        ("vault:connection:failed", ALICE, "provider"),
        ("vault:revocation:succeeded", ALICE, ""),
    ]


@pytest.mark.parametrize("owner", [ALICE, BOB])
async def test_tokens_of_nobody_known_are_left_where_their_end_could_end_a_connection(
    vault: VaultClient, connect_user: Connect, upstream: Upstream, owner: str, caplog: pytest.LogCaptureFixture
) -> None:
    """GitHub and Google end whatever the app has of the account, and it may be the one that is connected."""
    await connect_user(owner)
    await fail(vault, upstream)
    assert living(upstream) == [True, True]
    assert upstream.calls["github revoke"] == 0
    assert "vault.connect.tokens_left" in caplog.messages
    assert (await vault.exchange(request(owner))).access_token


async def test_a_token_that_ends_alone_is_revoked_beside_a_living_connection(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    await connect_user(provider="slack")
    await fail(vault, upstream, provider="slack")
    assert living(upstream) == [True, False]


async def test_slacks_token_without_an_end_may_be_the_living_connections_own(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    upstream.life_seconds = None
    await connect_user(provider="slack")
    await fail(vault, upstream, provider="slack")
    assert living(upstream) == [True, True]


async def test_what_waits_to_be_revoked_does_not_end_what_was_connected_meanwhile(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """The user tries again at once, while the provider does not answer revocations."""
    upstream.revocations_refused = 1
    await fail(vault, upstream)
    assert await models.Revocation.objects.using("vault").acount() == 1
    await connect_user()
    await models.Revocation.objects.using("vault").aupdate(due_at=timezone.now())
    await drainer.drain()
    assert living(upstream) == [True, True]
    assert (await vault.exchange(request())).access_token


async def test_who_waits_for_a_revocation_does_not_learn_whose_account_is_connected(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    upstream.revocations_refused = 1
    await fail(vault, upstream)
    await connect_user(BOB)
    row = await AuditEvent.objects.aget(event="vault:revocation:failed")
    assert (row.user, row.reason, await account_of(row)) == (ALICE, "connected_again", "")


async def test_it_waits_while_somebody_connects(vault: VaultClient, upstream: Upstream) -> None:
    upstream.revocations_refused = 1
    await fail(vault, upstream)
    await connect.finish("github", query=await begin(vault, upstream))
    await models.Revocation.objects.using("vault").aupdate(due_at=timezone.now())
    await drainer.drain()
    assert living(upstream) == [True, True]
    assert await models.Revocation.objects.using("vault").acount() == 1


async def test_where_they_cannot_be_stored_they_are_revoked(vault: VaultClient, upstream: Upstream) -> None:
    query = await begin(vault, upstream)
    full = disk_full("vault", table=models.Connection._meta.db_table)
    await sync_to_async(full.__enter__)()
    try:
        returned = httpx.URL(await connect.finish("github", query=query))
    finally:
        await sync_to_async(full.__exit__)(None, None, None)
    await background.settle()
    assert returned.params["error"] == "unavailable"
    assert living(upstream) == [False]


async def test_a_database_that_is_back_in_time_still_has_them_revoked(
    vault: VaultClient, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    query = await begin(vault, upstream)
    failed = asyncio.Event()
    pause = asyncio.sleep

    async def sleep(seconds: float) -> None:
        failed.set()
        await pause(seconds)

    # What lets them go pauses after a try that failed, and only then.
    monkeypatch.setattr(leftover, "asyncio", SimpleNamespace(sleep=sleep))
    async with AsyncExitStack() as away:
        for model in (models.Connection, models.Revocation):
            await away.enter_async_context(table_away_async("vault", table=model._meta.db_table))
        await connect.finish("github", query=query)
        await failed.wait()
    await background.settle()
    assert living(upstream) == [False]


async def test_a_browser_that_hangs_up_leaves_no_token_alive(vault: VaultClient, upstream: Upstream) -> None:
    query = await begin(vault, upstream)
    upstream.may_tell_account.clear()
    callback = asyncio.create_task(connect.finish("github", query=query))
    await asyncio.to_thread(upstream.was_asked_for_account.wait)
    callback.cancel()
    await asyncio.wait({callback})
    upstream.may_tell_account.set()
    await background.settle()
    assert callback.cancelled()
    assert living(upstream) == [False]
