"""What a vault can be asked; `EmbeddedVault` and `HTTPVault` both answer it alike (one contract test runs on both)."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from vault.types import (
    AccountChoice,
    Connection,
    ExchangedToken,
    ExchangeRequest,
    Grant,
    PendingConnection,
    Revocation,
)


class VaultClient(Protocol):
    """A vault, in this process or elsewhere. Every method raises `VaultError` subclasses and nothing else.

    `subject_token` is a JWT (RFC 9068) that names the user (`sub`) and the session (`sid`); the vault verifies it each
    time and acts on that user's connections only. A connection of somebody else is as unknown as one that never was.
    A token of an ended session is refused with `SessionEndedError`, except to end it again; one of a grant exchanges
    and lists, and is refused with `InvalidTargetError` for everything else.
    """

    async def exchange(self, request: ExchangeRequest) -> ExchangedToken:
        """Exchange a subject token for an upstream access token (RFC 8693 section 2)."""
        ...

    async def start_connect(
        self,
        *,
        subject_token: str,
        provider: str,
        scope_groups: Collection[str] = (),
        reconnects: str = "",
        leaves_out: Collection[str] = (),
    ) -> str:
        """Begin a connect flow and return the provider's authorization URL for the browser.

        Args:
            subject_token: Who connects.
            provider: Provider id.
            scope_groups: What to ask for, by the names of the provider's scope groups; none means the default ones.
            reconnects: The id of a connection whose tokens are to be replaced. What it has is asked for as well.
            leaves_out: What of that is not to be asked for any more, by the names of scope groups. A provider that only
                ever adds to a living token is made to end that token first: until the flow is over, the connection
                needs a reconnect.

        Raises:
            NotConnectedError: `provider` is unknown or not configured, or `reconnects` is no connection to it.
            InvalidRequestError: A scope group is not one of the provider's, or something is left out of no connection
                or everything of one.
        """
        ...

    async def confirm_connection(
        self, *, subject_token: str, connection: str, nonce: str, choice: AccountChoice = AccountChoice.ASK
    ) -> Connection:
        """Activate the pending `connection` that the callback handed to the browser with `nonce`.

        An account that is connected already keeps its connection, whose id is returned; its tokens are replaced.

        Raises:
            ConnectStateError: No pending connection of this user and session has this nonce.
            OtherAccountError: Another account signed in than the one to connect again, and `choice` is `ASK`. The
                connection goes on waiting for the choice.
        """
        ...

    async def load_pending(self, *, subject_token: str, connection: str, nonce: str) -> PendingConnection:
        """Return who signed in and whose tokens are to be replaced, for the user to choose.

        Raises:
            ConnectStateError: No pending connection of this user and session has this nonce.
        """
        ...

    async def discard_connection(self, *, subject_token: str, connection: str, nonce: str) -> None:
        """Erase the pending `connection` and revoke its grant, unless that would end another one of the account.

        Raises:
            ConnectStateError: No pending connection of this user and session has this nonce.
        """
        ...

    async def list_connections(self, *, subject_token: str) -> tuple[Connection, ...]:
        """Return the user's active connections by provider, the default one first."""
        ...

    async def set_access(self, *, subject_token: str, connection: str, is_allowed: bool) -> Connection:
        """Let the agent use `connection`, or stop it; sends nothing to the provider.

        Args:
            subject_token: Whose connection.
            connection: Its id, or a provider id for the default connection there.
            is_allowed: The new position of the switch.

        Raises:
            NotConnectedError: The user has no such connection.
        """
        ...

    async def set_default(self, *, subject_token: str, connection: str) -> Connection:
        """Make the connection with this id the one that its provider's id stands for.

        Raises:
            NotConnectedError: The user has no such connection.
        """
        ...

    async def disconnect(self, *, subject_token: str, connection: str) -> None:
        """Erase the tokens of `connection`, named as for `set_access`, at once, and revoke them at the provider.

        The oldest of the user's other connections to that provider becomes the default if this one was.

        Raises:
            NotConnectedError: The user has no such connection.
        """
        ...

    async def list_revocations(self, *, subject_token: str) -> tuple[Revocation, ...]:
        """Return what became of the user's erased tokens at the providers in the last days, newest first."""
        ...

    async def fingerprint_token(self, *, subject_token: str, token: str) -> str:
        """Return the keyed fingerprint of an upstream `token`, which the events of its exchanges carry.

        Nothing keeps the token, and nothing tells whether there ever was one like it.

        Raises:
            InvalidRequestError: `token` is empty or longer than any token.
        """
        ...

    async def pause_access(self, *, subject_token: str, connection: str, until: datetime | None) -> Connection:
        """Refuse the agent a connection until an instant, as if it were revoked; None ends the pause.

        Raises:
            NotConnectedError: The user has no such connection.
        """
        ...

    async def set_away(self, *, subject_token: str, connection: str, is_allowed: bool) -> Connection:
        """Let the agent use a connection in the user's absence, or not.

        Raises:
            NotConnectedError: The user has no such connection.
        """
        ...

    async def create_grant(
        self, *, subject_token: str, agent: str, providers: Sequence[str], tools: Sequence[str], expires_at: datetime
    ) -> Grant:
        """Return a grant: its `sid` stands for a session of the absent user, in which `agent` alone may act.

        An agent has one grant of a user: one that was not ended is changed in its place and keeps its id.

        Args:
            subject_token: Who grants.
            agent: `agent:schedule:<name>`.
            providers: The provider ids that may be read.
            tools: The names of the tools that may read them, as actor tokens name them.
            expires_at: When it ends by itself.

        Raises:
            NotConnectedError: One of `providers` is unknown or not configured.
            InvalidRequestError: A name is malformed, there are no providers or no tools, or `expires_at` is past or
                more than a year away.
        """
        ...

    async def change_grant(
        self, *, subject_token: str, grant: str, providers: Sequence[str], tools: Sequence[str], expires_at: datetime
    ) -> Grant:
        """Replace what a grant of this user holds, also one that expired; raises as `create_grant` does.

        One that was ended cannot be changed: `InvalidRequestError`.
        """
        ...

    async def list_grants(self, *, subject_token: str) -> tuple[Grant, ...]:
        """Return the grants of this user that were not ended, those that expired among them, the oldest first."""
        ...

    async def end_grant(self, *, subject_token: str, grant: str) -> None:
        """End a grant of this user; one that ended, or that never was, stays as it is."""
        ...

    async def end_session(self, *, subject_token: str) -> None:
        """Honour no token of this session any more, in any process; what ended stays ended."""
        ...

    async def end_subject(self, *, subject_token: str) -> None:
        """End every session of this user that began at or before the `auth_time` of the token, and every grant."""
        ...

    async def forget_subject(self, *, subject_token: str) -> None:
        """Erase everything of this user for good, and revoke their tokens at the providers; safe to repeat."""
        ...

    async def aclose(self) -> None:
        """Close what the client holds open."""
        ...
