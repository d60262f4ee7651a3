"""A user's connections, as `permissions` asks for them: each function mints a subject token and asks the vault."""

from collections.abc import Collection
from datetime import datetime

from vault import tokens
from vault.client import transport
from vault.types import AccountChoice, Connection, PendingConnection, Revocation


async def start_connect(
    *,
    user: str,
    sid: str,
    auth_time: float,
    provider: str,
    scope_groups: Collection[str] = (),
    reconnects: str = "",
    leaves_out: Collection[str] = (),
) -> str:
    """Begin a connect flow and return the provider's authorization URL. See `VaultClient.start_connect`."""
    return await transport.current().start_connect(
        subject_token=_mint(user, sid=sid, auth_time=auth_time),
        provider=provider,
        scope_groups=scope_groups,
        reconnects=reconnects,
        leaves_out=leaves_out,
    )


async def confirm_connection(
    *, user: str, sid: str, auth_time: float, connection: str, nonce: str, choice: AccountChoice = AccountChoice.ASK
) -> Connection:
    """Activate a pending connection. See `VaultClient.confirm_connection`."""
    return await transport.current().confirm_connection(
        subject_token=_mint(user, sid=sid, auth_time=auth_time), connection=connection, nonce=nonce, choice=choice
    )


async def load_pending(*, user: str, sid: str, auth_time: float, connection: str, nonce: str) -> PendingConnection:
    """Return who signed in. See `VaultClient.load_pending`."""
    return await transport.current().load_pending(
        subject_token=_mint(user, sid=sid, auth_time=auth_time), connection=connection, nonce=nonce
    )


async def discard_connection(*, user: str, sid: str, auth_time: float, connection: str, nonce: str) -> None:
    """Erase a pending connection. See `VaultClient.discard_connection`."""
    await transport.current().discard_connection(
        subject_token=_mint(user, sid=sid, auth_time=auth_time), connection=connection, nonce=nonce
    )


async def list_connections(*, user: str, sid: str, auth_time: float) -> tuple[Connection, ...]:
    """Return the user's active connections."""
    return await transport.current().list_connections(subject_token=_mint(user, sid=sid, auth_time=auth_time))


async def set_access(*, user: str, sid: str, auth_time: float, connection: str, is_allowed: bool) -> Connection:
    """Let the agent use a connection, or stop it. See `VaultClient.set_access`."""
    return await transport.current().set_access(
        subject_token=_mint(user, sid=sid, auth_time=auth_time), connection=connection, is_allowed=is_allowed
    )


async def set_default(*, user: str, sid: str, auth_time: float, connection: str) -> Connection:
    """Make a connection its provider's default. See `VaultClient.set_default`."""
    return await transport.current().set_default(
        subject_token=_mint(user, sid=sid, auth_time=auth_time), connection=connection
    )


async def pause_access(*, user: str, sid: str, auth_time: float, connection: str, until: datetime | None) -> Connection:
    """Pause a connection, or end its pause. See `VaultClient.pause_access`."""
    return await transport.current().pause_access(
        subject_token=_mint(user, sid=sid, auth_time=auth_time), connection=connection, until=until
    )


async def set_away(*, user: str, sid: str, auth_time: float, connection: str, is_allowed: bool) -> Connection:
    """Let the agent use a connection in the user's absence, or not. See `VaultClient.set_away`."""
    return await transport.current().set_away(
        subject_token=_mint(user, sid=sid, auth_time=auth_time), connection=connection, is_allowed=is_allowed
    )


async def list_revocations(*, user: str, sid: str, auth_time: float) -> tuple[Revocation, ...]:
    """Return what became of the user's erased tokens at the providers. See `VaultClient.list_revocations`."""
    return await transport.current().list_revocations(subject_token=_mint(user, sid=sid, auth_time=auth_time))


async def disconnect(*, user: str, sid: str, auth_time: float, connection: str) -> None:
    """Erase and revoke a connection. See `VaultClient.disconnect`."""
    await transport.current().disconnect(subject_token=_mint(user, sid=sid, auth_time=auth_time), connection=connection)


def _mint(user: str, *, sid: str, auth_time: float) -> str:
    return tokens.mint_subject(user=user, sid=sid, auth_time=auth_time, purpose="connections")
