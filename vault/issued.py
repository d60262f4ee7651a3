"""Subject and actor tokens after they were minted: revoked before their end, introspected, refused once revoked.

It speaks of these tokens only. An upstream token is as unknown here as any other text.
"""

from typing import Any

from django.db import transaction

from audit.events import Entry, Event
from vault import ledger, sessions, tokens
from vault.database import ALIAS, run
from vault.errors import InvalidRequestError, SessionEndedError, UnsupportedTokenTypeError
from vault.jws import TokenError
from vault.store import revoked_tokens, statements
from vault.tokens import Issued, TokenKind

_INACTIVE = {"active": False}
# What is told of a token that is active; RFC 7662 section 2.2 names them, and RFC 9068 section 2.2.1 the rest.
_TOLD = ("scope", "sub", "sid", "iss", "aud", "exp", "iat", "jti", "auth_time")


async def revoke(token: str, *, client: str) -> None:
    """Refuse `token` from now on, if it is one of `client`. Source: RFC 7009 sections 2.1 and 2.2.

    Raises:
        UnsupportedTokenTypeError: It is a client assertion, which ends by itself and cannot be revoked.
        VaultUnavailableError: It could not be stored.
    """
    issued = _find(token, client=client)
    if issued is None:
        # RFC 7009 section 2.2: nothing the client could do about it, so nothing is said.
        return
    if issued.kind is TokenKind.ASSERTION:
        raise UnsupportedTokenTypeError
    await run(_revoke, issued)


async def introspect(token: str, *, client: str) -> dict[str, Any]:
    """Return what is known of `token`, or that it is not active and nothing else. Source: RFC 7662 section 2.2.

    Raises:
        VaultUnavailableError: The database failed.
    """
    issued = _find(token, client=client)
    if issued is None or issued.kind is TokenKind.ASSERTION:
        return _INACTIVE
    if not await run(_is_active, issued):
        return _INACTIVE
    told = {name: issued.claims[name] for name in _TOLD if name in issued.claims}
    if issued.subject:
        told["token_type"] = "Bearer"  # noqa: S105  (a name of RFC 6750)
    return {"active": True, "client_id": issued.client, **told}


def require_unrevoked(*jtis: str) -> None:
    """Go on only if none of these tokens is revoked; sync, on a database thread.

    Raises:
        InvalidRequestError: One is (RFC 8693 section 2.2.2).
    """
    if statements.is_any_revoked(jtis):
        raise InvalidRequestError


def _find(token: str, *, client: str) -> Issued | None:
    """Return the token if it verifies and is one of `client`; whose it is otherwise is not told."""
    try:
        issued = tokens.verify_issued(token)
    except TokenError:
        return None
    return issued if issued.client == client else None


def _is_active(issued: Issued) -> bool:
    """Tell whether the token was not revoked, and its session did not end."""
    if statements.is_any_revoked([issued.jti]):
        return False
    try:
        if issued.subject:
            sessions.find_standing(issued.subject)
    except SessionEndedError:
        return False
    return True


def _revoke(issued: Issued) -> None:
    with transaction.atomic(using=ALIAS):
        if not revoked_tokens.add(issued.jti, expires_at=issued.expires_at):
            return
        user = issued.subject.user if issued.subject else ""
        ledger.note(Entry(event=Event.VAULT_TOKEN_REVOKED, user=user, client=issued.client, run=issued.run))
    ledger.drain()
