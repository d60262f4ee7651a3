"""What shows one event to be in the signed log, for who does not believe the database: the page and the export."""

from dataclasses import dataclass
from typing import Any

from audit import log
from audit.log import Hashes, Leaf
from audit.tree import prove_inclusion


@dataclass(frozen=True, slots=True)
class Proof:
    """An event's columns, its leaf, and the path from it to the root of the tree in `note`, a signed checkpoint."""

    event: tuple[Any, ...]
    leaf: Leaf
    path: tuple[bytes, ...]
    size: int
    note: str


def find_proof(event_id: int, *, user: str) -> Proof | None:
    """Return the proof of an event of `user`; None if it is nobody's, another's, or not sealed yet.

    Raises:
        BrokenProofError: The stored tree lacks hashes.
        django.db.Error: The database failed.
    """
    events = log.list_events(after=event_id - 1, up_to=event_id, limit=1, user=user)
    leaf, newest = log.find_leaf(event_id=event_id), log.find_checkpoint()
    if not events or leaf is None or newest is None:
        return None
    path = prove_inclusion(leaf.position, size=newest.size, read=Hashes())
    return Proof(events[0], leaf, tuple(path), newest.size, newest.note)
