"""Seals content for storage and opens it again, only where it belongs: questions, answers, turns, events, evidence.

    record = "DCC1" | number of the key (4) | nonce (12) | AES-256-GCM of the text, with its tag (16)

The associated data is the record's place, so that a row that is moved or swapped does not open.
"""

import os
import struct
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from agent import content_keys
from agent.errors import ContentClosedError

_SCHEMA = b"DCC1"
_HEADER = struct.Struct(">4sI")
# NIST SP 800-38D section 8.2.2 and 8.3: 96 random bits allow 2**32 records under one key, which is about ten million
# runs. There is no data key per record, as the vault has it: a run writes hundreds of them.
_NONCE_BYTES = 12
_TAG_BYTES = 16
_BODY_AT = _HEADER.size + _NONCE_BYTES


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record belongs: the column, the row that owns it, and its number or id within that row."""

    column: str
    row: UUID
    position: int | str = ""

    def encode(self) -> bytes:
        """Return the place as associated data; no part but the last can hold a separator."""
        return f"DCC1\0{self.column}\0{self.row}\0{self.position}".encode()


@dataclass(frozen=True, slots=True)
class _Ring:
    sealing: int
    ciphers: dict[int, AESGCM]


def seal(text: str, *, place: Place) -> bytes:
    """Return `text` sealed for `place`; half of a surrogate pair, which has no encoding, becomes a question mark.

    Raises:
        ImproperlyConfigured: There is no key to seal with.
    """
    ring = _load(settings.CONTENT_KEYS)
    nonce = os.urandom(_NONCE_BYTES)
    body = ring.ciphers[ring.sealing].encrypt(nonce, text.encode(errors="replace"), place.encode())
    return _HEADER.pack(_SCHEMA, ring.sealing) + nonce + body


def unseal(record: bytes | memoryview, *, place: Place) -> str:
    """Return the text in `record`, if it was sealed for `place`.

    Raises:
        ContentClosedError: It was not, was changed, or its key is not at hand.
    """
    try:
        ciphers = _load(settings.CONTENT_KEYS).ciphers
    except ImproperlyConfigured:
        raise ContentClosedError from None
    # PostgreSQL's driver hands out a view.
    record = bytes(record)
    if len(record) < _BODY_AT + _TAG_BYTES:
        raise ContentClosedError
    schema, number = _HEADER.unpack_from(record)
    if schema != _SCHEMA or number not in ciphers:
        raise ContentClosedError
    try:
        return ciphers[number].decrypt(record[_HEADER.size : _BODY_AT], record[_BODY_AT:], place.encode()).decode()
    except InvalidTag:
        raise ContentClosedError from None


@lru_cache(maxsize=8)
def _load(text: str) -> _Ring:
    """Return the keys in `text` as ciphers, made once per process."""
    keys = content_keys.parse(text)
    return _Ring(sealing=next(iter(keys)), ciphers={number: AESGCM(key) for number, key in keys.items()})
