"""Who may ask the vault: our own processes and registered clients, and what the registry lets each of those have.

A secret leaves this module once, when it is made; what is stored does not give it back.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from audit.events import Entry, Event
from vault import ledger, tokens
from vault.database import ALIAS
from vault.errors import InvalidClientError
from vault.store import clients
from vault.store.clients import Registration

# Long enough to hand a new secret to whatever runs a client without waking anybody.
DEFAULT_OVERLAP = timedelta(hours=24)

# Recognizable, so that a scanner for leaked secrets can find one.
_SECRET_PREFIX = "dcs_"  # noqa: S105
_SECRET_BYTES = 32
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
