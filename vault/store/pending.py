"""Connections that a callback brought and their session has not confirmed yet; confirming makes one the user's own."""

import secrets as random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from vault import models
from vault.database import ALIAS
from vault.errors import ConnectStateError
from vault.store import connections, secrets
from vault.store.flows import Flow, digest
from vault.types import Connection

# The browser comes back from the callback at once; this leaves time to sign in again on the way.
PENDING_TTL = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGrant:
    """What a finished flow brings: the account, its scopes and its tokens, which without a life never end."""

    account_id: str
    account: str
    granted_scope: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    life_seconds: int | None
    expires_at: datetime | None


def save(flow: Flow, *, grant: NewGrant, nonce: str) -> str:
    """Store the connection that `flow` ended in, pending until `nonce` is shown, and return its id."""
    with transaction.atomic(using=ALIAS):
        row = models.Connection.objects.using(ALIAS).create(
            id=f"con_{random.token_urlsafe(16)}",
            subject=flow.user,
            provider=flow.provider,
            account_id=grant.account_id,
            account=grant.account,
            granted_scope=grant.granted_scope,
            access_expires_at=grant.expires_at,
            access_life_seconds=grant.life_seconds,
            has_refresh_token=bool(grant.refresh_token),
            pending_sid=flow.sid,
            pending_nonce_hash=digest(nonce),
            pending_until=timezone.now() + PENDING_TTL,
        )
        secrets.put_tokens(row, access_token=grant.access_token, refresh_token=grant.refresh_token)
    return row.id


def load(*, user: str, sid: str, connection: str, nonce: str) -> models.Connection:
    """Return the pending connection, held until the caller's transaction ends.

    Raises:
        ConnectStateError: There is none of this user and session with this nonce.
    """
    row = (
        models.Connection.objects.using(ALIAS)
        .filter(id=connection, subject=user, activated_at__isnull=True, pending_until__gt=timezone.now())
        .select_for_update()
        .first()
    )
    if row is None:
        raise ConnectStateError
    is_sid, is_nonce = (
        constant_time_compare(row.pending_sid, sid),
        constant_time_compare(row.pending_nonce_hash, digest(nonce)),
    )
    if not (is_sid and is_nonce):
        raise ConnectStateError
    return row


def activate(row: models.Connection) -> Connection:
    """Make a pending connection that the caller holds one of its user's.

    An account that is connected already keeps its connection, with id, switch and default, and gets the new tokens.
    The first account of a provider is its default.
    """
    others = connections.lock_all(user=row.subject, provider=row.provider)
    older = next((other for other in others if other.account_id == row.account_id), None)
    if older is not None:
        _renew(older, pending=row)
        return connections.to_value(older)
    row.is_default = not others
    row.activated_at, row.pending_until, row.pending_sid, row.pending_nonce_hash = timezone.now(), None, "", ""
    row.save(using=ALIAS)
    return connections.to_value(row)


def sweep() -> None:
    """Delete pending connections whose time is over."""
    rows = models.Connection.objects.using(ALIAS)
    rows.filter(activated_at__isnull=True, pending_until__lte=timezone.now()).delete()


def _renew(row: models.Connection, *, pending: models.Connection) -> None:
    """Give `row` the tokens of the pending connection as its next generation; the pending one is gone then."""
    access_token = secrets.find_token(pending, field=secrets.ACCESS)
    refresh_token = secrets.find_token(pending, field=secrets.REFRESH)
    row.account, row.granted_scope = pending.account, pending.granted_scope
    row.access_expires_at, row.access_life_seconds = pending.access_expires_at, pending.access_life_seconds
    row.has_refresh_token = pending.has_refresh_token
    row.generation += 1
    # A refresh of the old tokens that is under way loses its lease, so its answer is not written over the new ones.
    row.fence += 1
    row.lease_owner, row.lease_until = "", None
    row.intent_generation, row.intent_fingerprint, row.intent_at = None, "", None
    row.failures, row.retry_at, row.reconnect_reason = 0, None, ""
    pending.delete(using=ALIAS)
    row.save(using=ALIAS)
    secrets.put_tokens(row, access_token=access_token, refresh_token=refresh_token)
