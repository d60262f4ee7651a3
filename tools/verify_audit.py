"""Checks an export of DevContext's audit without DevContext: `python verify_audit.py export.ndjson --key KEY`.

One file on Python's standard library and `cryptography`. It shares no code with what it checks, and trusts nothing in
the export: only the key, which you should have had from the operator before, and the checkpoint you kept (--pin).

What is checked: the leaf of each event (SHA-256 of 0x00, its nonce, and its columns as a JSON array without spaces),
the Merkle tree of RFC 9162 above the leaves, and the Ed25519 signature of the checkpoint with its root (C2SP
tlog-checkpoint, signed-note). Of a whole export (--all) every edit, deletion, insertion, change of order and cut of
what was sealed is found; of one person's export every edit and insertion. That none of a person's events is missing
can be seen in a whole export, or by a receipt (--receipt), which came with an exchange. What expired is gone from
the log's beginning by a signed note, and by nothing else.

Exit code 0: everything fits; 1: something was changed; 2: it could not be checked.
"""

import argparse
import base64
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import reduce
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SCHEMA, RECEIPT, REMOVAL = "devcontext-audit-export/1", "devcontext-audit-receipt/1", "devcontext-audit-removal/1"
ENCODING = 1
USER = 4  # The column that says whose event it is.
EMPTY = sha256().digest()


class UnusableError(Exception):
    """The export, a key or a note cannot be read at all."""


class ChangedError(Exception):
    """Something does not fit; the text says what."""


@dataclass
class Key:
    """A public key of the log, as `name+hash+key`."""

    name: str
    id: bytes
    public: Ed25519PublicKey


@dataclass
class Export:
    """What was read so far."""

    of: str
    keys: list[Key]
    receipts: dict[int, tuple[bytes, bytes]]
    checkpoints: dict[int, bytes] = field(default_factory=dict)
    peaks: list[bytes] = field(default_factory=list)
    size: int = 0
    last_id: int = 0
    removed: int = 0
    sealed: int = 0
    unsealed: int = 0

    @property
    def newest(self) -> int:
        """The size of the newest checkpoint."""
        return max(self.checkpoints, default=0)


def children(left: bytes, right: bytes) -> bytes:
    """RFC 9162 section 2.1.1."""
    return sha256(b"\x01" + left + right).digest()


