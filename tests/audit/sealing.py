"""A log of a few events with keys of its own, as the tests of the log make it."""

from pathlib import Path

from audit import checkpoint, encoding
from audit.checkpoint import LogKeys
from audit.events import Entry, Event
from audit.record import record
from audit.seal import Sealer

NAME = "log.example/audit"
PEM = checkpoint.new_pem()


def keys(*pems: str) -> LogKeys:
    """Return the keys of the log, the same in each test unless others are named."""
    return checkpoint.load_keys("".join(pems) or PEM, name=NAME)


def sealer(folder: Path, *pems: str) -> Sealer:
    """Return a process that seals, with its pin in `folder`."""
    return Sealer(keys(*pems), pin_file=folder / "audit.pin")


def record_many(count: int, *, user: str = "user:1") -> list[int]:
    """Record `count` events and return their ids."""
    entry = Entry(event=Event.AGENT_RUN_STARTED, user=user, reason='Grüße, 世界 "quoted" \\ </script>', duration_ms=3)
    return [record(entry) for _ in range(count)]


def copy_event(new_id: str = "") -> str:
    """Return SQL that adds a copy of each event, with an id of its own choice if `new_id` is one."""
    columns = ", ".join(f'"{name}"' for name in encoding.COLUMNS if name not in ("id", "actor_jti"))
    into, values = (f"id, {columns}", f"{new_id}, {columns}") if new_id else (columns, columns)
    return f"INSERT INTO audit_event ({into}) SELECT {values} FROM audit_event"  # noqa: S608  (the test's own)


def pinned(folder: Path) -> list[str]:
    """Return what was pinned there."""
    path = folder / "audit.pin"
    return [path.read_text(encoding="utf-8")] if path.exists() else []
