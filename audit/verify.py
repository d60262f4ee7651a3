"""Compares the events with the signed log, and says what was edited, deleted, inserted, reordered or cut off.

It reads and never writes, and trusts the keys and the pin it is given, not the database: whoever owns that may have
changed all of it. What they cannot do is sign: no log, and no note that something expired (`audit.removal`). A
checkpoint pinned elsewhere shows even a log that was replaced whole.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from operator import lt
from typing import Any

from django.db import Error, connections

from audit import encoding, log, removal
from audit.checkpoint import Checkpoint, LogKeys
from audit.errors import BrokenNoteError
from audit.models import AuditCheckpoint, AuditRemoval
from audit.record import DATABASE
from audit.tree import EMPTY_ROOT, Frontier, Node

# So many leaves are read at once: the bar moves a few times a second.
_BATCH = 5000
# More findings of one log tell nothing more.
MAX_FINDINGS = 100

Show = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found: nothing, if `findings` is empty. `unsealed` events are newer than the log.

    Of the `leaves`, the first `removed` have expired, and so have their events.
    """

    leaves: int
    removed: int
    checkpoints: int
    unsealed: int
    newest_note: str
    findings: tuple[str, ...]


@dataclass(slots=True)
class _Walk:
    """What one pass over the leaves keeps in mind; `sizes` are those that are `wanted`, the smallest last."""

    wanted: dict[int, list[tuple[str, bytes]]]
    findings: list[str] = field(default_factory=list)
    frontier: Frontier = field(default_factory=Frontier)
    sizes: list[int] = field(default_factory=list)
    last_event: int = 0
    is_tree_broken: bool = False
    nodes: list[Node] = field(default_factory=list)

    def find(self, sentence: str) -> None:
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(sentence)


def verify(keys: LogKeys, *, pinned: Iterable[str] = (), show: Show = lambda _done: None) -> Report:
    """Return what is wrong with the stored events and their log; `show` is told how many leaves are done.

    Args:
        keys: All keys that the log was ever signed with, the current one first.
        pinned: Notes that were kept outside the database.
        show: Is called after each batch.

    Raises:
        django.db.Error: The database does not answer.
    """
    pinned, removed = tuple(pinned), _find_removed()
    report = _verify(keys, pinned=pinned, show=show)
    # Who reads while segments go may miss both a segment and the note on it.
    while report.findings and removed != (removed := _find_removed()):
        report = _verify(keys, pinned=pinned, show=show)
    return report


def _find_removed() -> int:
    newest = log.find_removal()
    return newest.size if newest else 0


def _verify(keys: LogKeys, *, pinned: Iterable[str], show: Show) -> Report:
    walk = _Walk(wanted={})
    newest, checkpoints = _open_checkpoints(keys, walk=walk)
    for note in pinned:
        _want_pinned(keys, note, walk=walk)
    walk.sizes = sorted((size for size in walk.wanted if size > 0), reverse=True)
    for stored in log.list_removals():
        _check_removal(keys, stored, walk=walk)
        _check_nodes(walk)
        show(walk.frontier.size)
    removed = walk.frontier.size
    for batch in _leaves():
        _check_batch(batch, walk=walk)
        _check_nodes(walk)
        show(walk.frontier.size)
    _check_end(walk, newest=newest)
    unsealed = _check_inserted(walk)
    return Report(
        walk.frontier.size, removed, checkpoints, unsealed, newest.note if newest else "", tuple(walk.findings)
    )


def _open_checkpoints(keys: LogKeys, *, walk: _Walk) -> tuple[AuditCheckpoint | None, int]:
    """Note which roots the checkpoints speak of; return the newest of them, and their number."""
    newest, count, signed_by = None, 0, len(keys.verifiers)
    for stored in AuditCheckpoint.objects.order_by("size").iterator(_BATCH):
        newest, count = stored, count + 1
        checkpoint = _open(keys, stored, walk=walk)
        if checkpoint is None:
            continue
        if checkpoint.signed_by > signed_by:
            walk.find(f"The checkpoint of {stored.size} leaves is signed with a key that was replaced before it.")
        signed_by = min(signed_by, checkpoint.signed_by)
        walk.wanted.setdefault(stored.size, []).append(("its checkpoint", checkpoint.root))
    if count and signed_by:
        walk.find("The newest checkpoint is not signed with the current log key. Was the vault started with it yet?")
    return newest, count


