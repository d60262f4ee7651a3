"""A user's connections, as `permissions` asks for them: each function mints a subject token and asks the vault."""

from collections.abc import Collection
from datetime import datetime
from typing import Unpack

from vault.client import transport
from vault.client.subjects import mint_for
from vault.types import AccountChoice, Asker, Connection, PendingConnection, Revocation


async def start_connect(
    *,
    provider: str,
    scope_groups: Collection[str] = (),
    reconnects: str = "",
    leaves_out: Collection[str] = (),
    **asker: Unpack[Asker],
) -> str:
    """Begin a connect flow and return the provider's authorization URL. See `VaultClient.start_connect`."""
    return await transport.current().start_connect(
        subject_token=mint_for(asker),
        provider=provider,
        scope_groups=scope_groups,
        reconnects=reconnects,
        leaves_out=leaves_out,
    )


async def confirm_connection(
    *, connection: str, nonce: str, choice: AccountChoice = AccountChoice.ASK, **asker: Unpack[Asker]
) -> Connection:
    """Activate a pending connection. See `VaultClient.confirm_connection`."""
    return await transport.current().confirm_connection(
        subject_token=mint_for(asker), connection=connection, nonce=nonce, choice=choice
    )


async def load_pending(*, connection: str, nonce: str, **asker: Unpack[Asker]) -> PendingConnection:
    """Return who signed in. See `VaultClient.load_pending`."""
    return await transport.current().load_pending(subject_token=mint_for(asker), connection=connection, nonce=nonce)


async def discard_connection(*, connection: str, nonce: str, **asker: Unpack[Asker]) -> None:
    """Erase a pending connection. See `VaultClient.discard_connection`."""
    await transport.current().discard_connection(subject_token=mint_for(asker), connection=connection, nonce=nonce)


async def list_connections(**asker: Unpack[Asker]) -> tuple[Connection, ...]:
    """Return the user's active connections."""
    return await transport.current().list_connections(subject_token=mint_for(asker))


async def set_access(*, connection: str, is_allowed: bool, **asker: Unpack[Asker]) -> Connection:
    """Let the agent use a connection, or stop it. See `VaultClient.set_access`."""
    return await transport.current().set_access(
        subject_token=mint_for(asker), connection=connection, is_allowed=is_allowed
    )


async def set_default(*, connection: str, **asker: Unpack[Asker]) -> Connection:
    """Make a connection its provider's default. See `VaultClient.set_default`."""
    return await transport.current().set_default(subject_token=mint_for(asker), connection=connection)


async def pause_access(*, connection: str, until: datetime | None, **asker: Unpack[Asker]) -> Connection:
    """Pause a connection, or end its pause. See `VaultClient.pause_access`."""
    return await transport.current().pause_access(subject_token=mint_for(asker), connection=connection, until=until)


async def set_away(*, connection: str, is_allowed: bool, **asker: Unpack[Asker]) -> Connection:
    """Let the agent use a connection in the user's absence, or not. See `VaultClient.set_away`."""
    return await transport.current().set_away(
        subject_token=mint_for(asker), connection=connection, is_allowed=is_allowed
    )


async def list_revocations(**asker: Unpack[Asker]) -> tuple[Revocation, ...]:
    """Return what became of the user's erased tokens at the providers. See `VaultClient.list_revocations`."""
    return await transport.current().list_revocations(subject_token=mint_for(asker))


async def disconnect(*, connection: str, **asker: Unpack[Asker]) -> None:
    """Erase and revoke a connection. See `VaultClient.disconnect`."""
    await transport.current().disconnect(subject_token=mint_for(asker), connection=connection)
