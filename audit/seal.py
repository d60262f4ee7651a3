"""Seals events: one process at a time appends their leaves to the tree and signs the new root.

SECURITY: nothing is signed after a log that is not the one signed before. Whoever rewrote it would else get a signature
for it within a second.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction

from audit import encoding, horizon, log, pin
from audit.checkpoint import Checkpoint, LogKeys
from audit.claim import Task, claimed
from audit.errors import BrokenNoteError, BrokenProofError, LogBrokenError
from audit.log import Leaf
from audit.record import DATABASE
from audit.tree import EMPTY_ROOT, Frontier, root_of

# A transaction of as many leaves holds SQLite's one place to write for some 20 ms.
_BATCH = 1000


@dataclass(frozen=True, slots=True)
class _Grown:
    """The log after a seal."""

    frontier: Frontier
    last_event: int
    note: str


class Sealer:
    """Keeps the tree's right edge between two seals, so that a seal costs what is new and not what is there."""

    def __init__(self, keys: LogKeys, *, pin_file: Path) -> None:
        """`keys` sign; the newest checkpoint is pinned in `pin_file` after it is committed."""
        self._keys, self._pin_file = keys, pin_file
        self._frontier: Frontier | None = None
        self._last_event = 0

    def seal_next(self, *, limit: int = _BATCH) -> int:
        """Seal at most `limit` events and return how many; 0 too while another process seals. Sync.

        Raises:
            LogBrokenError: The stored log is not the one that was signed and pinned.
            django.db.Error: The database failed.
        """
        settled = horizon.find_settled()
        if self._frontier is not None and settled <= self._last_event:
            return 0
        with claimed(Task.SEALING) as is_ours:
            grown = self._seal(settled, limit=limit) if is_ours else None
        if grown is None:
            return 0
        # Only now it is committed: a pin that is ahead of its log would tell of a loss.
        sealed = grown.frontier.size - self._size()
        self._frontier, self._last_event = grown.frontier, grown.last_event
        pin.replace(self._pin_file, note=grown.note)
        return sealed

    def is_key_new(self) -> bool:
        """Tell whether the newest checkpoint was signed by an earlier key.

        Raises:
            LogBrokenError: It was signed by none.
        """
        return self._open_newest().signed_by > 0

    def _size(self) -> int:
        return self._frontier.size if self._frontier else 0

    def _seal(self, settled: int, *, limit: int) -> "_Grown | None":
        frontier = self._load()
        events = log.list_events(after=self._last_event, up_to=settled, limit=limit)
        if not events:
            return None
        grown, leaves = frontier.copy(), []
        for position, values in enumerate(events, start=grown.size):
            nonce = os.urandom(encoding.NONCE_BYTES)
            hashed = encoding.hash_event(values, nonce=nonce)
            leaves.append(Leaf(position, values[0], encoding.VERSION, nonce, hashed))
        nodes = grown.extend(leaf.hash for leaf in leaves)
        note = self._keys.sign(size=grown.size, root=grown.root())
        with transaction.atomic(using=DATABASE):
            log.append(leaves, nodes=nodes, size=grown.size, note=note)
        return _Grown(grown, events[-1][0], note)

    def _load(self) -> Frontier:
        """Return the right edge of the log that was signed last."""
        signed, last = self._open_newest(), log.find_last_leaf()
        size = last.position + 1 if last else 0
        if size != signed.size:
            raise LogBrokenError(f"The log has {size} leaves, and its newest checkpoint speaks of {signed.size}.")
        if self._frontier is None or (self._frontier.size, self._frontier.root()) != (signed.size, signed.root):
            # At the start, or when another process sealed meanwhile.
            self._frontier = _load_frontier(signed)
            self._require_pinned(signed)
        self._last_event = last.event_id if last else 0
        return self._frontier

    def _open_newest(self) -> Checkpoint:
        stored = log.find_checkpoint()
        if stored is None:
            return Checkpoint(self._keys.name, size=0, root=EMPTY_ROOT)
        try:
            return self._keys.open(stored.note)
        except BrokenNoteError:
            raise LogBrokenError(f"The checkpoint of {stored.size} leaves is not signed by a known key.") from None

    def _require_pinned(self, signed: Checkpoint) -> None:
        note = pin.find(self._pin_file)
        if note is None:
            return
        try:
            pinned = self._keys.open(note)
        except BrokenNoteError:
            raise LogBrokenError("The pinned checkpoint is not signed by a known key.") from None
        if pinned.size > signed.size:
            raise LogBrokenError(f"The log has {signed.size} leaves, and {pinned.size} were pinned: its end is lost.")
        if _stored_root(pinned.size) != pinned.root:
            raise LogBrokenError(f"The first {pinned.size} leaves are not those that were pinned.")


def _load_frontier(signed: Checkpoint) -> Frontier:
    try:
        frontier = Frontier.load(signed.size, read=log.Hashes())
    except BrokenProofError:
        raise LogBrokenError("The tree lacks leaves or nodes.") from None
    if frontier.root() != signed.root:
        raise LogBrokenError(f"The first {signed.size} leaves are not those of their checkpoint.")
    return frontier


def _stored_root(size: int) -> bytes:
    try:
        return root_of(size, read=log.Hashes())
    except BrokenProofError:
        return b""