def _open(keys: LogKeys, stored: AuditCheckpoint, *, walk: _Walk) -> Checkpoint | None:
    try:
        checkpoint = keys.open(stored.note)
    except BrokenNoteError:
        checkpoint = None
    if checkpoint is None or checkpoint.size != stored.size:
        walk.find(f"The checkpoint of {stored.size} leaves is not signed by a known key: it was replaced.")
        return None
    return checkpoint


def _want_pinned(keys: LogKeys, note: str, *, walk: _Walk) -> None:
    try:
        pinned = keys.open(note)
    except BrokenNoteError:
        walk.find("A pinned checkpoint is not signed by a known key.")
    else:
        walk.wanted.setdefault(pinned.size, []).append(("the pinned checkpoint", pinned.root))


def _check_removal(keys: LogKeys, stored: AuditRemoval, *, walk: _Walk) -> None:
    """Check that a segment went by a note of ours, and let its leaves grow the tree as if they were there."""
    hashes = log.split_hashes(stored.hashes)
    try:
        # SQLite keeps any value in any column.
        told = removal.load(str(stored.note), keys=keys)
        is_sound = (told.size, told.last_event) == (stored.size, stored.last_event)
    except BrokenNoteError:
        is_sound = False
    if not is_sound:
        walk.find(f"No key that is known signed that the first {stored.size} leaves were removed for their age.")
    if (stored.start, stored.size) != (walk.frontier.size, walk.frontier.size + len(hashes)):
        walk.find(f"What is kept of the removed leaves before the {stored.size}th is not all of it.")
        walk.is_tree_broken = True
    _grow(walk, hashes)
    if is_sound:
        walk.last_event = max(walk.last_event, stored.last_event)


def _leaves() -> Iterator[list[tuple[Any, ...]]]:
    """Yield the leaves in their order, in batches, each with the text of the event it speaks of."""
    text = encoding.select_text(connections[DATABASE], table="audit_event")
    last = -(2**62)
    while batch := _read(after=last, text=text):
        yield batch
        last = batch[-1][0]


def _read(*, after: int, text: str) -> list[tuple[Any, ...]]:
    try:
        return _select(after=after, text=text)
    except Error:
        # One event has a value that cannot be written so: each of the batch is looked at by itself.
        return _select(after=after, text="''")


def _select(*, after: int, text: str) -> list[tuple[Any, ...]]:
    query = f"""
        SELECT audit_leaf.position, event_id, encoding, nonce, hash, {text}
        FROM audit_leaf LEFT JOIN audit_event ON audit_event.id = event_id
        WHERE audit_leaf.position > %s ORDER BY audit_leaf.position LIMIT {_BATCH}
    """  # noqa: S608  (names of ours alone)
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(query, [after])
        return list(cursor.fetchall())


def _check_batch(batch: list[tuple[Any, ...]], *, walk: _Walk) -> None:
    """Check the leaves against their events, and the tree that they make against each root that was signed."""
    try:
        hashes = _hash_sound(batch, walk=walk)
    except (TypeError, AttributeError):
        # SQLite keeps any value in any column.
        hashes = None
    if hashes is None:
        hashes = _check_each(batch, walk=walk)
    else:
        walk.last_event = batch[-1][1]
    _grow(walk, hashes)


def _hash_sound(batch: list[tuple[Any, ...]], *, walk: _Walk) -> list[bytes] | None:
    """Return the hashes of the leaves' events, None unless all is as it was sealed: nearly every batch is.

    A column at a time, since a million leaves are verified in a few seconds.

    Raises:
        TypeError, AttributeError: A value is of a kind that none of ours is.
    """
    positions, events, versions, nonces, stored, texts = zip(*batch, strict=True)
    first = walk.frontier.size
    is_in_order = all(map(lt, (walk.last_event, *events), events))
    if not is_in_order or set(versions) != {encoding.VERSION} or positions != (*range(first, first + len(batch)),):
        return None
    hashes = [sha256(b"\0" + nonce + text.encode()).digest() for nonce, text in zip(nonces, texts, strict=True)]
    return hashes if (*hashes,) == stored else None


def _check_each(batch: list[tuple[Any, ...]], *, walk: _Walk) -> list[bytes]:
    """Return the hashes that the tree goes on with, where not all leaves are sound: what is wrong, `_judge` says."""
    hashes, version = [], encoding.VERSION
    for position, row in enumerate(batch, start=walk.frontier.size):
        stored_position, event_id, stored_version, nonce, hashed, text = row
        try:
            is_sound = stored_position == position and stored_version == version and event_id > walk.last_event
            is_sound = is_sound and sha256(b"\0" + nonce + text.encode()).digest() == hashed
        except (TypeError, AttributeError):
            is_sound = False
        if is_sound:
            walk.last_event = event_id
        else:
            hashed = _judge(row, position=position, walk=walk)
        hashes.append(hashed)
    return hashes


