"""A user's grants, as `permissions.grants` asks for them: each function mints a subject token and asks the vault."""

from collections.abc import Sequence
from datetime import datetime

from vault import tokens
from vault.client import transport
from vault.types import Grant


async def create_grant(
    *,
    user: str,
    sid: str,
    auth_time: float,
    agent: str,
    providers: Sequence[str],
    tools: Sequence[str],
    expires_at: datetime,
) -> Grant:
    """Let an agent read in the user's absence. See `VaultClient.create_grant`."""
    return await transport.current().create_grant(
        subject_token=_mint(user, sid=sid, auth_time=auth_time),
        agent=agent,
        providers=providers,
        tools=tools,
        expires_at=expires_at,
    )


async def change_grant(
    *,
    user: str,
    sid: str,
    auth_time: float,
    grant: str,
    providers: Sequence[str],
    tools: Sequence[str],
    expires_at: datetime,
) -> Grant:
    """Replace what a grant holds. See `VaultClient.change_grant`."""
    return await transport.current().change_grant(
        subject_token=_mint(user, sid=sid, auth_time=auth_time),
        grant=grant,
        providers=providers,
        tools=tools,
        expires_at=expires_at,
    )


async def list_grants(*, user: str, sid: str, auth_time: float) -> tuple[Grant, ...]:
    """Return the user's grants that were not ended, those that expired among them."""
    return await transport.current().list_grants(subject_token=_mint(user, sid=sid, auth_time=auth_time))


async def end_grant(*, user: str, sid: str, auth_time: float, grant: str) -> None:
    """End a grant. See `VaultClient.end_grant`."""
    await transport.current().end_grant(subject_token=_mint(user, sid=sid, auth_time=auth_time), grant=grant)


def _mint(user: str, *, sid: str, auth_time: float) -> str:
    return tokens.mint_subject(user=user, sid=sid, auth_time=auth_time, purpose="connections")
