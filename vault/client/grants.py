"""A user's grants, as `permissions.grants` asks for them: each function mints a subject token and asks the vault."""

from collections.abc import Sequence
from datetime import datetime
from typing import Unpack

from vault.client import transport
from vault.client.subjects import mint_for
from vault.types import Asker, Grant


async def create_grant(
    *, agent: str, providers: Sequence[str], tools: Sequence[str], expires_at: datetime, **asker: Unpack[Asker]
) -> Grant:
    """Let an agent read in the user's absence. See `VaultClient.create_grant`."""
    return await transport.current().create_grant(
        subject_token=mint_for(asker),
        agent=agent,
        providers=providers,
        tools=tools,
        expires_at=expires_at,
    )


async def change_grant(
    *, grant: str, providers: Sequence[str], tools: Sequence[str], expires_at: datetime, **asker: Unpack[Asker]
) -> Grant:
    """Replace what a grant holds. See `VaultClient.change_grant`."""
    return await transport.current().change_grant(
        subject_token=mint_for(asker),
        grant=grant,
        providers=providers,
        tools=tools,
        expires_at=expires_at,
    )


async def list_grants(**asker: Unpack[Asker]) -> tuple[Grant, ...]:
    """Return the user's grants that were not ended, those that expired among them."""
    return await transport.current().list_grants(subject_token=mint_for(asker))


async def end_grant(*, grant: str, **asker: Unpack[Asker]) -> None:
    """End a grant. See `VaultClient.end_grant`."""
    await transport.current().end_grant(subject_token=mint_for(asker), grant=grant)
