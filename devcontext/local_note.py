"""Where the app of a running `./dev up --full` finds its databases, for a command in another terminal.

SECURITY: the address of Redis holds its password, so the note is its owner's alone, and goes with what it tells of.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devcontext.local_processes import Program

_NAME = "full.json"


@contextmanager
def noted(program: Program, *, folder: Path) -> Iterator[None]:
    """Leave a note in `folder` of what the program's environment adds to ours, as long as the block lasts."""
    added = {name: value for name, value in program.environment.items() if os.environ.get(name) != value}
    note = folder / _NAME
    note.unlink(missing_ok=True)
    note.touch(mode=0o600)
    note.write_text(json.dumps({"process": os.getpid(), "environment": added}), encoding="utf-8")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def find(folder: Path) -> Mapping[str, str] | None:
    """Return what the note in `folder` tells; None if there is none, or if who left it was killed."""
    try:
        note = json.loads((folder / _NAME).read_text(encoding="utf-8"))
        os.kill(note["process"], 0)
    except (FileNotFoundError, ProcessLookupError):
        return None
    environment: dict[str, str] = note["environment"]
    return environment
