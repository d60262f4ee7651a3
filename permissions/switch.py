"""The user's own changes to a service: revoke and restore the agent's access, choose the account, disconnect.

What narrows a service also ends what was allowed of it for single chats, and what is still asked about it.

`connection` is the id of one of the user's accounts there; without one, the default account is meant.

The vault makes and audits them. After each, confirmed or not, the cached statuses are forgotten and the change is
announced: reads under way of what was taken away end, in every process.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Unpack

from asgiref.sync import sync_to_async
from django.db import DatabaseError

from permissions import connections, questions
from permissions.changes import Change, Ends, announce
from permissions.types import ServiceStatus
from vault.client import Asker, ConnectionState, VaultError
from vault.client import connections as vault

logger = logging.getLogger(__name__)


async def revoke(*, provider: str, connection: str = "", **asker: Unpack[Asker]) -> ServiceStatus:
    """Stop the agent from using the account; the connection stays.

    Raises:
        vault.client.NotConnectedError: The user has no such connection.
        vault.client.VaultError: The vault did not confirm the change.
    """
    return await _set_access(**asker, provider=provider, connection=connection, is_allowed=False)


async def restore(*, provider: str, connection: str = "", **asker: Unpack[Asker]) -> ServiceStatus:
    """Let the agent use the account again; raises as `revoke` does."""
    return await _set_access(**asker, provider=provider, connection=connection, is_allowed=True)


async def revoke_all(**asker: Unpack[Asker]) -> tuple[str, ...]:
    """Stop the agent from using any account, and return the names of the services that were not confirmed.

    Raises:
        vault.client.VaultError: The vault does not say which accounts there are.
    """
    statuses = await connections.list_statuses(**asker, is_fresh=True)
    failed = []
    for account in (account for status in statuses for account in status.accounts):
        try:
            # A paused one as well: its pause would end by itself.
            async with _changing(account, user=asker["user"], ends="revoked"):
                await vault.set_access(**asker, connection=account.connection, is_allowed=False)
        except VaultError:
            # The others must not stay readable for the sake of one.
            failed.append(account.service.name)
    return tuple(dict.fromkeys(failed))


async def pause(*, provider: str, until: datetime, connection: str = "", **asker: Unpack[Asker]) -> ServiceStatus:
    """Stop the agent from using the account until an instant, when it may again by itself; raises as `revoke` does."""
    account = await _load(**asker, provider=provider, connection=connection)
    async with _changing(account, user=asker["user"], ends="access_paused"):
        changed = await vault.pause_access(**asker, connection=account.connection, until=until)
    return connections.status_of(changed, service=account.service)


async def set_away(*, provider: str, is_allowed: bool, connection: str = "", **asker: Unpack[Asker]) -> ServiceStatus:
    """Let the agent use the account while the user is away, or not; raises as `revoke` does."""
    account = await _load(**asker, provider=provider, connection=connection)
    async with _changing(account, user=asker["user"]):
        changed = await vault.set_away(**asker, connection=account.connection, is_allowed=is_allowed)
    return connections.status_of(changed, service=account.service)


async def make_default(*, provider: str, connection: str, **asker: Unpack[Asker]) -> ServiceStatus:
    """Let the agent read this account when it reads the service; raises as `revoke` does."""
    account = await _load(**asker, provider=provider, connection=connection)
    async with _changing(account, user=asker["user"]):
        changed = await vault.set_default(**asker, connection=account.connection)
    return connections.status_of(changed, service=account.service)


async def disconnect(*, provider: str, connection: str = "", **asker: Unpack[Asker]) -> ServiceStatus:
    """Erase the connection and its tokens, and return what is left of it; raises as `revoke` does."""
    account = await _load(**asker, provider=provider, connection=connection)
    async with _changing(account, user=asker["user"], ends="not_connected"):
        await vault.disconnect(**asker, connection=account.connection)
    return ServiceStatus(
        service=account.service,
        state=ConnectionState.NOT_CONNECTED,
        account=account.account,
        is_default=account.is_default,
    )


async def _set_access(*, provider: str, connection: str, is_allowed: bool, **asker: Unpack[Asker]) -> ServiceStatus:
    account = await _load(**asker, provider=provider, connection=connection)
    async with _changing(account, user=asker["user"], ends="" if is_allowed else "revoked"):
        changed = await vault.set_access(**asker, connection=account.connection, is_allowed=is_allowed)
    return connections.status_of(changed, service=account.service)


async def _load(*, provider: str, connection: str, **asker: Unpack[Asker]) -> ServiceStatus:
    """Return the account that is meant: an id of another service's connection must change nothing under this name."""
    try:
        return await connections.load_account(**asker, provider=provider, connection=connection)
    except VaultError:
        await _forget(asker["user"])
        raise


@asynccontextmanager
async def _changing(account: ServiceStatus, *, user: str, ends: Ends = "") -> AsyncIterator[None]:
    """Make a change of the account inside; whether it is confirmed or not, what was known before is no longer."""
    try:
        yield
    finally:
        await _forget(user)
        if ends:
            # Before reads end, so that a call that waits for an answer finds its question closed.
            await _end_allowances(user, provider=account.service.slug, connection=account.connection)
        # The agent reads the default account; what is read of it has nothing to do with another one's switch. A vault
        # that did not answer may have done what it was asked.
        announce(Change(user, account.service.slug, ends if account.is_default else ""))


async def _forget(user: str) -> None:
    await sync_to_async(connections.forget)(user=user)


async def _end_allowances(user: str, *, provider: str, connection: str) -> None:
    try:
        await sync_to_async(questions.end_service)(user, provider=provider, connection=connection)
    except DatabaseError:
        # Taking access away must not wait for this; the gate does it again at the next call that it refuses.
        logger.exception("permissions.allowances_not_ended")
