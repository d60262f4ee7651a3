"""Keyed fingerprints of tokens: they join the records of one token over the years and tell nothing else about it."""

import hashlib
import hmac
from functools import lru_cache

from django.core.exceptions import ImproperlyConfigured

from vault import keyring
from vault.database import ALIAS
from vault.errors import VaultUnavailableError
from vault.models import Installation
from vault.sealing import Binding
from vault.store import secrets


def of(token: str) -> str:
    """Return the fingerprint of `token`: 32 hexadecimal digits.

    Raises:
        vault.errors.VaultUnavailableError: The fingerprint key does not open, or there is no key to make it with.
    """
    return hmac.new(_key(secrets.installation()), token.encode(), hashlib.sha256).hexdigest()[:32]


def ensure() -> None:
    """Store the fingerprint key if it is not stored yet: before the key that it is made from goes away.

    Raises:
        vault.errors.VaultUnavailableError: As in `of`.
    """
    _key.cache_clear()
    _key(secrets.installation())


def place() -> Binding:
    """Return the place of the fingerprint key."""
    return secrets.place(user="", connection="", provider="", field="fingerprint_key")


@lru_cache(maxsize=2)
def _key(installation: str) -> bytes:
    """Return the installation's fingerprint key, which it keeps sealed so that it outlives the key it was made from.

    Whoever makes it makes the same one: neither a race nor a rollback of the caller's transaction changes it.
    """
    rows = Installation.objects.using(ALIAS).filter(name=installation)
    sealed = rows.values_list("sealed_fingerprint_key", flat=True).get()
    if sealed is None:
        rows.filter(sealed_fingerprint_key__isnull=True).update(
            sealed_fingerprint_key=secrets.seal(_seed().hex(), binding=place())
        )
        sealed = rows.values_list("sealed_fingerprint_key", flat=True).get()
        assert sealed is not None
    return bytes.fromhex(secrets.unseal(sealed, binding=place()))


def _seed() -> bytes:
    try:
        return keyring.current().provider.fingerprint_seed()
    except ImproperlyConfigured:
        raise VaultUnavailableError from None
