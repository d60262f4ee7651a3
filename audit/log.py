"""The stored log: leaves, nodes and checkpoints as they are read and added. It judges nothing and signs nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.utils import timezone

from audit import encoding
from audit.models import AuditCheckpoint
from audit.record import DATABASE
from audit.tree import LEVEL_STEP, Node

# As many hashes as one stored node covers: what a tree reads at once never crosses the edge of such a block.
_BLOCK = 1 << LEVEL_STEP
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


def find_checkpoint(size: int | None = None) -> AuditCheckpoint | None:
    """Return the newest checkpoint, or that of the tree of `size` leaves."""
    found = AuditCheckpoint.objects.order_by("-size")
    return found.first() if size is None else found.filter(size=size).first()


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
    return [bytes(row[1]) for number, row in enumerate(rows) if row[0] == first + number]
