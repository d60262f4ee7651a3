"""What a vault can be asked; `EmbeddedVault` and `HTTPVault` both answer it alike (one contract test runs on both)."""

from typing import Protocol

from vault.types import Connection, ExchangedToken, ExchangeRequest


class VaultClient(Protocol):
    """A vault, in this process or elsewhere. Every method raises `VaultError` subclasses and nothing else.

    `subject_token` is a JWT (RFC 9068) that names the user (`sub`) and the session (`sid`); the vault verifies it each
    time and acts on that user's connections only. A connection of somebody else is as unknown as one that never was.
    """

    async def exchange(self, request: ExchangeRequest) -> ExchangedToken:
        """Exchange a subject token for an upstream access token (RFC 8693 section 2)."""
        ...

    async def start_connect(self, *, subject_token: str, provider: str) -> str:
        """Begin a connect flow and return the provider's authorization URL for the browser.

        Raises:
            NotConnectedError: `provider` is unknown or not configured.
        """
        ...

    async def confirm_connection(self, *, subject_token: str, connection: str, nonce: str) -> Connection:
        """Activate the pending `connection` that the callback handed to the browser with `nonce`.

        Raises:
            ConnectStateError: No pending connection of this user and session has this nonce.
        """
        ...

    async def list_connections(self, *, subject_token: str) -> tuple[Connection, ...]:
        """Return the user's active connections."""
        ...

    async def set_access(self, *, subject_token: str, provider: str, is_allowed: bool) -> Connection:
        """Let the agent use the user's connection to `provider`, or stop it; sends nothing to the provider.

        Raises:
            NotConnectedError: The user has no such connection.
        """
        ...

    async def disconnect(self, *, subject_token: str, provider: str) -> None:
        """Erase the connection's tokens at once, and revoke them at the provider.

        Raises:
            NotConnectedError: The user has no such connection.
        """
        ...

    async def aclose(self) -> None:
        """Close what the client holds open."""
        ...
