"""The user's switch: off never waits for the audit, on never happens without it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.utils import timezone

from audit.models import AuditEvent
from tests.vault.conftest import ALICE, BOB, account_of, audit_down, change, events, request, subject
from tests.vault.upstream import Upstream
from vault import access, models
from vault.client.base import VaultClient
from vault.errors import AccessRevokedError, NotConnectedError, VaultUnavailableError

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])

Connect = Callable[..., Any]


async def switch(vault: VaultClient, *, is_allowed: bool, user: str = ALICE) -> None:
    await vault.set_access(subject_token=subject(user), connection="github", is_allowed=is_allowed)


async def test_the_event_names_the_connection(vault: VaultClient, connect_user: Connect) -> None:
    connected = await connect_user()
    await switch(vault, is_allowed=False)
    event = await AuditEvent.objects.using("audit").aget(event="permission:access:revoked")
    account = await account_of(event)
    assert (event.user, event.provider, event.connection, account) == (ALICE, "github", connected.id, "alice-gh")


async def test_a_revoke_does_not_wait_for_the_audit_and_is_told_as_soon_as_it_answers(
    vault: VaultClient, connect_user: Connect
) -> None:
    await connect_user()
    await connect_user(BOB)
    async with audit_down():
        await switch(vault, is_allowed=False)
        assert await models.OutboxEvent.objects.using("vault").acount() == 1
    await vault.exchange(request(BOB))
    assert await events(kind="permission:access") == [("permission:access:revoked", ALICE, "allowed → revoked")]
    assert await models.OutboxEvent.objects.using("vault").acount() == 0


async def test_an_operator_closes_every_connection_and_does_not_wait_for_the_audit(
    vault: VaultClient, connect_user: Connect
) -> None:
    for user in (ALICE, BOB):
        await connect_user(user)
    await connect_user(BOB, provider="slack")
    await switch(vault, is_allowed=False)
    async with audit_down():
        assert await sync_to_async(access.withdraw_all)() == 2
    for user, audience in ((ALICE, "github"), (BOB, "github"), (BOB, "slack")):
        with pytest.raises(AccessRevokedError):
            await vault.exchange(request(user, audience=audience))
    assert await sync_to_async(access.withdraw_all)() == 0
    assert (
        await events(kind="permission:access:withdrawn")
        == [("permission:access:withdrawn", BOB, "allowed → revoked")] * 2
    )


async def test_a_restore_needs_its_event_first(vault: VaultClient, connect_user: Connect) -> None:
    await connect_user()
    await switch(vault, is_allowed=False)
    async with audit_down():
        with pytest.raises(VaultUnavailableError):
            await switch(vault, is_allowed=True)
    with pytest.raises(AccessRevokedError):
        await vault.exchange(request())


async def test_a_revoke_while_the_token_is_refreshed_wins(
    vault: VaultClient, connect_user: Connect, upstream: Upstream
) -> None:
    """The decision is made again after the refresh, under the lock."""
    await connect_user()
    await change(access_expires_at=timezone.now())
    upstream.delay_seconds = 0.3
    caller = asyncio.create_task(vault.exchange(request()))
    await asyncio.to_thread(upstream.was_asked_to_refresh.wait)
    await switch(vault, is_allowed=False)
    with pytest.raises(AccessRevokedError):
        await caller


async def test_a_pending_connection_has_no_switch(vault: VaultClient, upstream: Upstream) -> None:
    await vault.start_connect(subject_token=subject(), provider="github")
    with pytest.raises(NotConnectedError):
        await switch(vault, is_allowed=False)
