"""One event as bytes, always the same: what a leaf of the tree is made of. A version never changes.

Version 1 is a JSON array of the columns in `COLUMNS`, in this order, in UTF-8, without spaces, and with no character
escaped that JSON lets stand: what `JSON.stringify` writes in a browser, and `json.dumps` with `ensure_ascii=False` and
`separators=(",", ":")` in Python. The instant is `2026-11-22T09:45:06.123456Z`, always with six digits; what is
missing is `null`. A leaf's data are 16 random bytes and then these: without them, who is shown a proof could guess
other people's events and compare hashes.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from django.db.backends.base.base import BaseDatabaseWrapper

from audit.tree import hash_leaf

VERSION = 1
NONCE_BYTES = 16
COLUMNS = (
    *("id", "occurred_at", "event", "outcome", "user", "provider", "reason", "run", "tool", "tool_call", "client"),
    *("connection", "account", "scope_asked", "scope_granted", "exchange", "actor_jti", "token_fingerprint", "method"),
    *("path", "status", "size_bytes", "duration_ms", "provider_request_id"),
)

# The database writes the instant: reading a million rows as Python's datetimes takes longer than hashing them.
_INSTANTS = {
    "postgresql": """to_char({table}.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')""",
    # Django leaves out a fraction of zero.
    "sqlite": (
        "replace({table}.occurred_at, ' ', 'T') || "
        "CASE WHEN length({table}.occurred_at) = 19 THEN '.000000Z' ELSE 'Z' END"
    ),
}
_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def select_list(connection: BaseDatabaseWrapper, *, table: str) -> str:
    """Return the columns of `table` as a SELECT reads them for `encode`, in its order."""
    return ", ".join(_columns(connection, table=table))


def select_text(connection: BaseDatabaseWrapper, *, table: str) -> str:
    """Return an expression by which the database itself writes an event of `table` as `encode` does, only sooner.

    What it gives is good for comparing: where it differs, `encode` decides. Databases escape rare characters in ways
    of their own, and what no event of ours has is written as nothing.
    """
    columns = _columns(connection, table=table)
    if connection.vendor == "sqlite":
        # SECURITY: from 3.45 on a BLOB that is JSONB is written as the text that it stands for, and no search finds it.
        # A BLOB is greater than all else, so that one look tells; NULL hides it, where an event of ours may have that.
        # Source: https://sqlite.org/json1.html#jsonb, https://sqlite.org/datatype3.html#sort_order.
        stored = (f'{table}."{name}"' for name in COLUMNS)
        greatest = ", ".join(f"ifnull({one}, 0)" for one in stored)
        return f"CASE typeof(max({greatest})) WHEN 'blob' THEN '' ELSE json_array({', '.join(columns)}) END"
    values = ", ".join(f"coalesce(to_json({column})::text, 'null')" for column in columns)
    return f"'[' || concat_ws(',', {values}) || ']'"


def write_instant(at: datetime) -> str:
    """Return an aware instant as a SELECT reads it for `encode`."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def encode(values: Sequence[object]) -> bytes:
    """Return an event as bytes; `values` are its columns as `select_list` reads them.

    Raises:
        TypeError, ValueError: A value is of a kind that no event of ours has, such as a BLOB.
    """
    return _json.encode(values).encode()


def hash_event(values: Sequence[object], *, nonce: bytes) -> bytes:
    """Return the hash of the event's leaf; raises what `encode` raises."""
    return hash_leaf(nonce + encode(values))


def _columns(connection: BaseDatabaseWrapper, *, table: str) -> list[str]:
    instant = _INSTANTS[connection.vendor].format(table=table)
    return [instant if name == "occurred_at" else f'{table}."{name}"' for name in COLUMNS]
