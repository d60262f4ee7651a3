"""Frozen values that cross the vault's boundary, the same in process and over HTTP."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypedDict


class Asker(TypedDict):
    """Who asks, as every function of `vault.client` takes it, by its names: the signed-in user and their session.

    `user` is `user:<id>`; `sid` names the session, or the grant of an absent user; `auth_time` is when the user signed
    in to it, in seconds since the epoch.
    """

    user: str
    sid: str
    auth_time: float


class ConnectionState(StrEnum):
    """What the user sees of a connection; derived, never stored. A needed reconnect is a badge on `CONNECTED`."""

    CONNECTED = "connected"
    REVOKED = "revoked"
    NOT_CONNECTED = "not_connected"


# Begins the `sid` of a grant; that of a browser has no colon.
_GRANT = "grant:"


@dataclass(frozen=True, slots=True)
class Connection:
    """One user's link to one provider, without its tokens.

    Of a user's connections to one provider, `is_default` marks the one that the provider's name stands for.
    `granted_scope` may lack some of `asked_scope`; both are space-separated. `reconnect_reason` is "" while the grant
    works, else the code of what broke it. `paused_until` is None, or the instant at which the agent may use it again
    by itself; `is_away_allowed` says whether it may while the user is away.
    """

    id: str
    provider: str
    account: str
    is_default: bool
    asked_scope: str
    granted_scope: str
    is_access_allowed: bool
    reconnect_reason: str
    connected_at: datetime
    paused_until: datetime | None
    is_away_allowed: bool

    @property
    def is_paused(self) -> bool:
        """Whether a pause lasts now."""
        return self.paused_until is not None and self.paused_until > datetime.now(UTC)

    @property
    def missing_scope(self) -> str:
        """What was asked for and not granted, space-separated."""
        granted = self.granted_scope.split()
        return " ".join(scope for scope in self.asked_scope.split() if scope not in granted)

    @property
    def state(self) -> ConnectionState:
        """`CONNECTED` or `REVOKED`, which a paused one is as well; one that exists is never `NOT_CONNECTED`."""
        is_usable = self.is_access_allowed and not self.is_paused
        return ConnectionState.CONNECTED if is_usable else ConnectionState.REVOKED


@dataclass(frozen=True, slots=True)
class Grant:
    """A user's permission to read `providers` in their absence until it expires or is ended; `sid` names it in tokens.

    `agent`, `agent:<name>`, is the only one that may act by it, and with `tools` alone.
    """

    id: str
    agent: str
    providers: tuple[str, ...]
    tools: tuple[str, ...]
    granted_at: datetime
    expires_at: datetime

    @property
    def sid(self) -> str:
        """What stands for a session in the subject tokens of this grant."""
        return sid_of_grant(self.id)


def sid_of_grant(grant: str) -> str:
    """Return what stands for a session in the subject tokens of the grant with this id."""
    return f"{_GRANT}{grant}"


def is_grant(sid: str) -> bool:
    """Tell whether `sid` stands for the grant of an absent user, not for a session."""
    return sid.startswith(_GRANT)


class AccountChoice(StrEnum):
    """What to do when another account signed in than the one that was to be connected again."""

    ASK = ""
    REPLACE = "replace"
    KEEP_BOTH = "keep_both"


@dataclass(frozen=True, slots=True)
class PendingConnection:
    """A connection that waits for its user: who signed in, and whose tokens it is to replace ("" for nobody's)."""

    id: str
    provider: str
    account: str
    replaces_account: str


class RevocationState(StrEnum):
    """How far the end of an erased connection's tokens has come at the provider."""

    WAITING = "waiting"
    REVOKED = "revoked"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Revocation:
    """Tokens of an erased connection: whether the provider took them back.

    `ended_at` is None while it waits. `token_ends_at` is when the access token ends by itself, None if it never does;
    its refresh token is erased here once nothing waits any more.
    """

    id: str
    provider: str
    account: str
    state: RevocationState
    ended_at: datetime | None
    token_ends_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeRequest:
    """One token exchange, with the parameter names of RFC 8693 section 2.1.

    `audience` is the provider id or a connection id; `scope` is space-separated and may be empty. `login_hint` (OpenID
    Connect Core section 3.1.2.1) names the account by its id, e-mail address or name; without one it is the default.
    """

    subject_token: str = field(repr=False)
    subject_token_type: str
    audience: str
    login_hint: str = ""
    scope: str = ""
    actor_token: str = field(default="", repr=False)
    actor_token_type: str = ""
    requested_token_type: str = ""


@dataclass(frozen=True, slots=True)
class ExchangedToken:
    """The answer of RFC 8693 section 2.2.1.

    `expires_in` is in seconds and capped, so that nobody caches a token past a revoke. `scope` is what the upstream
    token really carries. `exchange` is the vault's id of this exchange, in its audit event too, and `receipt` the
    signed promise that this event is in the audit's log (`audit.receipt`), "" from a vault that cannot sign.
    """

    access_token: str = field(repr=False)
    issued_token_type: str
    token_type: str
    expires_in: int
    scope: str
    exchange: str
    receipt: str = ""
