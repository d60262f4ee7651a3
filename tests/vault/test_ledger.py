"""Events that wait in the outbox: what happens to them when the vault's own database fails meanwhile."""

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.vault.conftest import ALICE, audit_down, disk_full, events, subject
from vault import models
from vault.client.base import VaultClient

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])


async def test_events_that_could_not_be_taken_out_are_taken_out_later(
    vault: VaultClient, connect_user: Callable[..., Any]
) -> None:
    """A revoke that is committed is answered as one, and no event waits until the process starts again."""
    await connect_user()
    async with audit_down():
        await vault.set_access(subject_token=subject(), connection="github", is_allowed=False)
    outbox = models.OutboxEvent.objects.using("vault")
    stuck = disk_full("vault", table="vault_outboxevent", event="DELETE")
    await sync_to_async(stuck.__enter__)()
    try:
        revoked = await vault.set_access(subject_token=subject(), connection="github", is_allowed=False)
    finally:
        await sync_to_async(stuck.__exit__)(None, None, None)
    assert not revoked.is_access_allowed
    assert await outbox.acount() == 1
    await vault.set_access(subject_token=subject(), connection="github", is_allowed=True)
    assert await outbox.acount() == 0
    assert ("permission:access:revoked", ALICE, "allowed → revoked") in await events()
