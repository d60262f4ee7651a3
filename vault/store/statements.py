"""The statements that every exchange waits for, as SQL: the ORM takes up to ten times as long to write them.

All of them are here, and each runs unchanged on SQLite and PostgreSQL, but for the lock that only PostgreSQL needs.
"""

from collections.abc import Collection, Sequence
from datetime import UTC
from typing import Any

from django.db import connections as databases
from django.db import models as fields

from vault.database import ALIAS
from vault.models import Connection, EndedSession, RevokedToken, SealedToken

_FIELDS = Connection._meta.concrete_fields
_ATTRIBUTES = [field.attname for field in _FIELDS]
_INSTANTS = [index for index, field in enumerate(_FIELDS) if isinstance(field, fields.DateTimeField)]

_CANDIDATES = (
    f"SELECT {', '.join(str(field.column) for field in _FIELDS)} FROM {Connection._meta.db_table}"  # noqa: S608  (our names)
    " WHERE subject = %s AND activated_at IS NOT NULL AND (provider = %s OR id = %s)"
)
# Always in the same order, so that two transactions wait for each other and never both.
_LOCK = {"postgresql": " ORDER BY id FOR SHARE"}
_SEALED = f"SELECT sealed FROM {SealedToken._meta.db_table} WHERE connection_id = %s AND field = %s"  # noqa: S608
# With `sid` "" it is the end of all sessions that began by an instant.
_ENDED = (
    f"SELECT 1 FROM {EndedSession._meta.db_table}"  # noqa: S608
    " WHERE subject = %s AND (sid = %s OR (sid = '' AND signed_in_through >= %s)) LIMIT 1"
)
_REVOKED = f"SELECT 1 FROM {RevokedToken._meta.db_table} WHERE jti IN ({{marks}}) LIMIT 1"  # noqa: S608


def lock_candidates(*, user: str, audience: str) -> list[Connection]:
    """Return the user's active connections that `audience`, a provider or connection id, may stand for.

    On PostgreSQL each is locked in share mode and returned as it is once the lock is held; one that is added while a
    lock is waited for is not among them. On SQLite the caller's transaction is the only writer.
    """
    lock = _LOCK.get(databases[ALIAS].vendor, "")
    return [_connection(values) for values in _fetch(_CANDIDATES + lock, [user, audience, audience])]


def find_sealed(*, connection: str, field: str) -> bytes | None:
    """Return the sealed token of a connection, or None if it has none."""
    rows = _fetch(_SEALED, [connection, field])
    return bytes(rows[0][0]) if rows else None


def has_session_ended(*, user: str, sid: str, auth_time: float) -> bool:
    """Tell whether this session ended, or all that the user had begun by `auth_time`."""
    return bool(_fetch(_ENDED, [user, sid, auth_time]))


def is_any_revoked(jtis: Collection[str]) -> bool:
    """Tell whether one of these tokens, of which there is one at least, is revoked."""
    return bool(_fetch(_REVOKED.format(marks=", ".join(["%s"] * len(jtis))), list(jtis)))


def _fetch(statement: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with databases[ALIAS].cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _connection(values: tuple[Any, ...]) -> Connection:
    """Return the row as the ORM would: SQLite keeps instants in UTC and does not say so."""
    row = list(values)
    for index in _INSTANTS:
        if row[index] is not None and row[index].tzinfo is None:
            row[index] = row[index].replace(tzinfo=UTC)
    return Connection.from_db(ALIAS, _ATTRIBUTES, row)
