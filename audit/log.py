"""The stored log: leaves, nodes and checkpoints as they are read and added. It judges nothing and signs nothing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.utils import timezone

from audit import encoding
from audit.errors import LogBrokenError
from audit.models import AuditCheckpoint, AuditRemoval
from audit.record import DATABASE
from audit.tree import HASH_BYTES, LEVEL_STEP, Node

# As many hashes as one stored node covers: what a tree reads at once never crosses the edge of such a block.
_BLOCK = 1 << LEVEL_STEP
# Some megabytes.
_REMOVALS_AT_ONCE = 20
_SELECT_LEAF = "SELECT position, event_id, encoding, nonce, hash FROM audit_leaf"


@dataclass(frozen=True, slots=True)
class Leaf:
    """One leaf as it is stored."""

    position: int
    event_id: int
    encoding: int
    nonce: bytes
    hash: bytes


class Hashes:
    """Reads the stored hashes of the tree, each block of them once; a `Read` of `audit.tree`."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[int, int], Sequence[bytes]] = {}

    def __call__(self, level: int, start: int, stop: int) -> Sequence[bytes]:
        """Return the hashes of subtrees `start` to `stop` of `level`."""
        block = start // _BLOCK
        if (level, block) not in self._blocks:
            self._blocks[level, block] = _read_block(level, block)
        first = block * _BLOCK
        return self._blocks[level, block][start - first : stop - first]


def find_checkpoint_up_to(size: int) -> AuditCheckpoint | None:
    """Return the newest checkpoint of at most `size` leaves."""
    return AuditCheckpoint.objects.filter(size__lte=size).order_by("-size").first()


def find_checkpoint(size: int | None = None) -> AuditCheckpoint | None:
    """Return the newest checkpoint, or that of the tree of `size` leaves."""
    found = AuditCheckpoint.objects.order_by("-size")
    return found.first() if size is None else found.filter(size=size).first()


def find_removal() -> AuditRemoval | None:
    """Return the newest removal without its hashes, None where nothing was ever removed."""
    return AuditRemoval.objects.defer("hashes").order_by("-size").first()


def list_removals() -> Iterator[AuditRemoval]:
    """Yield the removals from the log's beginning, few of them at once: each has the hashes of thousands of leaves."""
    yield from AuditRemoval.objects.order_by("size").iterator(_REMOVALS_AT_ONCE)


def split_hashes(kept: object) -> list[bytes]:
    """Return the hashes of leaves as a removal keeps them, one by one; none of what are no bytes."""
    hashes = bytes(kept) if isinstance(kept, bytes | memoryview) else b""
    return [hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)]


def find_last_leaf() -> Leaf | None:
    """Return the leaf at the end."""
    return _find_leaf("ORDER BY position DESC LIMIT 1", [])


def find_leaf(*, event_id: int) -> Leaf | None:
    """Return the leaf of an event, None while it is not sealed."""
    return _find_leaf("WHERE event_id = %s", [event_id])


def find_newest_event() -> int:
    """Return the largest id of an event that is committed, 0 without any."""
    with connections[DATABASE].cursor() as cursor:
        cursor.execute("SELECT max(id) FROM audit_event")
        return int(cursor.fetchone()[0] or 0)


def list_events(*, after: int, up_to: int, limit: int, user: str = "") -> list[tuple[Any, ...]]:
    """Return the events with ids above `after` up to `up_to`, as `audit.encoding` takes them, the oldest first.

    With `user`, of that subject alone.
    """
    connection = connections[DATABASE]
    columns = encoding.select_list(connection, table="audit_event")
    whose = ' AND "user" = %s' if user else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM audit_event WHERE id > %s AND id <= %s{whose} ORDER BY id LIMIT %s",  # noqa: S608
            [after, up_to, *([user] if user else []), limit],
        )
        return list(cursor.fetchall())


