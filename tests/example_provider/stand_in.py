"""A stand-in for Tasklist: the example's `devcontext/sandbox/tasklist/`."""

from datetime import timedelta
from pathlib import Path

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from devcontext.sandbox.accounts import person_of
from devcontext.sandbox.consent import consent_route
from devcontext.sandbox.context import (
    Sandbox,
    bearer_token,
    client_credentials,
    is_client,
    read_parameters,
    sandbox_of,
)
from devcontext.sandbox.fault_gate import FaultGate
from devcontext.sandbox.faults.cases import Place, load_cases
from devcontext.sandbox.limits import Mode
from devcontext.sandbox.oauth import Flavour, is_verified
from devcontext.sandbox.pages import page, paragraph
from devcontext.sandbox.stand_in import StandIn
from devcontext.sandbox.store import Token
from devcontext.sandbox.types import INVENTED

PROVIDER = "tasklist"
TITLES = ("Write the release notes", "Renew the certificate")
_ACCESS_LIFETIME = timedelta(hours=1)
FLAVOUR = Flavour(
    provider=PROVIDER,
    name="Tasklist",
    authorize_path="/oauth/authorize",
    scope_parameter="scope",
    scopes={"tasks:read": "See your tasks"},
    reads=(),
)


def routes() -> list[BaseRoute]:
    """Return everything below `/tasklist` except its pages."""
    token_gate = Middleware(FaultGate, provider=PROVIDER, place=Place.TOKEN)
    api_gate = Middleware(FaultGate, provider=PROVIDER, place=Place.API)
    return [
        consent_route(FLAVOUR),
        Route("/oauth/token", token, methods=["POST"], middleware=[token_gate]),
        Route("/oauth/revoke", revoke, methods=["POST"]),
        Mount("/api", routes=[Route("/me", me), Route("/tasks", tasks)], middleware=[api_gate]),
    ]


def pages() -> list[BaseRoute]:
    """Return the page behind a task's link."""
    return [Route("/tasks/{number:int}", task)]


async def token(request: Request) -> Response:
    """Exchange a code or a refresh token; errors are those of RFC 6749 section 5.2."""
    sandbox, values = sandbox_of(request), await read_parameters(request)
    if not is_client(*client_credentials(request, values)):
        return JSONResponse({"error": "invalid_client"}, status_code=401)
    now = sandbox.now()
    if values.get("grant_type") == "refresh_token":
        used = sandbox.store.find_token(values.get("refresh_token", ""), provider=PROVIDER, kind="refresh")
        if used is None or not used.is_alive(now):
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        sandbox.store.revoke_older(used.grant_id, kind="refresh", keep=0, now=now)
        return _pair(sandbox, used.grant_id, scope=used.scope)
    granted = sandbox.store.take_code(values.get("code", ""), now=now)
    if granted is None or not is_verified(granted, code_verifier=values.get("code_verifier", "")):
        return JSONResponse({"error": "invalid_grant"}, status_code=400)
    scope = " ".join(granted.scope)
    return _pair(sandbox, sandbox.store.open_grant(PROVIDER, scope=scope, account=granted.account), scope=scope)


async def revoke(request: Request) -> Response:
    """End the grant of a token; one that is unknown is answered alike. Source: RFC 7009 section 2.2."""
    sandbox, text = sandbox_of(request), (await read_parameters(request)).get("token", "")
    for kind in ("access", "refresh"):
        found = sandbox.store.find_token(text, provider=PROVIDER, kind=kind)
        if found is not None:
            sandbox.store.revoke_grant(found.grant_id, now=sandbox.now())
    return JSONResponse({})


async def me(request: Request) -> Response:
    """Answer who the token belongs to."""
    found = _find_token(request)
    if found is None:
        return JSONResponse({"error": "invalid_token"}, status_code=401)
    person = person_of(sandbox_of(request).world.now().me, account=found.account)
    return JSONResponse({"id": str(person.database_id), "email": person.email})


async def tasks(request: Request) -> Response:
    """List the open tasks."""
    sandbox = sandbox_of(request)
    if _find_token(request) is None:
        return JSONResponse({"error": "invalid_token"}, status_code=401)
    web, due = f"{sandbox.links.base_url}/tasklist/web/tasks", sandbox.world.now().now.date().isoformat()
    found = [{"title": title, "url": f"{web}/{number}", "due": due} for number, title in enumerate(TITLES)]
    return JSONResponse({"tasks": found})


async def task(request: Request) -> Response:
    """Show a task."""
    return page("Task", paragraph(TITLES[request.path_params["number"]]), notice=INVENTED)


def _find_token(request: Request) -> Token | None:
    sandbox = sandbox_of(request)
    found = sandbox.store.find_token(bearer_token(request), provider=PROVIDER, kind="access")
    return found if found is not None and found.is_alive(sandbox.now()) else None


def _pair(sandbox: Sandbox, grant_id: int, *, scope: str) -> Response:
    now, issue = sandbox.now(), sandbox.store.issue_token
    lifetime = sandbox.clock.lifetime_or(_ACCESS_LIFETIME)
    return JSONResponse(
        {
            "access_token": issue(grant_id, kind="access", prefix="tsk_", expires_at=now + lifetime),
            "refresh_token": issue(grant_id, kind="refresh", prefix="tskr_", expires_at=None),
            "expires_in": int(lifetime.total_seconds()),
            "scope": scope,
            "token_type": "Bearer",
        }
    )


TASKLIST = StandIn(
    provider=PROVIDER,
    name=FLAVOUR.name,
    path="/tasklist",
    routes=routes,
    pages=pages,
    cases=load_cases(Path(__file__).with_name("errors.json")),
    modes=(Mode.OFF,),
)
