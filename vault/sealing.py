"""Seals secrets for storage and opens them again, only where they belong. There is no way to store one unsealed.

    record = "DCV1" | algorithm (1) | key version (4) | commitment (16)
           | nonce (12) + wrapped data key (48) | nonce (12) | body

The body is encrypted with a data key of its own, that key with the key-encryption key; both with AES-256-GCM. The
associated data binds a record to its place, so that a row moved, swapped or rolled back does not open. The body's
does not hold the key version: another key-encryption key rewraps the data key and leaves the body as it is.
"""

import os
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import SealBrokenError
from vault.keyring import Keyring
from vault.keys.base import COMMITMENT_BYTES, DATA_KEY_BYTES, WRAPPED_BYTES, Purpose, WrappedKey

_SCHEMA = b"DCV1"
_ALGORITHM = 1
# NIST SP 800-38D section 8.2.2: 96 random bits; a data key seals one body.
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEADER = struct.Struct(f">4sBI{COMMITMENT_BYTES}s{WRAPPED_BYTES}s{_NONCE_BYTES}s")
# Where the key version lies in a record, for questions that a database answers: offset and length in bytes.
VERSION_SLICE = (5, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The place a secret belongs to. A record opens in this place alone, under the keys of this purpose."""

    installation: str
    user: str
    connection: str
    provider: str
    field: str
    generation: int
    purpose: Purpose = Purpose.STORED

    def encode(self, *, layer: str) -> bytes:
        """Return the place as associated data of one layer, each part with its length before it."""
        parts = (
            _SCHEMA.decode(),
            layer,
            self.installation,
            self.user,
            self.connection,
            self.provider,
            self.field,
            str(self.generation),
        )
        return b"".join(struct.pack(">I", len(part)) + part for part in (text.encode() for text in parts))


@dataclass(frozen=True, slots=True)
class _Record:
    """A record taken apart; nothing of it is verified yet."""

    key: WrappedKey
    nonce: bytes
    body: bytes

    def pack(self) -> bytes:
        key = self.key
        return _HEADER.pack(_SCHEMA, _ALGORITHM, key.version, key.commitment, key.wrapped, self.nonce) + self.body


def seal(secret: str, *, binding: Binding, keyring: Keyring) -> bytes:
    """Return `secret` sealed for the place `binding`.

    Raises:
        django.core.exceptions.ImproperlyConfigured: There is no key to seal with.
    """
    data_key, nonce = AESGCM.generate_key(bit_length=8 * DATA_KEY_BYTES), os.urandom(_NONCE_BYTES)
    body = AESGCM(data_key).encrypt(nonce, secret.encode(), binding.encode(layer="body"))
    return _Record(_wrap(data_key, binding=binding, keyring=keyring), nonce, body).pack()


def unseal(record: bytes, *, binding: Binding, keyring: Keyring) -> str:
    """Return the secret in `record`, if it was sealed for the place `binding`.

    Raises:
        SealBrokenError: It was not, was altered, its key is not at hand, or its key's version is below the minimum.
    """
    parts = _take_apart(record)
    data_key = _unwrap(parts.key, binding=binding, keyring=keyring)
    try:
        return AESGCM(data_key).decrypt(parts.nonce, parts.body, binding.encode(layer="body")).decode()
    except InvalidTag:
        raise SealBrokenError from None


def rewrap(record: bytes, *, binding: Binding, keyring: Keyring) -> bytes:
    """Return `record` under the key that new secrets are sealed with; its body is neither opened nor changed.

    Raises:
        SealBrokenError: Its data key does not open at the place `binding`.
        django.core.exceptions.ImproperlyConfigured: There is no key to seal with.
    """
    parts = _take_apart(record)
    data_key = _unwrap(parts.key, binding=binding, keyring=keyring)
    return _Record(_wrap(data_key, binding=binding, keyring=keyring), parts.nonce, parts.body).pack()


def _take_apart(record: bytes) -> _Record:
    if len(record) < _HEADER.size + _TAG_BYTES:
        raise SealBrokenError
    schema, algorithm, version, commitment, wrapped, nonce = _HEADER.unpack_from(record)
    if schema != _SCHEMA or algorithm != _ALGORITHM:
        raise SealBrokenError
    return _Record(WrappedKey(version, commitment, wrapped), nonce, record[_HEADER.size :])


def _wrap(data_key: bytes, *, binding: Binding, keyring: Keyring) -> WrappedKey:
    version = keyring.sealing_version()
    return keyring.provider.wrap(
        data_key, version=version, purpose=binding.purpose, associated_data=_key_place(binding, version=version)
    )


def _unwrap(key: WrappedKey, *, binding: Binding, keyring: Keyring) -> bytes:
    # SECURITY: the minimum is what makes a stolen old key useless to who can write rows.
    if key.version < keyring.min_version:
        raise SealBrokenError
    place = _key_place(binding, version=key.version)
    return keyring.provider.unwrap(key, purpose=binding.purpose, associated_data=place)


def _key_place(binding: Binding, *, version: int) -> bytes:
    return binding.encode(layer=f"key {version}")