def list_leaves_from(position: int, *, limit: int) -> list[Leaf]:
    """Return at most `limit` leaves from `position` on, in their order."""
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(f"{_SELECT_LEAF} WHERE position >= %s ORDER BY position LIMIT %s", [position, limit])
        return [_leaf(row) for row in cursor.fetchall()]


def list_leaves(event_ids: Iterable[int]) -> dict[int, Leaf]:
    """Return the leaves of these events by the event's id; what is not sealed has none."""
    ids = list(event_ids)
    marks = ", ".join(["%s"] * len(ids))
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(f"{_SELECT_LEAF} WHERE event_id IN ({marks})", ids)
        return {row[1]: _leaf(row) for row in cursor.fetchall()}


def append(leaves: Iterable[Leaf], *, nodes: Iterable[Node], size: int, note: str) -> None:
    """Add to the log inside the caller's transaction."""
    with connections[DATABASE].cursor() as cursor:
        cursor.executemany(
            "INSERT INTO audit_leaf (position, event_id, encoding, nonce, hash) VALUES (%s, %s, %s, %s, %s)",
            [(leaf.position, leaf.event_id, leaf.encoding, leaf.nonce, leaf.hash) for leaf in leaves],
        )
        rows = [(node.level, node.position, node.hash) for node in nodes]
        if rows:
            cursor.executemany("INSERT INTO audit_node (level, position, hash) VALUES (%s, %s, %s)", rows)
    AuditCheckpoint(size=size, note=note, sealed_at=timezone.now()).save(force_insert=True)


def remove(removal: AuditRemoval) -> None:
    """Remove the leaves of a segment and their events inside the caller's transaction, and keep the removal.

    Raises:
        LogBrokenError: Not as many rows were there as the segment has leaves; the caller's transaction must not stand.
    """
    removal.save(force_insert=True)
    with connections[DATABASE].cursor() as cursor:
        cursor.execute("DELETE FROM audit_event WHERE id <= %s", [removal.last_event])
        events = cursor.rowcount
        cursor.execute("DELETE FROM audit_leaf WHERE position < %s", [removal.size])
        if events != removal.size - removal.start or cursor.rowcount != events:
            raise LogBrokenError(f"The first {removal.size} leaves are not one for each event.")


def _find_leaf(clause: str, values: list[int]) -> Leaf | None:
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(f"{_SELECT_LEAF} {clause}", values)
        row = cursor.fetchone()
    return _leaf(row) if row else None


def _leaf(row: tuple[Any, ...]) -> Leaf:
    return Leaf(row[0], row[1], row[2], bytes(row[3]), bytes(row[4]))


def _read_block(level: int, block: int) -> Sequence[bytes]:
    """Return the hashes of a block, up to the first that is missing."""
    first = block * _BLOCK
    where = "position >= %s AND position < %s ORDER BY position"
    table = f"audit_node WHERE level = {level} AND" if level else "audit_leaf WHERE"
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(f"SELECT position, hash FROM {table} {where}", [first, first + _BLOCK])  # noqa: S608  (ours)
        rows = cursor.fetchall()
    # Only a block of leaves may begin before what was removed ends, and the removed ones stand at its beginning.
    removed = _read_removed(first) if not level and (not rows or rows[0][0] != first) else []
    kept = [bytes(row[1]) for number, row in enumerate(rows, start=first + len(removed)) if row[0] == number]
    return [*removed, *kept]


def _read_removed(first: int) -> list[bytes]:
    """Return the hashes of the removed leaves of the block that begins at `first`."""
    stop = first + _BLOCK
    # Bounded by the key alone: removals follow each other.
    until = AuditRemoval.objects.filter(size__gte=stop).order_by("size").values_list("size", flat=True).first()
    found = AuditRemoval.objects.filter(size__gt=first, size__lte=until or stop).order_by("size")
    return [each for removal in found for each in _slice(removal, first=first, stop=stop)]


def _slice(removal: AuditRemoval, *, first: int, stop: int) -> list[bytes]:
    return split_hashes(removal.hashes)[max(0, first - removal.start) : max(0, stop - removal.start)]
