"""The dialect of Auth0's Token Vault, so that a program written for it works here when it is given another domain.

Read from what Auth0's own SDKs send and expect; docs/vault-protocol.md names their versions.
"""

from typing import Any

from vault import forms, tokens, wire
from vault.dialects import Dialect, Refusal, refusal_of
from vault.errors import (
    InvalidRequestError,
    InvalidTargetError,
    NotConnectedError,
    RateLimitedError,
    ReconnectRequiredError,
    VaultError,
)
from vault.forms import Pairs
from vault.providers import registry
from vault.types import ExchangedToken, ExchangeRequest

TOKEN_TYPE = "http://auth0.com/oauth/token-type/federated-connection-access-token"  # noqa: S105  (Auth0's name)
# What the SDKs call a subject token. They differ at Auth0; here each is a subject token of ours.
SUBJECT_TOKEN_TYPES = frozenset(
    {tokens.TOKEN_TYPE_ACCESS, tokens.TOKEN_TYPE_JWT, "urn:ietf:params:oauth:token-type:refresh_token"}
)
# What the SDKs take for "the user must connect this".
NOT_CONNECTED = "federated_connection_refresh_token_not_found"
_DENIED = "access_denied"
_UNAUTHORIZED, _FORBIDDEN, _UNAVAILABLE = 401, 403, 503


def _read(pairs: Pairs) -> ExchangeRequest:
    form = forms.single(pairs)
    if not form.get("subject_token") or form.get("subject_token_type") not in SUBJECT_TOKEN_TYPES:
        raise InvalidRequestError
    # Some programs leave the requested type out; there is one that they can mean.
    if form.get("requested_token_type", TOKEN_TYPE) != TOKEN_TYPE or not form.get("connection"):
        raise InvalidRequestError
    return ExchangeRequest(
        subject_token=form["subject_token"],
        subject_token_type=tokens.TOKEN_TYPE_JWT,
        # A connection that is none of ours is no target; the exchange refuses it, and says so in the audit.
        audience=registry.find_by_auth0_connection(form["connection"]),
        scope=form.get("scope", ""),
        login_hint=form.get("login_hint", ""),
    )


def _answer(token: ExchangedToken) -> dict[str, Any]:
    """Return what the SDKs read; they need `expires_in`, and cache the token for so long."""
    return {
        "access_token": token.access_token,
        "scope": token.scope,
        "expires_in": token.expires_in,
        "issued_token_type": TOKEN_TYPE,
        "token_type": token.token_type,
    }


def _refusal(error: VaultError) -> Refusal:
    """Return `error` under the code and status that Auth0's clients know; a failure of ours never is a 4xx."""
    refusal = refusal_of(error)
    if isinstance(error, NotConnectedError | ReconnectRequiredError):
        return Refusal(_UNAUTHORIZED, refusal.body | {"error": NOT_CONNECTED})
    if isinstance(error, RateLimitedError):
        # At a 429, as at any 4xx, the SDKs have the user connect again, which would not help.
        return Refusal(_UNAVAILABLE, refusal.body)
    if isinstance(error, InvalidTargetError):
        return Refusal(_FORBIDDEN, refusal.body | {"error": _DENIED})
    return refusal


DIALECT = Dialect(grant_type=wire.FEDERATED_GRANT_TYPE, takes_json=True, read=_read, answer=_answer, refusal=_refusal)
