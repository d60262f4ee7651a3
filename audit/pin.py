"""The newest checkpoint in a file outside the database: who replaces the whole log with another one cannot replace it.

The file belongs to the process that signs. A copy elsewhere (a log, another machine, a person) is as good.
"""

import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

from audit.errors import LogBrokenError

_MAX_BYTES = 8192
# What a process leaves that is killed while it pins. Writing one takes milliseconds, and another process may be at it.
_DRAFT = "[0-9a-f]{16}"
_STALE_SECONDS = 60


def find(path: Path) -> str | None:
    """Return the pinned note, None where nothing was pinned yet.

    Raises:
        LogBrokenError: The file is there and cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(_MAX_BYTES).decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise LogBrokenError("The pinned checkpoint (AUDIT_PIN_FILE) cannot be read.") from None


def replace(path: Path, *, note: str) -> None:
    """Pin `note`; the file is replaced whole or not at all, and drafts of processes that died are removed.

    Raises:
        LogBrokenError: The file cannot be written.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(note.encode())
            file.flush()
            os.fsync(descriptor)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise LogBrokenError("The pinned checkpoint (AUDIT_PIN_FILE) cannot be written.") from None
    _remove_stale(path)


def _remove_stale(path: Path) -> None:
    name = re.compile(rf"\.{re.escape(path.name)}\.{_DRAFT}")
    # The pin is written: what cannot be tidied up today is tried again at the next one.
    with suppress(OSError):
        for draft in path.parent.iterdir():
            if name.fullmatch(draft.name) and time.time() - draft.stat().st_mtime > _STALE_SECONDS:
                draft.unlink()
