"""Receipts: signed promises, made when an event is committed, that it is in the log. Its holder can check that later.

A receipt is a signed note in base64, so that it fits into a form's field. The note has five lines: its kind, the log's
name, the event's id, 16 random bytes, and the SHA-256 of these bytes and the event as `audit.encoding` writes it. The
hash of the event's leaf is not known yet when it is made: the sealer draws that leaf's nonce. So a receipt says what
the event is, and a proof shows that this event is sealed; a log without it, or with another one of its id, is shown to
be false by the receipt and by any checkpoint after it.
"""

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from audit import encoding, export, log, log_keys
from audit import removal as removals
from audit.checkpoint import LogKeys
from audit.errors import BrokenNoteError
from audit.record import Recorded

KIND = "devcontext-audit-receipt/1"
_SALT_BYTES = 16
_LINES = 5


class Standing(StrEnum):
    """What became of an event that a receipt was given for."""

    SEALED = "sealed"
    # It is there and not sealed yet; that takes about a second.
    WAITING = "waiting"
    # It has expired, and a signed note says so (`audit.retention`): nothing of it can be shown any more.
    REMOVED = "removed"
    # The log lacks it, or holds another one of its id: somebody rewrote it.
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was promised: `digest` is the SHA-256 of `salt` and the event."""

    event_id: int
    salt: bytes
    digest: bytes

    def fits(self, event: Sequence[object]) -> bool:
        """Tell whether the columns of an event are those that the receipt was made for."""
        return _digest(event, salt=self.salt) == self.digest


@dataclass(frozen=True, slots=True)
class Proven:
    """Whose event it is, by the client that was given the receipt; and `lines`, an export of it, once it is sealed."""

    standing: Standing
    client: str
    lines: tuple[str, ...] = ()


def issue(recorded: Recorded) -> str:
    """Return the receipt of a committed event; "" in a process that has no key to sign with.

    Such a process is told by a check what it lacks (`vault.E006`); its events wait to be sealed all the same.
    """
    try:
        keys = log_keys.current()
    except ImproperlyConfigured:
        return ""
    if not keys.signers:
        return ""
    salt = os.urandom(_SALT_BYTES)
    lines = (KIND, keys.name, str(recorded.id), _base64(salt), _base64(_digest(recorded.columns, salt=salt)))
    return _base64(keys.sign_text("".join(f"{line}\n" for line in lines)).encode())


def load(text: str, *, keys: LogKeys) -> Receipt:
    """Return what a receipt promises.

    Raises:
        BrokenNoteError: It is none of this log, or no known key signed it.
    """
    try:
        note, _ = keys.open_text(base64.b64decode(text, validate=True).decode())
    except ValueError:
        raise BrokenNoteError from None
    lines = note[:-1].split("\n")
    if len(lines) != _LINES or lines[:2] != [KIND, keys.name]:
        raise BrokenNoteError
    # What we signed is well-formed.
    return Receipt(int(lines[2]), base64.b64decode(lines[3]), base64.b64decode(lines[4]))


def prove(text: str, *, keys: LogKeys) -> Proven:
    """Look in the log for what a receipt promised.

    Raises:
        BrokenNoteError: It is no receipt of this log.
        BrokenProofError: The stored tree lacks hashes.
        django.db.Error: The database failed.
    """
    receipt = load(text, keys=keys)
    event = find_event(receipt)
    if event is None:
        return Proven(_standing_without_event(receipt, keys=keys), client="")
    client = str(event[encoding.COLUMNS.index("client")])
    lines = tuple(export.event_lines(keys, event=event))
    return Proven(Standing.SEALED if lines else Standing.WAITING, client=client, lines=lines)


def find_standings(texts: Sequence[str], *, keys: LogKeys) -> list[Standing | None]:
    """Return what became of each receipt, None for a text that is none: two reads each, without a proof."""
    return [_find_standing(text, keys=keys) for text in texts]


def find_event(receipt: Receipt) -> tuple[Any, ...] | None:
    """Return the columns of the event that the receipt was made for; None where the log has it no more."""
    found = log.list_events(after=receipt.event_id - 1, up_to=receipt.event_id, limit=1)
    return found[0] if found and receipt.fits(found[0]) else None


def _find_standing(text: str, *, keys: LogKeys) -> Standing | None:
    try:
        receipt = load(text, keys=keys)
    except BrokenNoteError:
        return None
    event, leaf = find_event(receipt), log.find_leaf(event_id=receipt.event_id)
    if event is None:
        return _standing_without_event(receipt, keys=keys)
    if leaf is None:
        return Standing.WAITING
    is_sealed = encoding.hash_event(event, nonce=leaf.nonce) == leaf.hash
    return Standing.SEALED if is_sealed else Standing.BROKEN


def _standing_without_event(receipt: Receipt, *, keys: LogKeys) -> Standing:
    """SECURITY: that an event expired is believed of a signed note alone."""
    newest = log.find_removal()
    try:
        told = removals.load(newest.note, keys=keys) if newest else None
    except BrokenNoteError:
        told = None
    return Standing.REMOVED if told and receipt.event_id <= told.last_event else Standing.BROKEN


def _digest(event: Sequence[object], *, salt: bytes) -> bytes:
    return sha256(salt + encoding.encode(event)).digest()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
