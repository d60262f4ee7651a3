"""Ways of appending an audit event: the floors, chains of hashes and our own, for `benchmarks.audit_append`.

All write the same columns to the same database by connections of the same settings, and each append is committed when
it returns. README.md beside this file says what each does not do.
"""

import random
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connections

from audit import encoding, record
from audit.events import Entry, Event

_USERS = 100
# As an exchange leaves it. No account: sealing what is personal is no part of the other designs.
_ENTRY = Entry(
    event=Event.VAULT_EXCHANGE_GRANTED,
    user="user:1",
    provider="github",
    run="01234567-89ab-cdef-0123-456789abcdef",
    tool="github_activity",
    tool_call="toolu_0123456789abcdefghijklmn",
    client="devcontext-web",
    connection="con_0123456789abcdefghijkl",
    scope_asked="read:org read:user repo",
    scope_granted="read:org read:user repo",
    exchange="ex_0123456789abcdefghijkl",
    actor_jti="0123456789abcdefghijkl",
    token_fingerprint="0123456789abcdef" * 2,
)
_COLUMNS = tuple(name for name in encoding.COLUMNS if name != "id")
_USER, _JTI = _COLUMNS.index("user"), _COLUMNS.index("actor_jti")
_QUOTED = ", ".join(f'"{name}"' for name in _COLUMNS)
_TABLES = {
    "sqlite": {
        "bench_floor": "",
        "bench_hashed": "ALTER TABLE bench_hashed ADD hash BLOB",
        "bench_chain": "ALTER TABLE bench_chain ADD hash BLOB",
        "bench_user_chain": """
            ALTER TABLE bench_user_chain ADD hash BLOB; CREATE INDEX bench_by_user ON bench_user_chain ("user")
        """,
    },
    "postgresql": {
        "bench_floor": "",
        "bench_hashed": "ALTER TABLE bench_hashed ADD hash bytea",
        "bench_chain": "ALTER TABLE bench_chain ADD hash bytea, ADD rowid bigserial PRIMARY KEY",
        "bench_user_chain": """
            ALTER TABLE bench_user_chain ADD hash bytea, ADD rowid bigserial PRIMARY KEY;
            CREATE INDEX bench_by_user ON bench_user_chain ("user", rowid)
        """,
    },
}


def link(previous: bytes, values: Sequence[object]) -> bytes:
    """Return the hash by which a chain of hashes goes on with a row."""
    return sha256(previous + "\x1f".join(map(str, values)).encode()).digest()


class Designs:
    """The ways of appending one event, each by the calling thread's own connection."""

    def __init__(self) -> None:
        """Take the row as `audit.record` stores it, so that the others write the same bytes."""
        connection = connections["audit"]
        self.is_sqlite = connection.vendor == "sqlite"
        self._mark = "?" if self.is_sqlite else "%s"
        event_id = record.record(_ENTRY)
        with connection.cursor() as cursor:
            # By the driver's own connection: Django would make other types of some.
            found = cursor.connection.execute(f"SELECT {_QUOTED} FROM audit_event WHERE id = {event_id}")  # noqa: S608
            self._row = tuple(found.fetchone())
        self._signer, self._hashes = Ed25519PrivateKey.generate(), sha256()
        self.writers: dict[str, Callable[[], object]] = {
            "floor": self._floor,
            "sealed_floor": self._sealed_floor,
            "chain": self._chain,
            "user_chain": self._user_chain,
            "record": self._record,
        }

    def sign(self) -> None:
        """Sign the batch of sealing's floor."""
        self._signer.sign(self._hashes.digest())

    def require_chains(self) -> None:
        """Refuse to tell figures of chains that are none."""
        for table in ("bench_chain", "bench_user_chain"):
            last: dict[str, bytes] = {}
            for *values, hashed in self._execute(f"SELECT {_QUOTED}, hash FROM {table} ORDER BY rowid"):  # noqa: S608
                chain = values[_USER] if table == "bench_user_chain" else ""
                if link(last.get(chain, b""), values) != hashed:
                    raise RuntimeError(f"{table} is no chain.")
                last[chain] = hashed

    def _floor(self) -> None:
        self._insert("bench_floor", self._new())

    def _sealed_floor(self) -> None:
        values = self._new()
        hashed = link(b"", values)
        self._insert("bench_hashed", values, hashed)
        self._hashes.update(hashed)

    def _chain(self) -> None:
        self._go_on("bench_chain", self._new(), lock=0)

    def _user_chain(self) -> None:
        values = self._new()
        self._go_on("bench_user_chain", values, lock=int(values[_USER].removeprefix("user:")) + 1, user=values[_USER])

    def _go_on(self, table: str, values: tuple[Any, ...], *, lock: int, user: str = "") -> None:
        """Append to a chain: lock, read the last hash, insert, commit."""
        if self.is_sqlite:
            self._execute("BEGIN IMMEDIATE")
        else:
            self._execute("BEGIN")
            self._execute("SELECT pg_advisory_xact_lock(%s)", lock)
        whose, given = (f'WHERE "user" = {self._mark}', [user]) if user else ("", [])
        last = f"SELECT hash FROM {table} {whose} ORDER BY rowid DESC LIMIT 1"  # noqa: S608  (names of ours alone)
        found = self._execute(last, *given).fetchone()
        self._insert(table, values, link(found[0] if found else b"", values))
        self._execute("COMMIT")

    def _record(self) -> None:
        record.record(new_entry())

    def _new(self) -> tuple[Any, ...]:
        values, entry = list(self._row), new_entry()
        values[_USER], values[_JTI] = entry.user, entry.actor_jti
        return tuple(values)

    def _insert(self, table: str, values: tuple[Any, ...], *hashed: bytes) -> None:
        columns, given = f"{_QUOTED}, hash" if hashed else _QUOTED, (*values, *hashed)
        marks = ", ".join([self._mark] * len(given))
        self._execute(f"INSERT INTO {table} ({columns}) VALUES ({marks})", *given)  # noqa: S608  (names of ours alone)

    def _execute(self, statement: str, *given: object) -> Any:
        return connections["audit"].connection.execute(statement, given)


def new_entry() -> Entry:
    """Return an event of somebody, by an actor token that was not seen before."""
    return replace(_ENTRY, user=f"user:{random.randrange(_USERS)}", actor_jti=secrets.token_urlsafe(16))


@contextmanager
def open_designs() -> Iterator[Designs]:
    """Yield the designs with tables of their own, which are gone at the end."""
    tables = _TABLES[connections["audit"].vendor]
    with connections["audit"].cursor() as cursor:
        for table, more in tables.items():
            # It copies columns, and neither indexes nor triggers.
            cursor.execute(f"CREATE TABLE {table} AS SELECT {_QUOTED} FROM audit_event WHERE 1 = 0")  # noqa: S608
            for statement in filter(str.strip, more.split(";")):
                cursor.execute(statement)
    try:
        yield Designs()
    finally:
        with connections["audit"].cursor() as cursor:
            for table in tables:
                cursor.execute(f"DROP TABLE {table}")
