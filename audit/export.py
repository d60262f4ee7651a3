"""The audit as lines of JSON that can be checked without us: `tools/verify_audit.py` does, and needs no database.

First a header and the checkpoints, then the events by rising id. Of a whole log every event is there, and its tree can
be built anew; of one person's events each brings its path to the newest checkpoint. What is not sealed yet comes last.
"""

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any

from audit import encoding, log
from audit.checkpoint import LogKeys
from audit.errors import BrokenNoteError, RemovedMeanwhileError
from audit.log import Hashes, Leaf
from audit.models import AuditCheckpoint, AuditRemoval
from audit.tree import prove_consistency, prove_inclusion

SCHEMA = "devcontext-audit-export/1"

# SQLite before 3.32 takes no more than 999 values in a statement.
_BATCH = 500


def lines(keys: LogKeys, *, user: str = "", pinned: Sequence[str] = ()) -> Iterator[str]:
    """Yield the lines of an export of `user`'s events, or of everybody's, each with its newline.

    Args:
        keys: The log's public keys go along; who checks should have them from elsewhere.
        user: Subject, `user:<id>`; "" for the whole log.
        pinned: Notes kept elsewhere, which one person's export is shown to go on from.

    Raises:
        BrokenProofError: The stored tree lacks hashes.
        BrokenNoteError: A pinned note is none of this log, or is of a longer one.
        RemovedMeanwhileError: Events were removed for their age meanwhile, so that the lines are not all of it.
        django.db.Error: The database failed.
    """
    removed, newest, settled = log.find_removal(), log.find_checkpoint(), log.find_newest_event()
    size = newest.size if newest else 0
    yield _header(keys, of=user or "all")
    read = Hashes()
    yield from _checkpoint_lines(newest, is_whole=not user)
    yield from (_consistency_line(keys, note, size=size, read=read) for note in pinned if user)
    yield from _removal_lines(removed, is_whole=not user)
    yield from _event_lines(user=user, settled=settled, size=size, read=read)
    if log.find_removal() != removed:
        raise RemovedMeanwhileError


def event_lines(keys: LogKeys, *, event: Sequence[Any]) -> Iterator[str]:
    """Yield an export of one event alone, none while it is not sealed; raises what `lines` raises."""
    # In this order: a leaf that is added meanwhile belongs to a checkpoint that is read.
    leaves, newest = log.list_leaves([event[0]]), log.find_checkpoint()
    if newest is None or not leaves:
        return
    yield _header(keys, of=str(event[encoding.COLUMNS.index("user")]))
    yield _line("checkpoint", note=newest.note)
    leaf = leaves[event[0]]
    path = prove_inclusion(leaf.position, size=newest.size, read=Hashes())
    yield _line("event", **_fields(event, leaf), path=_texts(path))


def _header(keys: LogKeys, *, of: str) -> str:
    verifiers = [str(verifier) for verifier in keys.verifiers]
    return _line("header", of=of, log=keys.name, verifiers=verifiers, columns=encoding.COLUMNS)


def _checkpoint_lines(newest: AuditCheckpoint | None, *, is_whole: bool) -> Iterator[str]:
    if newest is None:
        return
    if is_whole:
        older = AuditCheckpoint.objects.filter(size__lt=newest.size).order_by("size")
        yield from (_line("checkpoint", note=stored.note) for stored in older.iterator(_BATCH))
    yield _line("checkpoint", note=newest.note)


def _removal_lines(newest: AuditRemoval | None, *, is_whole: bool) -> Iterator[str]:
    """Yield the notes on what expired; of a whole log with the hashes of its leaves, else the newest alone."""
    if newest and not is_whole:
        yield _line("removal", note=newest.note)
    elif newest:
        for stored in log.list_removals():
            yield _line("removal", note=stored.note, hashes=base64.b64encode(stored.hashes).decode())


def _consistency_line(keys: LogKeys, note: str, *, size: int, read: Hashes) -> str:
    first = keys.open(note).size
    if first > size:
        raise BrokenNoteError
    return _line("consistency", note=note, path=_texts(prove_consistency(first, size=size, read=read)))


def _event_lines(*, user: str, settled: int, size: int, read: Hashes) -> Iterator[str]:
    after = 0
    while events := log.list_events(after=after, up_to=settled, limit=_BATCH, user=user):
        leaves = log.list_leaves(values[0] for values in events)
        for values in events:
            leaf = leaves.get(values[0])
            # Leaves that were added since belong to a checkpoint that the export does not have.
            if leaf is None or leaf.position >= size:
                yield _line("unsealed", event=values)
            else:
                path = {"path": _texts(prove_inclusion(leaf.position, size=size, read=read))} if user else {}
                yield _line("event", **_fields(values, leaf), **path)
        after = events[-1][0]


def _fields(values: Sequence[Any], leaf: Leaf) -> dict[str, Any]:
    return {"position": leaf.position, "encoding": leaf.encoding, "nonce": leaf.nonce.hex(), "event": values}


def _texts(hashes: Sequence[bytes]) -> list[str]:
    return [base64.b64encode(value).decode() for value in hashes]


def _line(kind: str, **fields: Any) -> str:
    return json.dumps({"schema": SCHEMA, "type": kind, **fields}, ensure_ascii=False, separators=(",", ":")) + "\n"
