"""Checks that an authorization request of any provider must pass, and PKCE; it answers no request itself."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from devcontext.sandbox.context import CLIENT_ID
from devcontext.sandbox.store import AuthorizationRequest

# GitHub's codes live 10 minutes, which is also RFC 6749's recommended maximum (section 4.1.2).
CODE_LIFETIME = timedelta(minutes=10)
QUESTION_LIFETIME = timedelta(minutes=10)

# The app is on loopback, at any port; a callback elsewhere is never redirected to.
_LOOPBACK = r"http://(?:localhost|127\.0\.0\.1)(?::\d{1,5})?"
# 43 characters: 32 bytes of SHA-256 in base64url without padding (RFC 7636 section 4.2).
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")


class AuthorizationRefusedError(Exception):
    """An authorization request that gets a page instead of a redirect; the text is for that page."""


@dataclass(frozen=True, slots=True)
class Flavour:
    """How one provider's authorization endpoint differs from the others'.

    `scopes` maps what can be asked for to plain words; `optional` are those the user may untick; `reads` says what
    is read where the provider knows no scopes; `denial` is what the callback is told when the user cancels.
    `wants_refresh(parameters, has_consented)` tells from the request, and from whether the user's consent still stands,
    whether a refresh token is given.
    """

    provider: str
    name: str
    authorize_path: str
    scope_parameter: str
    scopes: Mapping[str, str]
    reads: tuple[str, ...]
    optional: frozenset[str] = frozenset()
    accepts_pkce: bool = True
    code_prefix: str = ""
    denial: Mapping[str, str] = field(default_factory=lambda: {"error": "access_denied"})
    wants_refresh: Callable[[Mapping[str, str], bool], bool] = lambda _parameters, _has_consented: True


def check_request(flavour: Flavour, parameters: list[tuple[str, str]], *, wants_refresh: bool) -> AuthorizationRequest:
    """Return the checked request.

    Raises:
        AuthorizationRefusedError: The client, the callback, PKCE or a scope is not acceptable here.
    """
    values = dict(parameters)
    if len(values) != len(parameters):
        raise AuthorizationRefusedError("A parameter was sent twice.")
    if values.get("client_id") != CLIENT_ID:
        raise AuthorizationRefusedError("This sandbox does not know the app that sent you here (client_id).")
    redirect_uri = values.get("redirect_uri", "")
    if not re.fullmatch(rf"{_LOOPBACK}/connect/{flavour.provider}/callback", redirect_uri):
        raise AuthorizationRefusedError("The app's callback address (redirect_uri) is not registered here.")
    if values.get("response_type", "code") != "code":
        raise AuthorizationRefusedError("Only response_type=code is answered.")
    return AuthorizationRequest(
        provider=flavour.provider,
        redirect_uri=redirect_uri,
        state=values.get("state", ""),
        scope=_checked_scope(flavour, values),
        code_challenge=_checked_challenge(flavour, values),
        wants_refresh=wants_refresh,
    )


def is_verified(request: AuthorizationRequest, *, code_verifier: str) -> bool:
    """Return whether the verifier belongs to the challenge; without a challenge there must be no verifier.

    Source: RFC 7636 section 4.6; RFC 9700 section 2.1.1 for the second rule (downgrade).
    """
    if not request.code_challenge:
        return not code_verifier
    digest = hashlib.sha256(code_verifier.encode()).digest()
    expected = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return hmac.compare_digest(expected, request.code_challenge.encode())


def _checked_challenge(flavour: Flavour, values: Mapping[str, str]) -> str:
    challenge = values.get("code_challenge", "")
    if not challenge and "code_challenge_method" not in values:
        return ""
    if not flavour.accepts_pkce:
        raise AuthorizationRefusedError(
            f"PKCE was sent to {flavour.name}. At the real one it turns the app into a public client for ever and lets "
            "its refresh tokens die after 30 days; leave code_challenge out."
        )
    if values.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
        raise AuthorizationRefusedError("Only PKCE with code_challenge_method=S256 is answered.")
    return challenge


def _checked_scope(flavour: Flavour, values: Mapping[str, str]) -> tuple[str, ...]:
    asked = tuple(dict.fromkeys(values.get(flavour.scope_parameter, "").replace(",", " ").split()))
    if flavour.scope_parameter != "scope" and values.get("scope"):
        raise AuthorizationRefusedError("Bot scopes were asked for (scope), and this sandbox has no bots.")
    unknown = [scope for scope in asked if scope not in flavour.scopes]
    if unknown:
        raise AuthorizationRefusedError(f"There is no scope {unknown[0]!r} at {flavour.name} (invalid_scope).")
    if flavour.scopes and not asked:
        raise AuthorizationRefusedError(f"No scope was asked for ({flavour.scope_parameter}).")
    return asked
