"""Ending a user's sessions at the vault, as `devcontext.sessions` asks for it, and forgetting who is deleted."""

import time
from typing import Unpack

from vault import tokens
from vault.client import transport
from vault.client.subjects import mint_for
from vault.types import Asker

# After so long no token is valid that was minted for a session before its end.
LONGEST_TOKEN_SECONDS = tokens.SUBJECT_TTL_SECONDS
# An end of all sessions is asked for by none of them.
_NO_SESSION = "cli:none"


async def end_session(**asker: Unpack[Asker]) -> None:
    """End one session. See `VaultClient.end_session`."""
    await transport.current().end_session(subject_token=mint_for(asker))


async def end_subject(*, user: str, signed_in_through: float) -> None:
    """End every session that the user began by then, in seconds since the epoch. See `VaultClient.end_subject`."""
    asker = Asker(user=user, sid=_NO_SESSION, auth_time=signed_in_through)
    await transport.current().end_subject(subject_token=mint_for(asker))


async def forget_subject(*, user: str) -> None:
    """Erase everything of a user who is deleted. See `VaultClient.forget_subject`."""
    asker = Asker(user=user, sid=_NO_SESSION, auth_time=time.time())
    await transport.current().forget_subject(subject_token=mint_for(asker))
