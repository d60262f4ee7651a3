"""What says that a segment of the log was removed for its age, and not by whoever owns the database: a signed note.

Its five lines are its kind, the log's name, how many leaves are gone from the log's beginning, the id of the last event
among them, and the instant that all of them are older than. No key that the database's owner has signs one.
"""

from dataclasses import dataclass

from audit.checkpoint import LogKeys
from audit.errors import BrokenNoteError

KIND = "devcontext-audit-removal/1"
_LINES = 5


@dataclass(frozen=True, slots=True)
class Removal:
    """That the first `size` leaves and the events up to `last_event` are gone; `before` is written as in events."""

    size: int
    last_event: int
    before: str


def sign(removal: Removal, *, keys: LogKeys) -> str:
    """Return the signed note of a removal."""
    lines = (KIND, keys.name, str(removal.size), str(removal.last_event), removal.before)
    return keys.sign_text("".join(f"{line}\n" for line in lines))


def load(note: str, *, keys: LogKeys) -> Removal:
    """Return what a note says was removed.

    Raises:
        BrokenNoteError: It is none of this log, or no known key signed it.
    """
    text, _ = keys.open_text(note)
    lines = text[:-1].split("\n")
    if len(lines) != _LINES or lines[:2] != [KIND, keys.name]:
        raise BrokenNoteError
    # What we signed is well-formed.
    return Removal(int(lines[2]), int(lines[3]), lines[4])
