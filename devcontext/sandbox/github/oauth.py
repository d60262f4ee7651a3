"""GitHub's OAuth as a GitHub App's user tokens have it: hard rotation, errors with status 200, form answers.

Source: https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import urlencode

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devcontext.sandbox.consent import consent_route
from devcontext.sandbox.context import Sandbox, client_credentials, is_client, read_parameters, sandbox_of
from devcontext.sandbox.fault_gate import FaultGate
from devcontext.sandbox.faults.cases import Place
from devcontext.sandbox.oauth import Flavour, is_verified

PROVIDER = "github"
# Always 28800 s, and 15811200 s (six months) for a GitHub App's refresh token:
# https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens
_ACCESS_LIFETIME = timedelta(seconds=28800)
_REFRESH_LIFETIME = timedelta(seconds=15811200)
_TROUBLE = "/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors"

_ERRORS = {
    "bad_verification_code": ("The code passed is incorrect or expired.", "#bad-verification-code"),
    "bad_refresh_token": ("The refresh token passed is incorrect or expired.", "#bad-verification-code"),
    "incorrect_client_credentials": (
        "The client_id and/or client_secret passed are incorrect.",
        "#incorrect-client-credentials",
    ),
    "redirect_uri_mismatch": (
        "The redirect_uri MUST match the registered callback URL for this application.",
        "#redirect-uri-mismatch2",
    ),
    "unsupported_grant_type": ("The grant_type passed is not supported.", ""),
}

FLAVOUR = Flavour(
    provider=PROVIDER,
    name="GitHub",
    authorize_path="/login/oauth/authorize",
    scope_parameter="scope",
    scopes={},
    reads=("Pull requests, issues, checks and commits of the repositories you chose",),
    denial={
        "error": "access_denied",
        "error_description": "The user has denied your application access.",
        "error_uri": "https://docs.github.com/apps/managing-oauth-apps/troubleshooting-authorization-request-errors"
        "/#access-denied",
    },
)


def routes() -> list[Route]:
    """Return the pages and endpoints that make, renew and end tokens."""
    gate = Middleware(FaultGate, provider=PROVIDER, place=Place.TOKEN)
    return [
        consent_route(FLAVOUR),
        Route("/login/oauth/access_token", access_token, methods=["POST"], middleware=[gate]),
    ]


def revocation_routes() -> list[Route]:
    """Return the endpoints that lie below the API's address."""
    return [
        Route("/applications/{client_id}/token", revoke_token, methods=["DELETE"]),
        Route("/applications/{client_id}/grant", revoke_grant, methods=["DELETE"]),
    ]


async def access_token(request: Request) -> Response:
    """Exchange a code or a refresh token; an error is status 200 with an `error`.

    The answer is form-encoded unless the request accepts JSON.
    """
    sandbox, values = sandbox_of(request), await read_parameters(request)
    answer = _answer(sandbox, values, is_known=is_client(*client_credentials(request, values)))
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse(answer, headers={"cache-control": "no-store"})
    return Response(
        urlencode(answer),
        media_type="application/x-www-form-urlencoded; charset=utf-8",
        headers={"cache-control": "no-store"},
    )


async def revoke_token(request: Request) -> Response:
    """End one access token and the refresh token of the same grant: 204, or 404 when there is no such token.

    Source: https://docs.github.com/en/rest/apps/oauth-applications#delete-an-app-token
    """
    return await _revoke(request, is_whole_app=False)


async def revoke_grant(request: Request) -> Response:
    """End every token the user gave the app: 204, or 404 when the named token is not one of them.

    Source: https://docs.github.com/en/rest/apps/oauth-applications#delete-an-app-authorization
    """
    return await _revoke(request, is_whole_app=True)


async def _revoke(request: Request, *, is_whole_app: bool) -> Response:
    sandbox, values = sandbox_of(request), await read_parameters(request)
    client_id, client_secret = client_credentials(request, {})
    if not is_client(client_id, client_secret) or request.path_params["client_id"] != client_id:
        return not_found()
    token = sandbox.store.find_token(values.get("access_token", ""), provider=PROVIDER, kind="access")
    if token is None or token.revoked_at is not None:
        return not_found()
    if is_whole_app:
        sandbox.store.revoke_all(PROVIDER, now=sandbox.now(), account=token.account)
    else:
        sandbox.store.revoke_grant(token.grant_id, now=sandbox.now())
    return Response(status_code=204)


def not_found() -> JSONResponse:
    """Return GitHub's answer for what does not exist or may not be seen."""
    body = {"message": "Not Found", "documentation_url": "https://docs.github.com/rest", "status": "404"}
    return JSONResponse(body, status_code=404)


def _answer(sandbox: Sandbox, values: Mapping[str, str], *, is_known: bool) -> dict[str, str | int]:
    if not is_known:
        return _error("incorrect_client_credentials")
    match values.get("grant_type", "authorization_code"):
        case "authorization_code":
            return _exchange_code(sandbox, values)
        case "refresh_token":
            return _refresh(sandbox, values.get("refresh_token", ""))
        case _:
            return _error("unsupported_grant_type")


def _exchange_code(sandbox: Sandbox, values: Mapping[str, str]) -> dict[str, str | int]:
    granted = sandbox.store.take_code(values.get("code", ""), now=sandbox.now())
    if granted is None or granted.provider != PROVIDER:
        return _error("bad_verification_code")
    if values.get("redirect_uri", granted.redirect_uri) != granted.redirect_uri:
        return _error("redirect_uri_mismatch")
    if not is_verified(granted, code_verifier=values.get("code_verifier", "")):
        return _error("bad_verification_code")
    with sandbox.store.transaction():
        return _pair(sandbox, sandbox.store.open_grant(PROVIDER, scope="", account=granted.account))


def _refresh(sandbox: Sandbox, refresh_token: str) -> dict[str, str | int]:
    """A refresh token works once, and the access token it belongs to dies in the same instant."""
    now = sandbox.now()
    token = sandbox.store.find_token(refresh_token, provider=PROVIDER, kind="refresh")
    if token is None or not token.is_alive(now):
        return _error("bad_refresh_token")
    with sandbox.store.transaction():
        sandbox.store.revoke_grant(token.grant_id, now=now)
        return _pair(sandbox, token.grant_id)


def _pair(sandbox: Sandbox, grant_id: int) -> dict[str, str | int]:
    now, issue = sandbox.now(), sandbox.store.issue_token
    lifetime = sandbox.clock.lifetime_or(_ACCESS_LIFETIME)
    return {
        "access_token": issue(grant_id, kind="access", prefix="ghu_", expires_at=now + lifetime),
        "expires_in": int(lifetime.total_seconds()),
        "refresh_token": issue(grant_id, kind="refresh", prefix="ghr_", expires_at=now + _REFRESH_LIFETIME),
        "refresh_token_expires_in": int(_REFRESH_LIFETIME.total_seconds()),
        "scope": "",
        "token_type": "bearer",
    }


def _error(code: str) -> dict[str, str | int]:
    description, anchor = _ERRORS[code]
    return {"error": code, "error_description": description, "error_uri": f"https://docs.github.com{_TROUBLE}/{anchor}"}
