"""The sandbox's memory of consents and tokens: a SQLite file, so that connections outlive a restart.

It keeps SHA-256 hashes only; a token is recognised here and can never be read back.
"""

import hashlib
import json
import secrets
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS questions (hash TEXT PRIMARY KEY, body TEXT NOT NULL, ends_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS codes (hash TEXT PRIMARY KEY, body TEXT NOT NULL, ends_at REAL NOT NULL);
CREATE TABLE IF NOT EXISTS grants (
    id INTEGER PRIMARY KEY, provider TEXT NOT NULL, scope TEXT NOT NULL, account TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS tokens (
    id INTEGER PRIMARY KEY, hash TEXT NOT NULL UNIQUE, grant_id INTEGER NOT NULL REFERENCES grants (id),
    kind TEXT NOT NULL, expires_at REAL, revoked_at REAL, used_at REAL
);
CREATE INDEX IF NOT EXISTS tokens_of_grant ON tokens (grant_id, kind);
"""
_FIND = """
SELECT tokens.id, grant_id, kind, scope, expires_at, revoked_at, used_at, account
FROM tokens JOIN grants ON grants.id = grant_id WHERE hash = ? AND provider = ?
"""
# The busy timeout covers a second sandbox process on the same file, in seconds.
_BUSY_SECONDS = 5


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """What an app asked the user for, checked; `scope` and `account` are what the user grants in the end."""

    provider: str
    redirect_uri: str
    state: str
    scope: tuple[str, ...]
    code_challenge: str = ""
    wants_refresh: bool = True
    account: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """One known token, without its text; instants are epoch seconds."""

    id: int
    grant_id: int
    kind: str
    scope: str
    expires_at: float | None
    revoked_at: float | None
    used_at: float | None
    account: str

    def is_expired(self, now: datetime) -> bool:
        """Return whether its lifetime is over."""
        return self.expires_at is not None and self.expires_at <= now.timestamp()

    def is_alive(self, now: datetime) -> bool:
        """Return whether it is neither revoked nor expired."""
        return self.revoked_at is None and not self.is_expired(now)


class Store:
    """Consent questions, authorization codes, grants and tokens."""

    def __init__(self, path: Path | None) -> None:
        """Open `path`, or a memory of its own when there is none."""
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
        )
        # The connection closes with the store, also where no server announces a shutdown.
        weakref.finalize(self, connection.close)
        connection.executescript(_SCHEMA)
        # A file of before there was a second account.
        if "account" not in [row[1] for row in connection.execute("PRAGMA table_info(grants)")]:
            connection.execute("ALTER TABLE grants ADD COLUMN account TEXT NOT NULL DEFAULT ''")
        self._connection = connection

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Do all or nothing of what is inside, alone."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def ask(self, request: AuthorizationRequest, *, ends_at: datetime) -> str:
        """Keep a question that a consent page shows and return the page's one-time form token."""
        return self._put("questions", request, prefix="", ends_at=ends_at)

    def take_question(self, form_token: str, *, now: datetime) -> AuthorizationRequest | None:
        """Return the question of `form_token` and forget it; None when there is none or it is too old."""
        return self._take("questions", form_token, now=now)

    def issue_code(self, request: AuthorizationRequest, *, prefix: str, ends_at: datetime) -> str:
        """Return a fresh authorization code for what the user granted."""
        return self._put("codes", request, prefix=prefix, ends_at=ends_at)

    def take_code(self, code: str, *, now: datetime) -> AuthorizationRequest | None:
        """Return what `code` stands for and forget the code; None when it is unknown, used or too old."""
        return self._take("codes", code, now=now)

    def open_grant(self, provider: str, *, scope: str, account: str = "") -> int:
        """Record that the user granted `scope` as `account` and return the grant's id."""
        cursor = self._connection.execute(
            "INSERT INTO grants (provider, scope, account) VALUES (?, ?, ?)", (provider, scope, account)
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid

    def issue_token(self, grant_id: int, *, kind: str, prefix: str, expires_at: datetime | None) -> str:
        """Return a fresh token of `kind` access or refresh; None as `expires_at` means that it does not expire."""
        token = prefix + secrets.token_urlsafe(32).replace("-", "A").replace("_", "B")
        self._connection.execute(
            "INSERT INTO tokens (hash, grant_id, kind, expires_at) VALUES (?, ?, ?, ?)",
            (_hash(token), grant_id, kind, expires_at.timestamp() if expires_at else None),
        )
        return token

    def find_token(self, token: str, *, provider: str, kind: str) -> Token | None:
        """Return the token of that kind at `provider`, dead or alive; None when it never existed."""
        row = self._connection.execute(_FIND, (_hash(token), provider)).fetchone()
        found = Token(*row) if row else None
        return found if found and found.kind == kind else None

    def mark_used(self, token: Token, *, now: datetime) -> None:
        """Remember when a refresh token was first used."""
        self._connection.execute(
            "UPDATE tokens SET used_at = coalesce(used_at, ?) WHERE id = ?", (now.timestamp(), token.id)
        )

    def revoke_older(self, grant_id: int, *, kind: str, keep: int, now: datetime) -> None:
        """Revoke the grant's tokens of `kind` except the `keep` newest."""
        self._connection.execute(
            "UPDATE tokens SET revoked_at = coalesce(revoked_at, ?) WHERE grant_id = ? AND kind = ? AND id NOT IN "
            "(SELECT id FROM tokens WHERE grant_id = ? AND kind = ? ORDER BY id DESC LIMIT ?)",
            (now.timestamp(), grant_id, kind, grant_id, kind, keep),
        )

    def revoke_grant(self, grant_id: int, *, now: datetime) -> None:
        """Revoke every token of one grant."""
        self._connection.execute(
            "UPDATE tokens SET revoked_at = coalesce(revoked_at, ?) WHERE grant_id = ?", (now.timestamp(), grant_id)
        )

    def revoke_all(self, provider: str, *, now: datetime, account: str = "") -> None:
        """Revoke every token that the user granted at `provider` as `account`."""
        self._connection.execute(
            "UPDATE tokens SET revoked_at = coalesce(revoked_at, ?) "
            "WHERE grant_id IN (SELECT id FROM grants WHERE provider = ? AND account = ?)",
            (now.timestamp(), provider, account),
        )

    def list_living_scopes(self, provider: str, *, account: str, now: datetime) -> list[str]:
        """Return the scopes, as they were granted, of each of the account's grants with a living token."""
        rows = self._connection.execute(
            "SELECT DISTINCT grants.id, scope FROM grants JOIN tokens ON grants.id = grant_id WHERE provider = ? "
            "AND account = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?) ORDER BY grants.id",
            (provider, account, now.timestamp()),
        )
        return [scope for _grant, scope in rows]

    def has_live_refresh_token(self, provider: str) -> bool:
        """Return whether the user's consent at `provider` still stands."""
        row = self._connection.execute(
            "SELECT 1 FROM tokens JOIN grants ON grants.id = grant_id "
            "WHERE provider = ? AND kind = 'refresh' AND revoked_at IS NULL LIMIT 1",
            (provider,),
        ).fetchone()
        return row is not None

    def _put(self, table: str, request: AuthorizationRequest, *, prefix: str, ends_at: datetime) -> str:
        secret = prefix + secrets.token_hex(20)
        self._connection.execute(
            f"INSERT INTO {table} (hash, body, ends_at) VALUES (?, ?, ?)",  # noqa: S608  (a name of ours)
            (_hash(secret), json.dumps(asdict(request)), ends_at.timestamp()),
        )
        return secret

    def _take(self, table: str, secret: str, *, now: datetime) -> AuthorizationRequest | None:
        row = self._connection.execute(
            f"DELETE FROM {table} WHERE hash = ? RETURNING body, ends_at",  # noqa: S608  (a name of ours)
            (_hash(secret),),
        ).fetchone()
        if row is None or row[1] <= now.timestamp():
            return None
        body = json.loads(row[0])
        return AuthorizationRequest(**body | {"scope": tuple(body["scope"])})


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
