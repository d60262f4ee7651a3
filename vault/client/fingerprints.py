"""Which events a token left, as `permissions.leak_views` asks it for whoever holds a token that leaked."""

from vault import tokens
from vault.client import transport


async def fingerprint_token(*, user: str, sid: str, auth_time: float, token: str) -> str:
    """Return the fingerprint of an upstream token. See `VaultClient.fingerprint_token`."""
    subject_token = tokens.mint_subject(user=user, sid=sid, auth_time=auth_time, purpose="connections")
    return await transport.current().fingerprint_token(subject_token=subject_token, token=token)