def _grow(walk: _Walk, hashes: list[bytes]) -> None:
    """Add the leaves, and stop at each size that something was signed of."""
    done, first = 0, walk.frontier.size
    while walk.sizes and walk.sizes[-1] <= first + len(hashes):
        size = walk.sizes.pop()
        walk.nodes += walk.frontier.extend(hashes[done : size - first])
        done = size - first
        _check_root(walk)
    walk.nodes += walk.frontier.extend(hashes[done:])


def _judge(row: tuple[Any, ...], *, position: int, walk: _Walk) -> bytes:
    """Say what is wrong with a leaf or its event, and return the hash that the tree goes on with."""
    stored_position, event_id, version = row[:3]
    nonce, hashed = (bytes(value) if isinstance(value, bytes | memoryview) else b"" for value in row[3:5])
    if stored_position != position and not walk.is_tree_broken:
        walk.find(f"Leaf {position} is missing, or leaves were moved.")
        walk.is_tree_broken = True
    if not isinstance(event_id, int):
        walk.find(f"Leaf {stored_position} names no event.")
        return hashed
    if event_id <= walk.last_event:
        walk.find(f"Leaf {stored_position} of event {event_id} is out of order.")
    walk.last_event = max(walk.last_event, event_id)
    events = log.list_events(after=event_id - 1, up_to=event_id, limit=1)
    if not events:
        walk.find(f"Event {event_id} was deleted.")
    elif version != encoding.VERSION or _hash(events[0], nonce=nonce) != hashed:
        walk.find(f"Event {event_id} was changed.")
    return hashed


def _hash(values: tuple[Any, ...], *, nonce: bytes) -> bytes:
    try:
        return encoding.hash_event(values, nonce=nonce)
    except (TypeError, ValueError):
        # No event of ours has a value of such a kind.
        return b""


def _check_root(walk: _Walk) -> None:
    """Compare the root with what was signed; after the first that differs, all others do."""
    size, root = walk.frontier.size, walk.frontier.root()
    for source, signed in walk.wanted.pop(size):
        if root != signed and not walk.is_tree_broken:
            walk.find(f"The first {size} leaves are not those of {source}: leaves up to there were rewritten.")
            walk.is_tree_broken = True


def _check_nodes(walk: _Walk) -> None:
    """Compare the stored inner nodes with those that the leaves make; without them no proof can be given."""
    if not walk.nodes:
        return
    with connections[DATABASE].cursor() as cursor:
        for node in walk.nodes:
            cursor.execute(
                "SELECT hash FROM audit_node WHERE level = %s AND position = %s", [node.level, node.position]
            )
            row = cursor.fetchone()
            if (row is None or bytes(row[0]) != node.hash) and not walk.is_tree_broken:
                walk.find(f"Node {node.position} of level {node.level} is missing or was changed.")
    walk.nodes.clear()


def _check_end(walk: _Walk, *, newest: AuditCheckpoint | None) -> None:
    size = walk.frontier.size
    # What speaks of no leaf at all was there before the first.
    missing = [(wanted, source) for wanted, sources in walk.wanted.items() for source, root in sources if wanted]
    for wanted, source in sorted(missing):
        if wanted > size:
            walk.find(f"The log has {size} leaves, and {source} speaks of {wanted}: its end was cut off.")
    if any(root != EMPTY_ROOT for _, root in walk.wanted.get(0, [])):
        walk.find("A checkpoint of no leaves has the root of some.")
    if size > (newest.size if newest else 0):
        walk.find(f"The log has {size} leaves, and no checkpoint covers the last of them.")


def _check_inserted(walk: _Walk) -> int:
    """Report events among the sealed ones that have no leaf; return how many come after the last leaf."""
    query = """
        SELECT id FROM audit_event WHERE id <= %s
            AND NOT EXISTS (SELECT 1 FROM audit_leaf WHERE event_id = audit_event.id) ORDER BY id LIMIT %s
    """
    with connections[DATABASE].cursor() as cursor:
        cursor.execute(query, [walk.last_event, MAX_FINDINGS])
        for (event_id,) in cursor.fetchall():
            walk.find(f"Event {event_id} was inserted, or its leaf removed.")
        cursor.execute("SELECT count(*) FROM audit_event WHERE id > %s", [walk.last_event])
        return int(cursor.fetchone()[0])
