"""The one writer of audit events. Committed when it returns; when it raises, the action must not happen."""

import logging
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import Error, IntegrityError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

from audit import encoding, personal
from audit.errors import ActorTokenReplayedError, AuditUnavailableError
from audit.events import Entry
from audit.models import AuditEvent

DATABASE = "audit"
# The longest text a row keeps. The longest honest value is a list of granted scopes.
MAX_TEXT_LENGTH = 500
# A tool's name stands in indexes (`audit.models`), and the model may have made it up. Ours have less than a third.
_MAX_TOOL_LENGTH = 100

# Written as they are; every other field is text that anybody may have chosen, the model included.
_PLAIN = ("event", "actor_jti", "status", "size_bytes", "duration_ms")
_TEXTS = tuple(column.name for column in fields(Entry) if column.name not in _PLAIN)
_COLUMNS = ("occurred_at", "outcome", *_PLAIN, *_TEXTS)
# Quoted, since `user` is a word of SQL.
_QUOTED = ", ".join(f'"{column}"' for column in _COLUMNS)
_MARKS = f"({', '.join(['%s'] * len(_COLUMNS))})"
_INSERT = f"INSERT INTO {AuditEvent._meta.db_table} ({_QUOTED}) VALUES "  # noqa: S608  (names of ours alone)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A row that is committed: its id, and its columns as `audit.encoding` reads them."""

    id: int
    columns: tuple[object, ...] = field(repr=False)


def record(entry: Entry) -> int:
    """Append `entry` and return the id of its row; sync and short, committed on return. See `append`."""
    return append(entry).id


def append(entry: Entry) -> Recorded:
    """Append `entry` and return its row, for a receipt.

    A transaction of the caller on another database does not matter; one on the audit database could still be rolled
    back after the action, so inside it nothing is recorded.

    Raises:
        ActorTokenReplayedError: `entry.actor_jti` was recorded before.
        AuditUnavailableError: The audit database did not take the row.
    """
    try:
        return _append(entry)
    except IntegrityError as error:
        if _is_actor_known(entry.actor_jti):
            raise ActorTokenReplayedError from error
        raise _unavailable(entry) from error
    # RuntimeError is how `durable` refuses to join the caller's transaction. Without AUDIT_PERSONAL_KEY nothing
    # personal is recorded in the open.
    except (Error, RuntimeError, ImproperlyConfigured) as error:
        raise _unavailable(entry) from error


def _append(entry: Entry) -> Recorded:
    connection = connections[DATABASE]
    # One statement outside a transaction is committed when it returns. Inside one, `durable` refuses the caller's and
    # lets pass only the one that Django's test case rolls back.
    with transaction.atomic(using=DATABASE, durable=True) if connection.in_atomic_block else nullcontext():
        return _insert(entry, connection=connection)


def _insert(entry: Entry, *, connection: BaseDatabaseWrapper) -> Recorded:
    """Insert the row of `entry` into the transaction of `connection`, and return it.

    By SQL of our own: every exchange waits for this row, and the ORM takes longer to write the statement.
    """
    now = timezone.now()
    values = _values_of(entry, now=now, connection=connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"{_INSERT}{_MARKS} RETURNING id", list(values.values()))
            event_id = int(cursor.fetchone()[0])
        else:
            # SQLite before 3.35 has no RETURNING.
            cursor.execute(f"{_INSERT}{_MARKS}", list(values.values()))
            event_id = int(cursor.lastrowid)
    read = values | {"id": event_id, "event": entry.event.value, "occurred_at": encoding.write_instant(now)}
    return Recorded(event_id, tuple(read[name] for name in encoding.COLUMNS))


def insert_all(entries: Sequence[Entry], *, connection: BaseDatabaseWrapper) -> None:
    """Insert the rows of `entries`, in their order, by one statement: each would cost a way to the server and back."""
    rows = [_values_of(entry, now=timezone.now(), connection=connection) for entry in entries]
    with connection.cursor() as cursor:
        cursor.execute(_INSERT + ", ".join([_MARKS] * len(rows)), [value for row in rows for value in row.values()])


def _values_of(entry: Entry, *, now: datetime, connection: BaseDatabaseWrapper) -> dict[str, Any]:
    """Return what the row of `entry` holds, by column, in the order of `_COLUMNS`."""
    values: dict[str, Any] = {
        "occurred_at": connection.ops.adapt_datetimefield_value(now),
        "outcome": entry.event.outcome.value,
        **{name: getattr(entry, name) for name in _PLAIN},
        **{name: _clean(getattr(entry, name)) for name in _TEXTS},
    }
    values["tool"] = _cut(values["tool"], length=_MAX_TOOL_LENGTH)
    return values | personal.seal(values, user=entry.user, event=entry.event, connection=connection)


def _clean(text: str) -> str:
    """Cut `text` and mark what cannot be shown: PostgreSQL refuses NUL, no driver takes a lone surrogate."""
    if not text.isprintable():
        text = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    return _cut(text, length=MAX_TEXT_LENGTH)


def _cut(text: str, *, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _is_actor_known(actor_jti: str | None) -> bool:
    try:
        return actor_jti is not None and AuditEvent.objects.using(DATABASE).filter(actor_jti=actor_jti).exists()
    except Error:
        return False


def _unavailable(entry: Entry) -> AuditUnavailableError:
    # A long-lived task has no request to replace its broken connection: dropped here, the next call gets a new one.
    connections[DATABASE].close_if_unusable_or_obsolete()
    logger.error("audit.record.failed", extra={"audit_event": entry.event.value, "run": entry.run})
    return AuditUnavailableError("The audit database did not take the event.")
