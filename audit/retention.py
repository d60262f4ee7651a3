"""Removes what is older than it is kept: whole sealed segments from the log's beginning, and nothing else, ever.

A segment ends at a checkpoint, and all of its events are older than the limit. It goes in one transaction with a signed
note that it went (`audit.removal`) and the hashes of its leaves, from which every checkpoint, before and after, can
still be checked and proved. SECURITY: each event is compared with the log before it goes, so that nothing that somebody
changed is ever removed: what would show it stays.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.utils import timezone

from audit import encoding, log, overwriting, removal
from audit.checkpoint import LogKeys
from audit.claim import Task, claimed
from audit.errors import BrokenNoteError, BrokenProofError, LogBrokenError
from audit.events import Entry, Event
from audit.log import Hashes, Leaf
from audit.models import AuditCheckpoint, AuditRemoval
from audit.record import DATABASE, record
from audit.removal import Removal
from audit.tree import Frontier

# As many as a seal takes: a checkpoint is never further away.
_BATCH = 1000
# Where checkpoints lie closer, fewer go at once: whoever writes waits for as long, on SQLite.
_SEGMENT = 250
# Whoever waits for that place comes in between.
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Removed:
    """How many events were removed, and the id of the last one that ever was."""

    events: int
    last_event: int


def remove_older(keys: LogKeys, *, days: int, is_over: Callable[[], bool] = lambda: False) -> Removed:
    """Remove what is older than `days`, on record before and after, until `is_over` says to stop. Sync.

    Nothing is recorded where there is nothing to remove. It can be cut off and run again.

    Raises:
        AuditUnavailableError: The removal could not be recorded; nothing was removed yet, or all that could be.
        LogBrokenError: What is next to go is not what was sealed; nothing of it is removed.
        django.core.exceptions.ImproperlyConfigured: There is no key to sign with.
        django.db.Error: The database failed, or refuses this process's role.
    """
    if not keys.signers:
        raise ImproperlyConfigured("Only who has the log's private key, AUDIT_LOG_KEY, removes anything from it.")
    before = encoding.write_instant(timezone.now() - timedelta(days=days))
    with _next_segment(keys, before=before) as segment:
        if segment is None:
            return Removed(0, 0)
    record(Entry(event=Event.AUDIT_RETENTION_STARTED, user="", reason=f"older than {days} days"))
    removed = Removed(0, 0)
    try:
        while not is_over():
            with _next_segment(keys, before=before) as segment:
                if segment is None:
                    break
                _remove(segment)
            removed = Removed(removed.events + segment.size - segment.start, segment.last_event)
            time.sleep(_PAUSE_SECONDS)
    except Exception:
        # Whatever it was: the caller is told, and the log that it was not done.
        record(Entry(event=Event.AUDIT_RETENTION_FAILED, user="", reason=f"older than {days} days"))
        raise
    overwriting.cut_write_ahead_log(connections[DATABASE])
    told = f"{removed.events} events, up to {removed.last_event}"
    record(Entry(event=Event.AUDIT_RETENTION_SUCCEEDED, user="", reason=told))
    return removed


@contextmanager
def _next_segment(keys: LogKeys, *, before: str) -> Iterator[AuditRemoval | None]:
    """Yield the next segment to remove, None where none is old enough or another process removes just now."""
    with claimed(Task.REMOVING) as is_ours:
        yield _find_segment(keys, before=before) if is_ours else None


def _find_segment(keys: LogKeys, *, before: str) -> AuditRemoval | None:
    """Return the next segment, which ends before the newest checkpoint; None where none is old enough."""
    last, newest = log.find_removal(), log.find_checkpoint()
    start, after = (last.size, last.last_event) if last else (0, 0)
    leaves = log.list_leaves_from(start, limit=_BATCH)
    if newest is None or not leaves:
        return None
    events = log.list_events(after=after, up_to=leaves[-1].event_id, limit=_BATCH + 1)
    old = min(_count_older(events, before=before), len(leaves))
    checkpoint = _find_end(start, old=min(old, newest.size - 1 - start))
    if checkpoint is None:
        return None
    count = checkpoint.size - start
    _require_sealed(leaves[:count], events=events[:count], start=start)
    _require_signed(leaves[:count], note=checkpoint.note, keys=keys, start=start)
    return _segment(leaves[:count], start=start, before=before, keys=keys)


def _find_end(start: int, *, old: int) -> AuditCheckpoint | None:
    """Return the checkpoint at which a segment of at most `old` leaves ends, one of `_SEGMENT` leaves if it can be."""
    for most in (min(old, _SEGMENT), old):
        found = log.find_checkpoint_up_to(start + most)
        if found and found.size > start:
            return found
    return None


def _segment(leaves: Sequence[Leaf], *, start: int, before: str, keys: LogKeys) -> AuditRemoval:
    size, last_event = start + len(leaves), leaves[-1].event_id
    return AuditRemoval(
        size=size,
        start=start,
        last_event=last_event,
        removed_at=timezone.now(),
        note=removal.sign(Removal(size, last_event, before), keys=keys),
        hashes=b"".join(leaf.hash for leaf in leaves),
    )


def _count_older(events: Sequence[Sequence[object]], *, before: str) -> int:
    """Return how many events at the beginning are older; clocks step back, so the first that is not ends it."""
    at = encoding.COLUMNS.index("occurred_at")
    return next((number for number, values in enumerate(events) if str(values[at]) >= before), len(events))


def _require_sealed(leaves: Sequence[Leaf], *, events: Sequence[Sequence[object]], start: int) -> None:
    """SECURITY: what was inserted, deleted or changed stays, and so does everything after it."""
    for position, (leaf, values) in enumerate(zip(leaves, events, strict=True), start=start):
        if (leaf.position, leaf.event_id) != (position, values[0]):
            raise LogBrokenError(f"Leaf {position} and its event do not fit.")
        try:
            is_sound = encoding.hash_event(values, nonce=leaf.nonce) == leaf.hash
        except (TypeError, ValueError):
            is_sound = False
        if not is_sound:
            raise LogBrokenError(f"Event {leaf.event_id} was changed.")


def _require_signed(leaves: Sequence[Leaf], *, note: str, keys: LogKeys, start: int) -> None:
    """Check the leaves against the checkpoint where they end, and with them all that is kept of what went before."""
    try:
        frontier, signed = Frontier.load(start, read=Hashes()), keys.open(note)
    except (BrokenNoteError, BrokenProofError):
        raise LogBrokenError("The tree lacks leaves or nodes, or a checkpoint is not signed by a known key.") from None
    frontier.extend(leaf.hash for leaf in leaves)
    if (frontier.size, frontier.root()) != (signed.size, signed.root):
        raise LogBrokenError(f"The first {frontier.size} leaves are not those of their checkpoint.")


def _remove(segment: AuditRemoval) -> None:
    overwriting.overwrite_what_goes(connections[DATABASE])
    with transaction.atomic(using=DATABASE):
        log.remove(segment)
