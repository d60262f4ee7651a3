"""The tokens by which our own processes speak to the vault: what is claimed in them, and what must hold to believe it.

Subject tokens name the user and session (RFC 9068), actor tokens the run and tool call (RFC 8693 section 4.1), client
assertions the calling process (RFC 7523). None lives longer than minutes, and none opens a provider by itself.
"""

import secrets
import time
from dataclasses import dataclass
from typing import Any, Literal

from django.conf import settings

from vault import jws
from vault.errors import InvalidClientError, InvalidRequestError
from vault.jws import TokenError

TOKEN_TYPE_JWT = "urn:ietf:params:oauth:token-type:jwt"  # noqa: S105  (a name of RFC 8693 section 3)
TOKEN_TYPE_ACCESS = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  (likewise)

# The OAuth client that the web and worker processes are.
WEB_CLIENT = "devcontext-web"
# The only agent that our own processes act for.
AGENT_PREFIX = "agent:"
USER_PREFIX = "user:"

# What a subject token may be used for: reading through the vault, or managing the user's connections.
Purpose = Literal["exchange", "connections"]

SUBJECT_TTL_SECONDS = 300
ACTOR_TTL_SECONDS = 60
ASSERTION_TTL_SECONDS = 60
# Clocks of machines under NTP differ by well under a second; this tolerates a bad day and no more.
_CLOCK_SKEW_SECONDS = 5
# Ids and names of ours are far shorter; a longer claim is somebody's experiment.
_MAX_CLAIM_CHARACTERS = 200

_SUBJECT_TYP = "at+jwt"
_ACTOR_TYP = "actor+jwt"
_ASSERTION_TYP = "client-authentication+jwt"


@dataclass(frozen=True, slots=True)
class Subject:
    """The user and session for whom the vault is asked. `may_act` names the only agent that may act, or is ""."""

    user: str
    sid: str
    client: str
    may_act: str


@dataclass(frozen=True, slots=True)
class ActingAgent:
    """The agent, run and tool call that ask for a token. `jti` may be recorded once."""

    agent: str
    run: str
    tool: str
    tool_call: str
    jti: str


def mint_subject(*, user: str, sid: str, purpose: Purpose, may_act: str = "") -> str:
    """Return a subject token for `user`, `user:<id>`, in session `sid`. Source: RFC 9068 section 2."""
    claims: dict[str, Any] = {"sub": user, "sid": sid, "client_id": WEB_CLIENT, "scope": purpose}
    if may_act:
        claims["may_act"] = {"sub": may_act}
    return _mint(claims, typ=_SUBJECT_TYP, ttl_seconds=SUBJECT_TTL_SECONDS)


def mint_actor(*, agent: str, run: str, tool: str, tool_call: str) -> str:
    """Return an actor token for one tool call; `agent` is `agent:<name>`."""
    claims = {"sub": agent, "run_id": run, "tool": tool, "tool_call_id": tool_call}
    return _mint(claims, typ=_ACTOR_TYP, ttl_seconds=ACTOR_TTL_SECONDS)


def mint_assertion() -> str:
    """Return the client assertion by which this process authenticates. Source: RFC 7523 section 3."""
    return _mint({"sub": WEB_CLIENT}, typ=_ASSERTION_TYP, ttl_seconds=ASSERTION_TTL_SECONDS, issuer=WEB_CLIENT)


def verify_subject(token: str, *, purpose: Purpose, client: str) -> Subject:
    """Return the subject of `token`, minted for `purpose` by the authenticated `client`.

    Raises:
        InvalidRequestError: The token is not valid for this (RFC 8693 section 2.2.2).
    """
    try:
        claims = _verify(token, typ=_SUBJECT_TYP, max_ttl_seconds=SUBJECT_TTL_SECONDS, issuer=settings.APP_URL)
        _require(_text(claims, "client_id") == client and _text(claims, "scope") == purpose)
        return Subject(
            user=_prefixed(claims, "sub", prefix=USER_PREFIX),
            sid=_text(claims, "sid"),
            client=client,
            may_act=_may_act(claims),
        )
    except TokenError:
        raise InvalidRequestError from None


def verify_actor(token: str, *, subject: Subject) -> ActingAgent:
    """Return the agent of `token`, if `subject` lets it act.

    Raises:
        InvalidRequestError: The token is not valid, or another agent is named by `may_act` (RFC 8693 section 4.4).
    """
    try:
        claims = _verify(token, typ=_ACTOR_TYP, max_ttl_seconds=ACTOR_TTL_SECONDS, issuer=settings.APP_URL)
        agent = _prefixed(claims, "sub", prefix=AGENT_PREFIX)
        _require(subject.may_act in ("", agent))
        return ActingAgent(
            agent=agent,
            run=_text(claims, "run_id"),
            tool=_text(claims, "tool"),
            tool_call=_text(claims, "tool_call_id"),
            jti=_text(claims, "jti"),
        )
    except TokenError:
        raise InvalidRequestError from None


def verify_assertion(token: str) -> str:
    """Return the id of the client that made the assertion `token`.

    Raises:
        InvalidClientError: The assertion is not valid.
    """
    try:
        claims = _verify(token, typ=_ASSERTION_TYP, max_ttl_seconds=ASSERTION_TTL_SECONDS, issuer=WEB_CLIENT)
        _require(_text(claims, "sub") == WEB_CLIENT)
    except TokenError:
        raise InvalidClientError from None
    return WEB_CLIENT


def _mint(claims: dict[str, Any], *, typ: str, ttl_seconds: int, issuer: str = "") -> str:
    now = int(time.time())
    return jws.sign(
        {
            "iss": issuer or settings.APP_URL,
            "aud": settings.VAULT_ISSUER,
            "iat": now,
            "exp": now + ttl_seconds,
            "jti": secrets.token_urlsafe(16),
            **claims,
        },
        pem=settings.SUBJECT_SIGNING_KEY,
        typ=typ,
    )


def _verify(token: str, *, typ: str, max_ttl_seconds: int, issuer: str) -> dict[str, Any]:
    claims = jws.verify(token, pem=settings.SUBJECT_PUBLIC_KEY, typ=typ)
    issued_at, expires_at = _instant(claims, "iat"), _instant(claims, "exp")
    now = time.time()
    _require(issued_at <= now + _CLOCK_SKEW_SECONDS and now < expires_at)
    # SECURITY: the life is limited by the verifier; a token minted for a year is not believed for a minute.
    _require(expires_at - issued_at <= max_ttl_seconds)
    _require(_text(claims, "iss") == issuer and _text(claims, "aud") == settings.VAULT_ISSUER)
    _text(claims, "jti")
    return claims


def _require(condition: bool) -> None:  # noqa: FBT001  (reads as a sentence)
    if not condition:
        raise TokenError


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_CLAIM_CHARACTERS:
        raise TokenError
    return value


def _prefixed(claims: dict[str, Any], name: str, *, prefix: str) -> str:
    value = _text(claims, name)
    if not value.startswith(prefix) or value == prefix:
        raise TokenError
    return value


def _instant(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int:
        raise TokenError
    return value


def _may_act(claims: dict[str, Any]) -> str:
    if "may_act" not in claims:
        return ""
    allowed = claims["may_act"]
    if not isinstance(allowed, dict):
        raise TokenError
    return _prefixed(allowed, "sub", prefix=AGENT_PREFIX)
