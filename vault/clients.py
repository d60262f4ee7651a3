"""Who may ask the vault: our own processes and registered clients, and what the registry lets each of those have.

A secret leaves this module once, when it is made; what is stored does not give it back.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from audit.events import Entry, Event
from vault import ledger, tokens
from vault.database import ALIAS
from vault.errors import (
    InvalidClientError,
    InvalidScopeError,
    InvalidTargetError,
    ScopeDeniedError,
    UnauthorizedClientError,
)
from vault.store import clients
from vault.store.clients import Registration

# Long enough to hand a new secret to whatever runs a client without waking anybody.
DEFAULT_OVERLAP = timedelta(hours=24)

# Recognizable, so that a scanner for leaked secrets can find one.
_SECRET_PREFIX = "dcs_"  # noqa: S105
_SECRET_BYTES = 32
# RFC 6749 section 3.3.
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
# What is compared for a client that does not exist, so that its refusal takes the same work; nothing hashes to it.
_NO_HASH = "0" * 64


@dataclass(frozen=True, slots=True)
class Client:
    """An authenticated client. `registration` is None for a process of ours, which the registry does not limit."""

    id: str
    registration: Registration | None = None


# The web and worker processes.
WEB = Client(id=tokens.WEB_CLIENT)


def register(
    name: str, *, allowed: Mapping[str, frozenset[str] | None], grant_types: frozenset[str]
) -> tuple[Registration, str]:
    """Register a client and return it with its secret, which nobody can read again.

    Args:
        name: What people call it.
        allowed: The provider ids it may have, each with its scopes, or None for whatever the user granted.
        grant_types: The grant types it may use, as on the wire.

    Raises:
        VaultUnavailableError: It could not be recorded.
    """
    secret = _new_secret()
    registration = Registration(
        id=f"cli_{secrets.token_urlsafe(12)}",
        name=name,
        allowed=allowed,
        grant_types=grant_types,
        is_enabled=True,
        created_at=timezone.now(),
        rotated_at=None,
        secret_hashes=(_digest(secret),),
    )
    with transaction.atomic(using=ALIAS):
        clients.add(registration)
        ledger.require(_entry(Event.VAULT_CLIENT_CREATED, client=registration.id))
    return registration, secret


def rotate(client: str, *, overlap: timedelta) -> str:
    """Return a new secret of `client`; the one before works until `overlap` is over, any older one no more.

    Raises:
        InvalidClientError: There is no such client.
        VaultUnavailableError: It could not be recorded.
    """
    _require_known(client)
    secret = _new_secret()
    with transaction.atomic(using=ALIAS):
        clients.rotate(client, secret_hash=_digest(secret), overlap=overlap)
        ledger.require(_entry(Event.VAULT_CLIENT_ROTATED, client=client))
    return secret


def enable(client: str) -> None:
    """Let a disabled client in again, with the secrets it had.

    Raises:
        InvalidClientError: There is no such client.
        VaultUnavailableError: It could not be recorded.
    """
    _require_known(client)
    with transaction.atomic(using=ALIAS):
        clients.set_enabled(client, is_enabled=True)
        ledger.require(_entry(Event.VAULT_CLIENT_ENABLED, client=client))


def disable(client: str) -> None:
    """Shut a client out from its next request on; like a revoke, this does not wait for the audit.

    Raises:
        InvalidClientError: There is no such client.
    """
    _require_known(client)
    with transaction.atomic(using=ALIAS):
        clients.set_enabled(client, is_enabled=False)
        ledger.note(_entry(Event.VAULT_CLIENT_DISABLED, client=client))
    ledger.drain()


def authenticate(client: str, *, secret: str) -> Client:
    """Return the enabled, registered client that `secret` belongs to. Sync; called on a database thread.

    Raises:
        InvalidClientError: Unknown, disabled or a wrong secret; nobody is told which.
    """
    registration = clients.find(client)
    known = registration.secret_hashes if registration else (_NO_HASH,)
    shown = _digest(secret)
    # SECURITY: each stored hash is compared, in constant time, also when an earlier one fitted or there is no client.
    matches = [constant_time_compare(shown, secret_hash) for secret_hash in known]
    if registration is None or True not in matches or not registration.is_enabled:
        raise InvalidClientError
    return Client(id=registration.id, registration=registration)


def require_own(client: Client) -> None:
    """Go on only for a process of ours: users' connections are managed by nobody else.

    Raises:
        UnauthorizedClientError: It is a registered client.
    """
    if client.registration is not None:
        raise UnauthorizedClientError


def require_grant_type(client: Client, grant_type: str) -> None:
    """Go on only if the client may use this grant type.

    Raises:
        UnauthorizedClientError: It may not (RFC 6749 section 5.2).
    """
    if client.registration is not None and grant_type not in client.registration.grant_types:
        raise UnauthorizedClientError


def require_target(client: Client, audience: str) -> None:
    """Go on only if there is an audience, and it names no provider that the client may not have.

    The id of a connection passes: what provider it belongs to is known, and asked again, once it is found.

    Raises:
        InvalidTargetError: There is none, or the registry does not allow it.
    """
    if not audience:
        raise InvalidTargetError
    if audience in settings.PROVIDERS:
        require_provider(client, audience)


def require_provider(client: Client, provider: str) -> None:
    """Go on only if the client may have tokens of `provider`.

    Raises:
        InvalidTargetError: The registry does not allow it.
    """
    if client.registration is not None and provider not in client.registration.allowed:
        raise InvalidTargetError


def require_scope(client: Client, *, provider: str, asked: frozenset[str], granted: str) -> None:
    """Go on only if the stored grant carries what is asked for, and nothing that the client may not have.

    An upstream token cannot be narrowed: it opens all of `granted`, space-separated, whatever is asked. So a client
    that is limited to some scopes gets no token of a grant that carries others.

    Raises:
        ScopeDeniedError: A scope is malformed, or what is asked or granted exceeds the client's limits.
        InvalidScopeError: The user granted less than is asked.
    """
    carried = frozenset(granted.split())
    limits = client.registration.allowed[provider] if client.registration else None
    if asked != well_formed(asked) or (limits is not None and not asked | carried <= limits):
        raise ScopeDeniedError
    if not asked <= carried:
        raise InvalidScopeError(" ".join(sorted(asked | carried)))


def well_formed(scope: frozenset[str]) -> frozenset[str]:
    """Return the scopes that can be one at all; what else a caller says is recorded nowhere."""
    return frozenset(name for name in scope if _SCOPE.fullmatch(name))


def _new_secret() -> str:
    return _SECRET_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def _digest(secret: str) -> str:
    """A slow hash protects what people choose; nobody finds 256 random bits by trying, however quick each try is."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _require_known(client: str) -> None:
    if clients.find(client) is None:
        raise InvalidClientError


def _entry(event: Event, *, client: str) -> Entry:
    return Entry(event=event, user="", client=client)
