"""Disconnecting: the tokens are erased at once and whatever happens; then the provider is asked to forget the grant."""

import asyncio
import logging

from django.db import transaction

from audit.events import Entry, Event
from vault import background, ledger
from vault.database import ALIAS, run
from vault.errors import NotConnectedError, UpstreamError, VaultError
from vault.providers import registry
from vault.store import connections, revocations
from vault.store.revocations import Claimed
from vault.tokens import Subject

# The user waits this long for the provider's answer; the revocation goes on without them.
_PATIENCE_SECONDS = 3

logger = logging.getLogger(__name__)


async def disconnect(subject: Subject, *, connection: str) -> None:
    """Erase the user's connection, an id or a provider's default, and revoke its tokens there, now or by later tries.

    Raises:
        NotConnectedError: The user has no such connection.
        VaultUnavailableError: The database failed.
    """
    await run(_erase, subject, connection=connection)
    await asyncio.wait({revoke_soon()}, timeout=_PATIENCE_SECONDS)


async def end_tokens(subject: Subject, *, connection: str, asked_scope: str) -> None:
    """Erase and revoke the tokens of the user's connection and keep it; from now on it needs a reconnect.

    `asked_scope`, space-separated, is what that reconnect asks for, now or later.

    Raises:
        NotConnectedError: The user has no such connection.
        VaultUnavailableError: The database failed.
    """
    await run(_empty, subject, connection=connection, asked_scope=asked_scope)
    await asyncio.wait({revoke_soon()}, timeout=_PATIENCE_SECONDS)


def revoke_soon() -> asyncio.Task[None]:
    """Try every revocation that is due, in the background."""
    return background.detach(revoke_due())


def _erase(subject: Subject, *, connection: str) -> None:
    with connections.lock_for_change(user=subject.user, connection=connection) as row:
        ledger.note(
            Entry(
                event=Event.VAULT_CONNECTION_DISCONNECTED,
                user=subject.user,
                provider=row.provider,
                connection=row.id,
                account=row.account,
            )
        )
        revocations.add_for(row)
        connections.erase(row)
    ledger.drain()


def _empty(subject: Subject, *, connection: str, asked_scope: str) -> None:
    with connections.lock_for_change(user=subject.user, connection=connection) as row:
        ledger.note(
            Entry(
                event=Event.VAULT_CONNECTION_REDUCED,
                user=subject.user,
                provider=row.provider,
                connection=row.id,
                account=row.account,
                scope_asked=asked_scope,
            )
        )
        revocations.add_for(row)
        connections.empty(row, asked_scope=asked_scope)
    ledger.drain()


async def revoke_due() -> None:
    """Try every revocation that is due; what fails is logged, and tried again when it is due again."""
    try:
        while (claimed := await run(revocations.claim_due)) is not None:
            await _try(claimed)
    except VaultError as error:
        logger.warning("vault.revocation.failed", extra={"kind": type(error).__name__})


async def _try(claimed: Claimed) -> None:
    try:
        await _revoke(claimed)
    except UpstreamError as error:
        if error.is_permanent or claimed.is_last:
            await run(_record_end, claimed, event=Event.VAULT_REVOCATION_FAILED, reason=error.code)
        return
    await run(_record_end, claimed, event=Event.VAULT_REVOCATION_SUCCEEDED, reason="")


async def _revoke(claimed: Claimed) -> None:
    """Revoke the grant; when its access token has ended, get one more, since only a living token can end a grant."""
    try:
        provider = registry.load(claimed.provider)
    except NotConnectedError:
        # It may be configured again before the revocation is given up.
        raise UpstreamError("not_configured") from None
    try:
        await provider.revoke(access_token=claimed.access_token, refresh_token=claimed.refresh_token)
    except UpstreamError as error:
        if not error.is_permanent or not claimed.refresh_token:
            raise
        grant = await provider.refresh(refresh_token=claimed.refresh_token)
        # They may be the only ones that can end the grant, should this try fail: a refresh token may work once.
        await run(
            revocations.renew,
            claimed.id,
            access_token=grant.access_token,
            refresh_token=grant.refresh_token or claimed.refresh_token,
        )
        await provider.revoke(access_token=grant.access_token, refresh_token=grant.refresh_token)


def _record_end(claimed: Claimed, *, event: Event, reason: str) -> None:
    entry = Entry(
        event=event,
        user=claimed.user,
        provider=claimed.provider,
        reason=reason,
        connection=claimed.connection,
        account=claimed.account,
    )
    with transaction.atomic(using=ALIAS):
        revocations.end(claimed.id, is_confirmed=event is Event.VAULT_REVOCATION_SUCCEEDED)
        ledger.note(entry)
