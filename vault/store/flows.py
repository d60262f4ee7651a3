"""Connect flows in the tables: the state of one under way, the pending connection it ends in, and what expires."""

import hashlib
import secrets as random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from vault import models
from vault.database import ALIAS
from vault.errors import ConnectStateError
from vault.sealing import Binding
from vault.store import connections, revocations, secrets
from vault.types import Connection

# RFC 6749 section 4.1.2 gives a code 10 minutes at most; a consent page left open longer starts again.
FLOW_TTL = timedelta(minutes=10)
# The browser comes back from the callback at once; this leaves time to sign in again on the way.
PENDING_TTL = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A connect flow under way. `code_verifier` is "" for a provider without PKCE."""

    provider: str
    redirect_uri: str
    user: str
    sid: str
    code_verifier: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGrant:
    """What a finished flow brings: the account, its scopes and its tokens; `expires_at` is None for ever."""

    account_id: str
    account: str
    granted_scope: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: datetime | None


def digest(secret: str) -> str:
    """Return what is stored of a random secret that is only ever compared: 256 bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def save_flow(flow: Flow, *, state: str) -> None:
    """Store `flow` under its random `state`."""
    sealed = (
        secrets.seal(flow.code_verifier, binding=_verifier_place(flow, state=state)) if flow.code_verifier else None
    )
    models.OAuthState.objects.using(ALIAS).create(
        state_hash=digest(state),
        provider=flow.provider,
        redirect_uri=flow.redirect_uri,
        subject=flow.user,
        sid=flow.sid,
        sealed_verifier=sealed,
        expires_at=timezone.now() + FLOW_TTL,
    )


def take_flow(*, state: str) -> Flow | None:
    """Return the flow of `state` and end it; None when there is none, it was taken before, or it expired."""
    with transaction.atomic(using=ALIAS):
        row = models.OAuthState.objects.using(ALIAS).filter(state_hash=digest(state)).select_for_update().first()
        if row is None:
            return None
        row.delete(using=ALIAS)
    if row.expires_at <= timezone.now():
        return None
    flow = Flow(provider=row.provider, redirect_uri=row.redirect_uri, user=row.subject, sid=row.sid)
    if row.sealed_verifier is None:
        return flow
    verifier = secrets.unseal(row.sealed_verifier, binding=_verifier_place(flow, state=state))
    return Flow(
        provider=flow.provider, redirect_uri=flow.redirect_uri, user=flow.user, sid=flow.sid, code_verifier=verifier
    )


def save_pending(flow: Flow, *, grant: NewGrant, nonce: str) -> str:
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
            has_refresh_token=bool(grant.refresh_token),
            pending_sid=flow.sid,
            pending_nonce_hash=digest(nonce),
            pending_until=timezone.now() + PENDING_TTL,
        )
        secrets.put_tokens(row, access_token=grant.access_token, refresh_token=grant.refresh_token)
    return row.id


def load_pending(*, user: str, sid: str, connection: str, nonce: str) -> models.Connection:
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
    """Make a pending connection that the caller holds the user's one to its provider.

    An earlier one is erased with its tokens; the position of its switch stays. Its grant is revoked only if it was
    another account's: GitHub and Google end all of an account's tokens at once, the new ones too.
    """
    older = (
        models.Connection.objects.using(ALIAS)
        .filter(subject=row.subject, provider=row.provider, activated_at__isnull=False)
        .select_for_update()
        .first()
    )
    if older is not None:
        row.is_access_allowed = older.is_access_allowed
        if older.account_id != row.account_id:
            revocations.add_for(older)
        connections.erase(older)
    row.activated_at, row.pending_until, row.pending_sid, row.pending_nonce_hash = timezone.now(), None, "", ""
    row.save(using=ALIAS)
    return connections.to_value(row)


def sweep() -> None:
    """Delete flows and pending connections whose time is over."""
    now = timezone.now()
    with transaction.atomic(using=ALIAS):
        models.OAuthState.objects.using(ALIAS).filter(expires_at__lte=now).delete()
        models.Connection.objects.using(ALIAS).filter(activated_at__isnull=True, pending_until__lte=now).delete()


def _verifier_place(flow: Flow, *, state: str) -> Binding:
    return secrets.place_of_verifier(user=flow.user, provider=flow.provider, state_hash=digest(state))
