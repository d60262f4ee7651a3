"""Google's OAuth: refresh tokens that never rotate, consent scope by scope, revocation of everything at once.

Source: https://developers.google.com/identity/protocols/oauth2/web-server
"""

from collections.abc import Mapping
from datetime import timedelta

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from devcontext.sandbox.consent import consent_route
from devcontext.sandbox.context import Sandbox, client_credentials, is_client, read_parameters, sandbox_of
from devcontext.sandbox.fault_gate import FaultGate
from devcontext.sandbox.faults.cases import Place
from devcontext.sandbox.oauth import Flavour, is_verified

PROVIDER = "google-calendar"
# Google says 3599, a second less than the hour.
_ACCESS_LIFETIME = timedelta(seconds=3599)
_SCOPE = "https://www.googleapis.com/auth/"
OWNED_EVENTS = f"{_SCOPE}calendar.events.owned.readonly"
# The scopes that events.list accepts and this sandbox offers, by the discovery document of 2026-10-30.
EVENT_SCOPES = frozenset({OWNED_EVENTS, f"{_SCOPE}calendar.events.readonly", f"{_SCOPE}calendar.readonly"})
_LONG_NAMES = {"email": f"{_SCOPE}userinfo.email", "profile": f"{_SCOPE}userinfo.profile"}


def _wants_refresh(parameters: Mapping[str, str], has_consented: bool) -> bool:  # noqa: FBT001  (as the flavour calls it)
    """Google gives a refresh token only when asked for offline access, and only on a first or forced consent.

    Source: https://developers.google.com/identity/protocols/oauth2/web-server#offline
    """
    is_forced = "consent" in parameters.get("prompt", "").split()
    return parameters.get("access_type") == "offline" and (is_forced or not has_consented)


FLAVOUR = Flavour(
    provider=PROVIDER,
    name="Google Calendar",
    authorize_path="/o/oauth2/v2/auth",
    scope_parameter="scope",
    scopes={
        "openid": "Know who you are",
        "email": "See your e-mail address",
        "profile": "See your name",
        _LONG_NAMES["email"]: "See your e-mail address",
        _LONG_NAMES["profile"]: "See your name",
        OWNED_EVENTS: "See the events on Google calendars you own",
        f"{_SCOPE}calendar.events.readonly": "View events on all your calendars",
        f"{_SCOPE}calendar.readonly": "See and download any calendar you can access",
    },
    reads=(),
    optional=EVENT_SCOPES,
    code_prefix="4/",
    wants_refresh=_wants_refresh,
)


def routes() -> list[Route]:
    """Return the pages and endpoints that make, renew and end tokens."""
    gate = Middleware(FaultGate, provider=PROVIDER, place=Place.TOKEN)
    return [
        consent_route(FLAVOUR),
        Route("/token", token, methods=["POST"], middleware=[gate]),
        Route("/revoke", revoke, methods=["POST"]),
    ]


async def token(request: Request) -> Response:
    """Exchange a code or a refresh token; errors are those of RFC 6749 section 5.2."""
    sandbox, values = sandbox_of(request), await read_parameters(request)
    if not is_client(*client_credentials(request, values)):
        return _error("invalid_client", "Unauthorized", status=401)
    match values.get("grant_type", ""):
        case "authorization_code":
            return _exchange_code(sandbox, values)
        case "refresh_token":
            return _refresh(sandbox, values.get("refresh_token", ""))
        case _:
            return _error("unsupported_grant_type", "Invalid grant_type")


async def revoke(request: Request) -> Response:
    """End everything the user granted, when `token` is one of its living tokens; no client authentication.

    Source: https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
    """
    sandbox, values = sandbox_of(request), await read_parameters(request)
    now, text = sandbox.now(), values.get("token", "")
    found = [sandbox.store.find_token(text, provider=PROVIDER, kind=kind) for kind in ("access", "refresh")]
    alive = [one for one in found if one is not None and one.is_alive(now)]
    if not alive:
        return _error("invalid_token", "Token expired or revoked")
    sandbox.store.revoke_all(PROVIDER, now=now, account=alive[0].account)
    return JSONResponse({})


def _exchange_code(sandbox: Sandbox, values: Mapping[str, str]) -> Response:
    granted = sandbox.store.take_code(values.get("code", ""), now=sandbox.now())
    if granted is None or granted.provider != PROVIDER:
        return _error("invalid_grant", "Bad Request")
    if values.get("redirect_uri") != granted.redirect_uri:
        return _error("redirect_uri_mismatch", "Bad Request")
    if not is_verified(granted, code_verifier=values.get("code_verifier", "")):
        return _error("invalid_grant", "Invalid code verifier.")
    scope = " ".join(dict.fromkeys(_LONG_NAMES.get(scope, scope) for scope in granted.scope))
    with sandbox.store.transaction():
        grant_id = sandbox.store.open_grant(PROVIDER, scope=scope, account=granted.account)
        answer = _access(sandbox, grant_id, scope=scope)
        if granted.wants_refresh:
            answer["refresh_token"] = sandbox.store.issue_token(grant_id, kind="refresh", prefix="1//", expires_at=None)
    return _success(answer)


def _refresh(sandbox: Sandbox, refresh_token: str) -> Response:
    """The same refresh token works again and again, and older access tokens live on."""
    token = sandbox.store.find_token(refresh_token, provider=PROVIDER, kind="refresh")
    if token is None or not token.is_alive(sandbox.now()):
        return _error("invalid_grant", "Token has been expired or revoked.")
    return _success(_access(sandbox, token.grant_id, scope=token.scope))


def _access(sandbox: Sandbox, grant_id: int, *, scope: str) -> dict[str, str | int]:
    lifetime = sandbox.clock.lifetime_or(_ACCESS_LIFETIME)
    expires_at = sandbox.now() + lifetime
    return {
        "access_token": sandbox.store.issue_token(grant_id, kind="access", prefix="ya29.", expires_at=expires_at),
        "expires_in": int(lifetime.total_seconds()),
        "scope": scope,
        "token_type": "Bearer",
    }


def _success(body: Mapping[str, str | int]) -> JSONResponse:
    return JSONResponse(body, headers={"cache-control": "no-store", "pragma": "no-cache"})


def _error(code: str, description: str, *, status: int = 400) -> JSONResponse:
    return JSONResponse({"error": code, "error_description": description}, status_code=status)
