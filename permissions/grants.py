"""A user's leave for a schedule to read while they are away: given, narrowed, renewed and ended by an act of theirs.

The vault keeps and audits grants, and refuses what they do not hold; nothing is cached here.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Unpack

from vault.client import Asker, Grant, SessionEndedError
from vault.client import grants as vault


async def create(
    *, agent: str, providers: Collection[str], tools: Collection[str], expires_at: datetime, **asker: Unpack[Asker]
) -> Grant:
    """Let `agent` read `providers` with `tools` while the user is away, until an instant.

    Its one grant, also one that expired, is changed in its place; asked for twice at once, it is the same one.

    For a view behind `permissions.confirmation.recently_confirmed`: it widens what is read.

    Raises:
        vault.client.NotConnectedError: One of `providers` is unknown or not configured.
        vault.client.VaultError: The vault did not confirm it.
    """
    return await vault.create_grant(
        **asker, agent=agent, providers=sorted(providers), tools=sorted(tools), expires_at=expires_at
    )


async def change(
    *, grant: str, providers: Collection[str], tools: Collection[str], expires_at: datetime, **asker: Unpack[Asker]
) -> Grant:
    """Replace what a grant holds; whether that narrows or widens it is the vault's to tell, and in the audit.

    For a view behind `recently_confirmed` unless it can only take away.

    Raises:
        vault.client.VaultError: The grant was ended, or the vault did not confirm the change.
    """
    return await vault.change_grant(
        **asker, grant=grant, providers=sorted(providers), tools=sorted(tools), expires_at=expires_at
    )


async def end(*, grant: str, **asker: Unpack[Asker]) -> None:
    """End a grant at once; one that ended before stays ended.

    Raises:
        vault.client.VaultError: The vault did not confirm it.
    """
    await vault.end_grant(**asker, grant=grant)


async def list_grants(**asker: Unpack[Asker]) -> tuple[Grant, ...]:
    """Return the user's grants that were not ended, those that expired among them, the oldest first.

    Raises:
        vault.client.VaultError: The vault does not answer, or does not accept this session.
    """
    return await vault.list_grants(**asker)


async def load_own(**asker: Unpack[Asker]) -> Grant:
    """Return the grant that stands for the session `sid`.

    Raises:
        vault.client.SessionEndedError: It ended, expired or never was.
        vault.client.VaultError: The vault does not answer.
    """
    for grant in await list_grants(**asker):
        if grant.sid == asker["sid"]:
            return grant
    raise SessionEndedError


async def holds(*, provider: str, tool: str, **asker: Unpack[Asker]) -> bool:
    """Tell whether the grant that stands for `sid` holds this service and this tool; raises as `load_own` does."""
    grant = await load_own(**asker)
    return provider in grant.providers and tool in grant.tools
