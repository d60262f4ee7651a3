"""The tokens by which our own processes speak to the vault: what is claimed in them, and what must hold to believe it.

Subject tokens name the user and session (RFC 9068), actor tokens the run and tool call (RFC 8693 section 4.1), client
assertions the calling process (RFC 7523). None lives longer than minutes, and none opens a provider by itself.
"""

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

from django.conf import settings

from audit import events
from vault import jws
from vault.errors import InvalidClientError, InvalidRequestError
from vault.jws import TokenError

TOKEN_TYPE_JWT = "urn:ietf:params:oauth:token-type:jwt"  # noqa: S105  (a name of RFC 8693 section 3)
TOKEN_TYPE_ACCESS = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  (likewise)

# The OAuth client that the web and worker processes are.
WEB_CLIENT = events.WEB_CLIENT
# The only agent that our own processes act for.
AGENT_PREFIX = "agent:"
# An agent that acts for an absent user's schedule; each has a name of its own.
SCHEDULE_PREFIX = events.SCHEDULE_PREFIX
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


class TokenKind(StrEnum):
    """The tokens that are minted here, by the `typ` of their header: one made for one door opens no other."""

    SUBJECT = "at+jwt"
    ACTOR = "actor+jwt"
    ASSERTION = "client-authentication+jwt"


