"""A user's connections, as `permissions` asks for them: each function mints a subject token and asks the vault."""

from vault.types import Connection


async def start_connect(*, user: str, sid: str, provider: str) -> str:
    """Begin a connect flow and return the provider's authorization URL. See `VaultClient.start_connect`."""
    raise NotImplementedError


async def confirm_connection(*, user: str, sid: str, connection: str, nonce: str) -> Connection:
    """Activate a pending connection. See `VaultClient.confirm_connection`."""
    raise NotImplementedError


async def list_connections(*, user: str, sid: str) -> tuple[Connection, ...]:
    """Return the user's active connections."""
    raise NotImplementedError


async def set_access(*, user: str, sid: str, provider: str, is_allowed: bool) -> Connection:
    """Let the agent use a connection, or stop it. See `VaultClient.set_access`."""
    raise NotImplementedError


async def disconnect(*, user: str, sid: str, provider: str) -> None:
    """Erase and revoke a connection. See `VaultClient.disconnect`."""
    raise NotImplementedError
