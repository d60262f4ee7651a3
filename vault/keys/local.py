"""Key-encryption keys in the memory of this process, whichever place they came from. Never prints, logs or stores one.

They are written as `<version>:<base64 of 32 random bytes>`.
"""

import base64
import binascii
import hmac
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.exceptions import ImproperlyConfigured

from vault.errors import SealBrokenError
from vault.keys.base import COMMITMENT_BYTES, MAX_VERSION, Purpose, WrappedKey

KEY_BYTES = 32
# NIST SP 800-38D section 8.2.2: 96 random bits; a key-encryption key stays far below the 2**32 data keys allowed.
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class _Key:
    """One key-encryption key, as the values derived from it."""

    wrapping: Mapping[Purpose, bytes] = field(repr=False)
    commitment: bytes


class LocalKeys:
    """Implements `vault.keys.base.KeyProvider` on keys that are given by version."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        self._keys = {version: _derive_all(keys[version]) for version in sorted(keys)}
        # SECURITY: a thief of one derived key learns neither the others nor what they were derived from.
        self._fingerprint_seed = _derive(keys[min(keys)], "fingerprint", length=KEY_BYTES)

    def versions(self) -> tuple[int, ...]:
        """See `KeyProvider.versions`."""
        return tuple(self._keys)

    def wrap(self, data_key: bytes, *, version: int, purpose: Purpose, associated_data: bytes) -> WrappedKey:
        """See `KeyProvider.wrap`."""
        key = self._load(version)
        nonce = os.urandom(_NONCE_BYTES)
        wrapped = AESGCM(key.wrapping[purpose]).encrypt(nonce, data_key, associated_data)
        return WrappedKey(version, key.commitment, nonce + wrapped)

    def unwrap(self, key: WrappedKey, *, purpose: Purpose, associated_data: bytes) -> bytes:
        """See `KeyProvider.unwrap`."""
        known = self._load(key.version)
        # SECURITY: GCM does not commit to its key; without this, one record could open under two keys to two secrets.
        if not hmac.compare_digest(key.commitment, known.commitment):
            raise SealBrokenError
        nonce, wrapped = key.wrapped[:_NONCE_BYTES], key.wrapped[_NONCE_BYTES:]
        try:
            return AESGCM(known.wrapping[purpose]).decrypt(nonce, wrapped, associated_data)
        except InvalidTag:
            raise SealBrokenError from None

    def fingerprint_seed(self) -> bytes:
        """See `KeyProvider.fingerprint_seed`: derived from the oldest key."""
        return self._fingerprint_seed

    def _load(self, version: int) -> _Key:
        key = self._keys.get(version)
        if key is None:
            raise SealBrokenError
        return key


def parse(entries: Iterable[str], *, refusal: str) -> LocalKeys:
    """Return the keys in `entries`.

    Raises:
        ImproperlyConfigured: There is none, one is malformed, or a version or a key comes twice. The sentence is
            `refusal`, which holds nothing of them.
    """
    parsed = [_parse_one(entry.strip(), refusal=refusal) for entry in entries]
    keys = dict(parsed)
    if not keys or len(keys) != len(parsed) or len(set(keys.values())) != len(parsed):
        raise ImproperlyConfigured(refusal)
    return LocalKeys(keys)


def new_entry(version: int) -> str:
    """Return a new random key as it is written."""
    return f"{version}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def _parse_one(entry: str, *, refusal: str) -> tuple[int, bytes]:
    version, separator, encoded = entry.partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ImproperlyConfigured(refusal) from None
    is_version = version.isascii() and version.isdigit() and 0 < int(version) <= MAX_VERSION
    if not separator or not is_version or len(key) != KEY_BYTES:
        raise ImproperlyConfigured(refusal)
    return int(version), key


def _derive_all(key: bytes) -> _Key:
    return _Key(
        wrapping={purpose: _derive(key, purpose.value, length=KEY_BYTES) for purpose in Purpose},
        commitment=_derive(key, "commit", length=COMMITMENT_BYTES),
    )


def _derive(key: bytes, purpose: str, *, length: int) -> bytes:
    """Source: RFC 5869; a derived key per purpose keeps one purpose from weakening another."""
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=f"DCV1 {purpose}".encode()).derive(key)
