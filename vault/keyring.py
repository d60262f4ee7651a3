"""The key-encryption keys, as configured: `VAULT_KEYS="1:<base64>,2:<base64>"`. Never prints, logs or stores one.

New secrets are sealed with the newest key; older keys stay only to open what they sealed.
"""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32
COMMITMENT_BYTES = 16
# The version is four bytes in a sealed record.
_MAX_VERSION = 2**32 - 1
_FORMAT = 'VAULT_KEYS must be "1:<base64>,2:<base64>", each version a different number and each key 32 random bytes.'


@dataclass(frozen=True, slots=True)
class Key:
    """One key-encryption key, as the two values derived from it.

    `commitment` is public: it tells which key sealed a record before any decryption is tried.
    """

    version: int
    wrapping: bytes = field(repr=False)
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Keyring:
    """All keys by version."""

    keys: dict[int, Key] = field(repr=False)
    newest: Key
    _fingerprinting: bytes = field(repr=False)

    def fingerprint(self, token: str) -> str:
        """Return a keyed fingerprint of `token`: it joins records of one token and tells nothing else about it."""
        return hmac.new(self._fingerprinting, token.encode(), hashlib.sha256).hexdigest()[:32]


def current() -> Keyring:
    """Return the configured keyring.

    Raises:
        ImproperlyConfigured: `VAULT_KEYS` is missing or malformed.
    """
    return parse(settings.VAULT_KEYS)


@lru_cache(maxsize=8)
def parse(text: str) -> Keyring:
    """Return the keyring in `text`.

    Raises:
        ImproperlyConfigured: It is missing or malformed; the sentence holds nothing of it.
    """
    secrets = dict(_parse_one(part) for part in text.split(","))
    if len(secrets) != text.count(",") + 1:
        raise ImproperlyConfigured(_FORMAT)
    keys = {
        version: Key(
            version=version,
            wrapping=_derive(secret, "wrap", length=KEY_BYTES),
            commitment=_derive(secret, "commit", length=COMMITMENT_BYTES),
        )
        for version, secret in secrets.items()
    }
    oldest = secrets[min(secrets)]
    return Keyring(keys, keys[max(keys)], _derive(oldest, "fingerprint", length=KEY_BYTES))


def _parse_one(part: str) -> tuple[int, bytes]:
    version, separator, encoded = part.strip().partition(":")
    try:
        secret = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ImproperlyConfigured(_FORMAT) from None
    is_version = version.isascii() and version.isdigit() and 0 < int(version) <= _MAX_VERSION
    if not separator or not is_version or len(secret) != KEY_BYTES:
        raise ImproperlyConfigured(_FORMAT)
    return int(version), secret


def _derive(secret: bytes, purpose: str, *, length: int) -> bytes:
    """Source: RFC 5869; a derived key per purpose keeps one purpose from weakening another."""
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=f"DCV1 {purpose}".encode()).derive(secret)
