"""Connect flows in the tables: the state of one under way, which the callback takes once, and what expires."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from vault import models
from vault.database import ALIAS
from vault.sealing import Binding
from vault.store import secrets

# RFC 6749 section 4.1.2 gives a code 10 minutes at most; a consent page left open longer starts again.
FLOW_TTL = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """A connect flow under way.

    `asked_scope` is space-separated. `reconnects` is the connection whose tokens are to be replaced, "" for none.
    `code_verifier` is "" for a provider without PKCE.
    """

    provider: str
    redirect_uri: str
    user: str
    sid: str
    asked_scope: str = ""
    reconnects: str = ""
    code_verifier: str = field(default="", repr=False)


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
        asked_scope=flow.asked_scope,
        reconnects=flow.reconnects,
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
    flow = Flow(
        provider=row.provider,
        redirect_uri=row.redirect_uri,
        user=row.subject,
        sid=row.sid,
        asked_scope=row.asked_scope,
        reconnects=row.reconnects,
    )
    if row.sealed_verifier is None:
        return flow
    return replace(flow, code_verifier=secrets.unseal(row.sealed_verifier, binding=_verifier_place(flow, state=state)))


def sweep() -> None:
    """Delete flows whose time is over."""
    models.OAuthState.objects.using(ALIAS).filter(expires_at__lte=timezone.now()).delete()


def _verifier_place(flow: Flow, *, state: str) -> Binding:
    return secrets.place_of_verifier(user=flow.user, provider=flow.provider, state_hash=digest(state))