_TTL_SECONDS = {
    TokenKind.SUBJECT: SUBJECT_TTL_SECONDS,
    TokenKind.ACTOR: ACTOR_TTL_SECONDS,
    TokenKind.ASSERTION: ASSERTION_TTL_SECONDS,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """The user and session for whom the vault is asked. `may_act` names the only agent that may act, or is "".

    `auth_time` is when the user signed in to this session, in seconds since the epoch.
    """

    user: str
    sid: str
    client: str
    may_act: str
    auth_time: float
    jti: str


@dataclass(frozen=True, slots=True)
class ActingAgent:
    """The agent, run and tool call that ask for a token. `jti` may be recorded once."""

    agent: str
    run: str
    tool: str
    tool_call: str
    jti: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A token of ours that verifies, whatever it is for; `run` is "" and `subject` None where it names none."""

    kind: TokenKind
    client: str
    jti: str
    subject: Subject | None
    run: str
    expires_at: datetime
    claims: dict[str, Any]


def mint_subject(
    *, user: str, sid: str, auth_time: float, purpose: Purpose, may_act: str = "", client: str = WEB_CLIENT
) -> str:
    """Return a subject token for `user`, `user:<id>`, who signed in to session `sid` at `auth_time`.

    It is of use to `client` alone. Source: RFC 9068 sections 2 and 2.2.1.
    """
    claims: dict[str, Any] = {"sub": user, "sid": sid, "auth_time": auth_time, "client_id": client, "scope": purpose}
    if may_act:
        claims["may_act"] = {"sub": may_act}
    return _mint(claims, kind=TokenKind.SUBJECT)


def mint_actor(*, agent: str, run: str, tool: str, tool_call: str) -> str:
    """Return an actor token for one tool call; `agent` is `agent:<name>`."""
    claims = {"sub": agent, "run_id": run, "tool": tool, "tool_call_id": tool_call}
    return _mint(claims, kind=TokenKind.ACTOR)


def mint_assertion() -> str:
    """Return the client assertion by which this process authenticates. Source: RFC 7523 section 3."""
    return _mint({"sub": WEB_CLIENT}, kind=TokenKind.ASSERTION)


def verify_subject(token: str, *, purpose: Purpose, client: str) -> Subject:
    """Return the subject of `token`, minted for `purpose` by the authenticated `client`.

    Raises:
        InvalidRequestError: The token is not valid for this (RFC 8693 section 2.2.2).
    """
    try:
        claims = _verify(token, kind=TokenKind.SUBJECT)
        _require(_text(claims, "client_id") == client and _text(claims, "scope") == purpose)
        return _subject(claims)
    except TokenError:
        raise InvalidRequestError from None


def verify_actor(token: str, *, subject: Subject) -> ActingAgent:
    """Return the agent of `token`, if `subject` lets it act.

    Raises:
        InvalidRequestError: The token is not valid, or another agent is named by `may_act` (RFC 8693 section 4.4).
    """
    try:
        claims = _verify(token, kind=TokenKind.ACTOR)
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
        claims = _verify(token, kind=TokenKind.ASSERTION)
        _require(_text(claims, "sub") == WEB_CLIENT)
    except TokenError:
        raise InvalidClientError from None
    return WEB_CLIENT


def verify_issued(token: str) -> Issued:
    """Return the token, if it is one of ours of any kind and has not ended.

    Raises:
        TokenError: It is not.
    """
    # The kind stands in the header, which must be exact: at most one signature is checked.
    for kind in TokenKind:
        try:
            claims = _verify(token, kind=kind)
        except TokenError:
            continue
        return Issued(
            kind=kind,
            # Actor tokens and assertions name no client: our own process alone mints them.
            client=_text(claims, "client_id") if kind is TokenKind.SUBJECT else WEB_CLIENT,
            jti=_text(claims, "jti"),
            subject=_subject(claims) if kind is TokenKind.SUBJECT else None,
            run=_text(claims, "run_id") if kind is TokenKind.ACTOR else "",
            expires_at=datetime.fromtimestamp(_instant(claims, "exp"), tz=UTC),
            claims=claims,
        )
    raise TokenError


def _subject(claims: dict[str, Any]) -> Subject:
    return Subject(
        user=_prefixed(claims, "sub", prefix=USER_PREFIX),
        sid=_text(claims, "sid"),
        client=_text(claims, "client_id"),
        may_act=_may_act(claims),
        auth_time=_auth_time(claims),
        jti=_text(claims, "jti"),
    )


def _issuer(kind: TokenKind) -> str:
    """RFC 7523 section 3: who makes an assertion is the client itself."""
    return WEB_CLIENT if kind is TokenKind.ASSERTION else settings.APP_URL


def _mint(claims: dict[str, Any], *, kind: TokenKind) -> str:
    now = int(time.time())
    return jws.sign(
        {
            "iss": _issuer(kind),
            "aud": settings.VAULT_ISSUER,
            "iat": now,
            "exp": now + _TTL_SECONDS[kind],
            "jti": secrets.token_urlsafe(16),
            **claims,
        },
        pem=settings.SUBJECT_SIGNING_KEY,
        typ=kind,
    )


def _verify(token: str, *, kind: TokenKind) -> dict[str, Any]:
    claims = jws.verify(token, pem=settings.SUBJECT_PUBLIC_KEY, typ=kind)
    issued_at, expires_at = _instant(claims, "iat"), _instant(claims, "exp")
    now = time.time()
    _require(issued_at <= now + _CLOCK_SKEW_SECONDS and now < expires_at)
    # RFC 7519 section 4.1.5: none of ours says it, and one that does is obeyed.
    _require("nbf" not in claims or _instant(claims, "nbf") <= now + _CLOCK_SKEW_SECONDS)
    # SECURITY: the life is limited by the verifier; a token minted for a year is not believed for a minute.
    _require(expires_at - issued_at <= _TTL_SECONDS[kind])
    _require(_text(claims, "iss") == _issuer(kind) and _text(claims, "aud") == settings.VAULT_ISSUER)
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


def _auth_time(claims: dict[str, Any]) -> float:
    """Return the instant of the sign-in, with its fraction (RFC 7519 section 2): two can fall into one second."""
    value = claims.get("auth_time")
    # A number too large for a float is infinite, and so is later than now.
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenError
    if not 0 <= value <= time.time() + _CLOCK_SKEW_SECONDS:
        raise TokenError
    return float(value)


def _may_act(claims: dict[str, Any]) -> str:
    if "may_act" not in claims:
        return ""
    allowed = claims["may_act"]
    if not isinstance(allowed, dict):
        raise TokenError
    return _prefixed(allowed, "sub", prefix=AGENT_PREFIX)
