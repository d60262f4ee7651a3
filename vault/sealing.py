"""Seals secrets for storage and opens them again, only where they belong. There is no way to store one unsealed.

    record = "DCV1" | algorithm (1) | key version (4) | commitment (16)
           | nonce (12) | wrapped data key (48) | nonce (12) | body

The body is encrypted with a data key of its own, that key with the key-encryption key; both with AES-256-GCM. The
associated data binds a record to its place, so that a row moved, swapped or rolled back does not open. The body's
does not hold the key version: a new key-encryption key rewraps the data key and leaves the body as it is.
"""

import hmac
import os
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from vault.errors import SealBrokenError
from vault.keyring import COMMITMENT_BYTES, KEY_BYTES, Key, Keyring

_SCHEMA = b"DCV1"
_ALGORITHM = 1
# NIST SP 800-38D section 8.2.2: 96 random bits; a data key seals one body, and a key-encryption key stays far below
# the 2**32 data keys allowed for random nonces.
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HEADER = struct.Struct(f">4sBI{COMMITMENT_BYTES}s{_NONCE_BYTES}s{KEY_BYTES + _TAG_BYTES}s{_NONCE_BYTES}s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The place a secret belongs to. A record opens in this place alone."""

    installation: str
    user: str
    connection: str
    provider: str
    field: str
    generation: int

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


def seal(secret: str, *, binding: Binding, keyring: Keyring) -> bytes:
    """Return `secret` sealed for the place `binding` with the newest key."""
    key = keyring.newest
    data_key = AESGCM.generate_key(bit_length=8 * KEY_BYTES)
    key_nonce, body_nonce = os.urandom(_NONCE_BYTES), os.urandom(_NONCE_BYTES)
    wrapped = AESGCM(key.wrapping).encrypt(key_nonce, data_key, binding.encode(layer=_key_layer(key)))
    body = AESGCM(data_key).encrypt(body_nonce, secret.encode(), binding.encode(layer="body"))
    header = _HEADER.pack(_SCHEMA, _ALGORITHM, key.version, key.commitment, key_nonce, wrapped, body_nonce)
    return header + body


def unseal(record: bytes, *, binding: Binding, keyring: Keyring) -> str:
    """Return the secret in `record`, if it was sealed for the place `binding`.

    Raises:
        SealBrokenError: It was not, was altered, or its key is not configured.
    """
    if len(record) < _HEADER.size + _TAG_BYTES:
        raise SealBrokenError
    schema, algorithm, version, commitment, key_nonce, wrapped, body_nonce = _HEADER.unpack_from(record)
    key = keyring.keys.get(version)
    if schema != _SCHEMA or algorithm != _ALGORITHM or key is None:
        raise SealBrokenError
    # SECURITY: GCM does not commit to its key; without this, one record could open under two keys to two secrets.
    if not hmac.compare_digest(commitment, key.commitment):
        raise SealBrokenError
    try:
        data_key = AESGCM(key.wrapping).decrypt(key_nonce, wrapped, binding.encode(layer=_key_layer(key)))
        return AESGCM(data_key).decrypt(body_nonce, record[_HEADER.size :], binding.encode(layer="body")).decode()
    except InvalidTag:
        raise SealBrokenError from None


def _key_layer(key: Key) -> str:
    return f"key {key.version}"
