"""What sealing asks of whoever keeps the key-encryption keys. A provider handles data keys and never sees a secret.

Calls are sync and local, since a database transaction is open around them. A provider behind a network (OpenBao
transit, AWS KMS) asks its service before the transaction and answers here from memory: docs/decisions/0022.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

DATA_KEY_BYTES = 32
COMMITMENT_BYTES = 16
# AES-256-GCM: nonce, encrypted data key, tag. A provider with another size gets an algorithm number of its own.
WRAPPED_BYTES = 12 + DATA_KEY_BYTES + 16
# The version is four bytes in a sealed record.
MAX_VERSION = 2**32 - 1


class Purpose(StrEnum):
    """What a data key is for; each purpose has a wrapping key of its own, so that no record serves another's."""

    STORED = "wrap"
    REVOCATION = "wrap revocation"


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A data key as a record holds it.

    `commitment` is public and belongs to one key: it tells which one wrapped before any decryption is tried.
    """

    version: int
    commitment: bytes
    wrapped: bytes


class KeyProvider(Protocol):
    """Keeps key-encryption keys by version; they never leave it."""

    def versions(self) -> tuple[int, ...]:
        """Return the versions that can wrap now, rising; never empty.

        Raises:
            django.core.exceptions.ImproperlyConfigured: There is no usable key; the sentence shows nothing of any.
        """
        ...

    def wrap(self, data_key: bytes, *, version: int, purpose: Purpose, associated_data: bytes) -> WrappedKey:
        """Return `data_key` wrapped by `version`, bound to `associated_data`.

        Raises:
            vault.errors.SealBrokenError: There is no such key.
        """
        ...

    def unwrap(self, key: WrappedKey, *, purpose: Purpose, associated_data: bytes) -> bytes:
        """Return the data key.

        Raises:
            vault.errors.SealBrokenError: Its version is unknown, it was altered, or it was wrapped for another place.
        """
        ...

    def fingerprint_seed(self) -> bytes:
        """Return the 32 bytes that a new installation's fingerprint key is: the same ones each time it is asked."""
        ...
