"""Ending a user's sessions at the vault, as `devcontext.sessions` asks for it, and forgetting who is deleted."""

import time

from vault import tokens
from vault.client import transport

# After so long no token is valid that was minted for a session before its end.
LONGEST_TOKEN_SECONDS = tokens.SUBJECT_TTL_SECONDS
# An end of all sessions is asked for by none of them.
_NO_SESSION = "cli:none"


async def end_session(*, user: str, sid: str, auth_time: float) -> None:
    """End one session. See `VaultClient.end_session`."""
    subject_token = tokens.mint_subject(user=user, sid=sid, auth_time=auth_time, purpose="connections")
    await transport.current().end_session(subject_token=subject_token)


async def end_subject(*, user: str, signed_in_through: float) -> None:
    """End every session that the user began by then, in seconds since the epoch. See `VaultClient.end_subject`."""
    subject_token = tokens.mint_subject(user=user, sid=_NO_SESSION, auth_time=signed_in_through, purpose="connections")
    await transport.current().end_subject(subject_token=subject_token)


async def forget_subject(*, user: str) -> None:
    """Erase everything of a user who is deleted. See `VaultClient.forget_subject`."""
    subject_token = tokens.mint_subject(user=user, sid=_NO_SESSION, auth_time=time.time(), purpose="connections")
    await transport.current().forget_subject(subject_token=subject_token)
