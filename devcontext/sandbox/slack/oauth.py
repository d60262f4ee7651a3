"""Slack's OAuth for user tokens with rotation: nested first answers, soft rotation, `ok: false` with status 200.

Source: https://docs.slack.dev/authentication/using-token-rotation
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devcontext.sandbox.accounts import person_of
from devcontext.sandbox.consent import consent_route
from devcontext.sandbox.context import (
    CLIENT_ID,
    Sandbox,
    client_credentials,
    is_client,
    read_parameters,
    sandbox_of,
)
from devcontext.sandbox.fault_gate import FaultGate
from devcontext.sandbox.faults.cases import Place
from devcontext.sandbox.oauth import Flavour

PROVIDER = "slack"
TEAM = {"id": "T07TIDEWTR", "name": "Tidewater"}
APP_ID = "A07SANDBOX"
# Always 43200 s with rotation, and at most two living access tokens (same page).
_ACCESS_LIFETIME = timedelta(seconds=43200)
_ACTIVE_TOKENS = 2
# Slack says "after a short grace period" and no number; a minute is the sandbox's reading of it.
_GRACE = timedelta(seconds=60)

FLAVOUR = Flavour(
    provider=PROVIDER,
    name="Slack",
    authorize_path="/oauth/v2/authorize",
    scope_parameter="user_scope",
    scopes={
        "users:read": "View people in the workspace",
        "users:read.email": "View e-mail addresses of people in the workspace",
        "channels:read": "View basic information about public channels",
        "channels:history": "View messages in public channels",
        "groups:read": "View basic information about your private channels",
        "groups:history": "View messages in your private channels",
        "im:read": "View basic information about your direct messages",
        "im:history": "View messages in your direct messages",
        "mpim:read": "View basic information about your group direct messages",
        "mpim:history": "View messages in your group direct messages",
        "search:read": "Search the workspace's content as you",
    },
    reads=(),
    accepts_pkce=False,
)


def routes() -> list[Route]:
    """Return the pages and endpoints that make and renew tokens."""
    gate = Middleware(FaultGate, provider=PROVIDER, place=Place.TOKEN)
    return [
        consent_route(FLAVOUR),
        Route("/api/oauth.v2.access", access, methods=["POST"], middleware=[gate]),
    ]


async def access(request: Request) -> Response:
    """Exchange a code or a refresh token.

    Source: https://docs.slack.dev/reference/methods/oauth.v2.access
    """
    sandbox, values = sandbox_of(request), await read_parameters(request)
    client_id, client_secret = client_credentials(request, values)
    if client_id != CLIENT_ID:
        return refusal("invalid_client_id")
    if not is_client(client_id, client_secret):
        return refusal("bad_client_secret")
    match values.get("grant_type", "authorization_code"):
        case "authorization_code":
            return _exchange_code(sandbox, values)
        case "refresh_token":
            return _refresh(sandbox, values.get("refresh_token", ""))
        case _:
            return refusal("invalid_grant_type")


def refusal(error: str, *, headers: Mapping[str, str] | None = None, **details: str) -> JSONResponse:
    """Return Slack's way to say no: status 200 and `ok: false`."""
    return JSONResponse({"ok": False, "error": error, **details}, headers=dict(headers or {}))


def _exchange_code(sandbox: Sandbox, values: Mapping[str, str]) -> Response:
    granted = sandbox.store.take_code(values.get("code", ""), now=sandbox.now())
    if granted is None or granted.provider != PROVIDER:
        return refusal("invalid_code")
    if values.get("redirect_uri") != granted.redirect_uri:
        return refusal("bad_redirect_uri")
    if "code_verifier" in values:
        return refusal("invalid_code_verifier")
    with sandbox.store.transaction():
        # Scopes are only ever added to what the user's living tokens have; `auth.revoke` is the way to fewer.
        # Source: https://docs.slack.dev/authentication/installing-with-oauth. NOT VERIFIED against the real Slack.
        had = sandbox.store.list_living_scopes(PROVIDER, account=granted.account, now=sandbox.now())
        scope = ",".join(dict.fromkeys([*granted.scope, *(one for scopes in had for one in scopes.split(","))]))
        pair = _pair(sandbox, sandbox.store.open_grant(PROVIDER, scope=scope, account=granted.account))
    me = person_of(sandbox.world.now().me, account=granted.account)
    user = {"id": me.slack_id, "scope": scope, "token_type": "user", **pair}
    return _success({"authed_user": user})


def _refresh(sandbox: Sandbox, refresh_token: str) -> Response:
    """A used refresh token lives a little longer; the old access token lives to its end or until it is the third."""
    now = sandbox.now()
    token = sandbox.store.find_token(refresh_token, provider=PROVIDER, kind="refresh")
    if token is None or not token.is_alive(now):
        return refusal("invalid_refresh_token")
    if token.used_at is not None and token.used_at + _GRACE.total_seconds() <= now.timestamp():
        return refusal("invalid_refresh_token")
    with sandbox.store.transaction():
        sandbox.store.mark_used(token, now=now)
        pair = _pair(sandbox, token.grant_id)
        sandbox.store.revoke_older(token.grant_id, kind="access", keep=_ACTIVE_TOKENS, now=now)
    user_id = person_of(sandbox.world.now().me, account=token.account).slack_id
    return _success({**pair, "token_type": "user", "scope": token.scope, "user_id": user_id})


def _pair(sandbox: Sandbox, grant_id: int) -> dict[str, str | int]:
    now, issue = sandbox.now(), sandbox.store.issue_token
    lifetime = sandbox.clock.lifetime_or(_ACCESS_LIFETIME)
    return {
        "access_token": issue(grant_id, kind="access", prefix="xoxe.xoxp-1-", expires_at=now + lifetime),
        "expires_in": int(lifetime.total_seconds()),
        "refresh_token": issue(grant_id, kind="refresh", prefix="xoxe-1-", expires_at=None),
    }


def _success(body: Mapping[str, Any]) -> JSONResponse:
    installation = {"app_id": APP_ID, "team": TEAM, "enterprise": None, "is_enterprise_install": False}
    return JSONResponse({"ok": True, **body, **installation}, headers={"cache-control": "no-store"})