def root_of_path(leaf: bytes, *, position: int, size: int, path: Iterable[bytes]) -> bytes:
    """RFC 9162 section 2.1.3.2; none for a path that does not fit."""
    place, last, found = position, size - 1, leaf
    for sibling in path:
        if not last:
            return b""
        if place & 1 or place == last:
            found = children(sibling, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = children(found, sibling)
        place, last = place >> 1, last >> 1
    return b"" if last else found


def is_consistent(first: int, first_root: bytes, *, size: int, root: bytes, path: list[bytes]) -> bool:
    """RFC 9162 section 2.1.4.2: the tree of `size` leaves begins with that of `first`."""
    if first in (0, size):
        return not path and first_root == (root if first else EMPTY)
    if first > size or not path:
        return False
    path = [first_root, *path] if first & (first - 1) == 0 else path
    place, last = first - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    old = new = path[0]
    for node in path[1:]:
        if not last:
            return False
        if place & 1 or place == last:
            old, new = children(node, old), children(node, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = children(new, node)
        place, last = place >> 1, last >> 1
    return not last and (old, new) == (first_root, root)


def read_key(text: str) -> Key:
    """Read `name+hash+key`. Source: https://c2sp.org/signed-note."""
    name, hashed, encoded = text.strip().split("+", 2)
    raw = base64.b64decode(encoded, validate=True)
    found = sha256(f"{name}\n".encode() + raw).digest()[:4]
    if raw[:1] != b"\x01" or found.hex() != hashed:
        raise ValueError(text)
    return Key(name, found, Ed25519PublicKey.from_public_bytes(raw[1:]))


def open_note(note: str, keys: list[Key]) -> tuple[int, bytes]:
    """Return size and root of a checkpoint that one of the keys signed; raises ChangedError for what is none."""
    size, root = open_signed(note, keys, [keys[0].name], lines=3)
    return int(size), base64.b64decode(root, validate=True)


def open_receipt(text: str, keys: list[Key]) -> tuple[int, tuple[bytes, bytes]]:
    """Return what a receipt promises: an event's id, and the salt and hash of its text; raises as `open_note`."""
    number, salt, hashed = open_signed(base64.b64decode(text).decode(), keys, [RECEIPT, keys[0].name], lines=5)
    return int(number), (base64.b64decode(salt), base64.b64decode(hashed))


def open_signed(note: str, keys: list[Key], first: list[str], *, lines: int) -> list[str]:
    """Return the lines after the `first` of a note that one of the keys signed; raises ChangedError for another."""
    body, _, signatures = note.rpartition("\n\n")
    try:
        signed = [line for line in signatures.removesuffix("\n").split("\n") if is_signed(f"{body}\n", line, keys)]
    except (ValueError, InvalidSignature):
        signed = []
    found = body.split("\n")
    if not signed or len(found) != lines or found[: len(first)] != first:
        raise ChangedError("A checkpoint, receipt or removal is not of this log, signed with a key that you trust.")
    return found[len(first) :]


def is_signed(text: str, line: str, keys: list[Key]) -> bool:
    """Tell whether a signature line is of one of the keys; raises InvalidSignature for one that only says so."""
    dash, signer, encoded = line.split(" ")
    signature = base64.b64decode(encoded, validate=True)
    known = [key for key in keys if (dash, signer, signature[:4]) == ("—", key.name, key.id)]
    for key in known:
        key.public.verify(signature[4:], text.encode())
    return bool(known)


def append(export: Export, leaf: bytes) -> None:
    """Add a leaf to the tree of a whole export, and compare its root where a checkpoint was signed."""
    position = export.size
    while position & 1:
        leaf, position = children(export.peaks.pop(), leaf), position >> 1
    export.peaks.append(leaf)
    export.size += 1
    if export.size in export.checkpoints:
        root = reduce(lambda right, left: children(left, right), reversed(export.peaks))
        if root != export.checkpoints[export.size]:
            raise ChangedError(f"The first {export.size} events are not those of their checkpoint.")


def check_event(export: Export, line: dict[str, Any]) -> None:
    """Check one sealed event; raises ChangedError for one that does not fit the log."""
    number, text = line["event"][0], json.dumps(line["event"], ensure_ascii=False, separators=(",", ":")).encode()
    leaf = sha256(b"\x00" + bytes.fromhex(line["nonce"]) + text).digest()
    if line["encoding"] != ENCODING:
        raise UnusableError(f"Event {number} is of a newer encoding: use a newer verifier.")
    if export.unsealed or number <= export.last_id:
        raise ChangedError(f"Event {number} is out of order.")
    export.last_id, export.sealed = number, export.sealed + 1
    salt, hashed = export.receipts.pop(number, (b"", b""))
    if hashed and sha256(salt + text).digest() != hashed:
        raise ChangedError(f"Event {number} is not the one that the receipt was given for.")
    if export.of == "all":
        if line["position"] != export.size:
            raise ChangedError(f"Leaf {export.size} is missing before event {number}.")
        append(export, leaf)
        return
    if line["event"][USER] != export.of:
        raise ChangedError(f"Event {number} is not of {export.of}.")
    path = [base64.b64decode(text) for text in line["path"]]
    root = root_of_path(leaf, position=line["position"], size=export.newest, path=path)
    if not 0 <= line["position"] < export.newest or root != export.checkpoints[export.newest]:
        raise ChangedError(f"Event {number} is not what was sealed.")


def check_removal(export: Export, line: dict[str, Any]) -> None:
    """Check the note on a segment that expired; of a whole export, its leaves grow the tree all the same."""
    size, last_id, _before = open_signed(line["note"], export.keys, [REMOVAL, export.keys[0].name], lines=5)
    hashes = base64.b64decode(line.get("hashes", ""))
    for start in range(0, len(hashes), 32):
        append(export, hashes[start : start + 32])
    if export.sealed or (export.of == "all" and export.size != int(size)):
        raise ChangedError(f"What is here of the first {size} leaves, which were removed, is not all of it.")
    export.removed = export.last_id = int(last_id)


def check_consistency(export: Export, line: dict[str, Any], pins: dict[int, bytes]) -> None:
    """Check that the log goes on from a checkpoint that was kept."""
    size, root = open_note(line["note"], export.keys)
    if pins.get(size) == root:
        path = [base64.b64decode(text) for text in line["path"]]
        newest = export.checkpoints.get(export.newest, EMPTY)
        if not is_consistent(size, root, size=export.newest, root=newest, path=path):
            raise ChangedError(f"The log does not go on from the {size} leaves that you kept.")
        del pins[size]


def check(lines: Iterator[dict[str, Any]], keys: list[Key], pins: dict[int, bytes], receipts: Any) -> Export:
    """Check an export from its first line to its last; raises ChangedError, or UnusableError for what is none."""
    header = next(lines, {})
    if header.get("schema") != SCHEMA or header.get("type") != "header":
        raise UnusableError("This is no export of the audit, or a newer one.")
    export = Export(header["of"], keys, dict(receipts), dict(pins) if header["of"] == "all" else {})
    for line in lines:
        check_line(export, line, pins)
    check_end(export, pins)
    return export


def check_line(export: Export, line: dict[str, Any], pins: dict[int, bytes]) -> None:
    """Check one line after the header."""
    if line["schema"] != SCHEMA:
        raise UnusableError("A line is of another kind of export.")
    if line["type"] == "checkpoint":
        size, root = open_note(line["note"], export.keys)
        if export.checkpoints.setdefault(size, root) != root:
            raise ChangedError(f"Two checkpoints of {size} leaves were signed: the log was replaced.")
    elif line["type"] == "consistency":
        check_consistency(export, line, pins)
    elif line["type"] == "event":
        check_event(export, line)
    elif line["type"] == "removal":
        check_removal(export, line)
    else:
        export.unsealed += 1


def check_end(export: Export, pins: dict[int, bytes]) -> None:
    """Check that nothing was cut off."""
    for number in [one for one in export.receipts if one > export.removed]:
        raise ChangedError(f"Event {number}, which you have a receipt of, is not among the sealed events here.")
    if export.of == "all" and export.size != export.newest:
        raise ChangedError(f"{export.newest} leaves were signed, and {export.size} are here.")
    if export.of != "all" and pins:
        raise ChangedError("Nothing shows that the log goes on from the checkpoint you kept: export it with --pin.")


def read_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of the file: lines of JSON, or one object that holds them, as the vault answers."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            found = json.loads(line)
            yield from found.get("export", [found])


def main() -> int:
    """Run the program and return its exit code."""
    parser = argparse.ArgumentParser(description="Check an export of DevContext's audit.")
    parser.add_argument("export", type=Path, help="what `manage.py audit_export` wrote")
    parser.add_argument("--key", action="append", help="a public key of the log, as `manage.py audit_key` prints it")
    parser.add_argument("--pin", type=Path, action="append", default=[], help="a checkpoint that you kept")
    parser.add_argument("--receipt", type=Path, action="append", default=[], help="a receipt that you were given")
    options = parser.parse_args()
    try:
        texts = options.key or next(read_lines(options.export))["verifiers"]
        keys = [read_key(text) for part in texts for text in part.split(",")]
        pins = dict(open_note(path.read_text(encoding="utf-8"), keys) for path in options.pin)
        receipts = [open_receipt(path.read_text("utf-8").strip(), keys) for path in options.receipt]
        export = check(read_lines(options.export), keys, pins, receipts)
    except ChangedError as error:
        print(f"CHANGED: {error}")
        return 1
    except (UnusableError, OSError, ValueError, LookupError, TypeError, AttributeError, StopIteration) as error:
        print(f"This cannot be checked: {error if isinstance(error, UnusableError) else type(error).__name__}")
        return 2
    gone = f" Those up to {export.removed} expired and are gone, as is signed." if export.removed else ""
    print(f"{export.sealed} events fit the signed log of {export.newest}; {export.unsealed} are not sealed yet.{gone}")
    if not options.key:
        print("The key came with the export. Get it from the operator, and give it with --key.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
