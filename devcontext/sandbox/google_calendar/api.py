"""Google's userinfo and the part of Calendar that reads events; everything else is 404 in Google's own form."""

from collections.abc import Mapping
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from devcontext.sandbox.accounts import person_of
from devcontext.sandbox.context import Sandbox, bearer_token, sandbox_of
from devcontext.sandbox.fault_gate import FaultGate
from devcontext.sandbox.faults.cases import Place
from devcontext.sandbox.google_calendar.errors import GoogleError, insufficient_scope, invalid_credentials, not_found
from devcontext.sandbox.google_calendar.events import find_event, list_events
from devcontext.sandbox.google_calendar.mask import FieldsError, apply_mask
from devcontext.sandbox.google_calendar.oauth import EVENT_SCOPES, PROVIDER, routes
from devcontext.sandbox.google_calendar.query import read_event_query, read_query
from devcontext.sandbox.google_calendar.quota import QUOTA
from devcontext.sandbox.limit_gate import LimitGate

_EMAIL_SCOPE = "https://www.googleapis.com/auth/userinfo.email"
_PROFILE_SCOPE = "https://www.googleapis.com/auth/userinfo.profile"


def google_routes() -> list[BaseRoute]:
    """Return everything below `/google` except its pages."""
    gate = Middleware(FaultGate, provider=PROVIDER, place=Place.API)
    calendar = [
        Route("/calendars/{calendar_id}/events", events, methods=["GET"]),
        Route("/calendars/{calendar_id}/events/{event_id}", event, methods=["GET"]),
        Route("/{path:path}", unknown),
    ]
    return [
        *routes(),
        Mount("/v1", routes=[Route("/userinfo", userinfo, methods=["GET"])], middleware=[gate]),
        Mount("/calendar/v3", routes=calendar, middleware=[gate, Middleware(LimitGate, quota=QUOTA)]),
    ]


async def userinfo(request: Request) -> Response:
    """Answer who the token belongs to, as far as its scopes tell.

    Source: https://developers.google.com/identity/openid-connect/openid-connect#obtaininguserprofileinformation
    """
    try:
        scopes = _require(request, frozenset({"openid"}))
    except GoogleError as error:
        return error.response()
    sandbox = sandbox_of(request)
    token = sandbox.store.find_token(bearer_token(request), provider=PROVIDER, kind="access")
    assert token is not None
    me = person_of(sandbox.world.now().me, account=token.account)
    body: dict[str, Any] = {"sub": f"10{me.database_id:019d}"}
    if _EMAIL_SCOPE in scopes:
        body |= {"email": me.email, "email_verified": True}
    if _PROFILE_SCOPE in scopes:
        body |= {"name": me.name}
    return JSONResponse(body)


async def events(request: Request) -> Response:
    """List a calendar's events.

    Source: https://developers.google.com/workspace/calendar/api/v3/reference/events/list
    """
    sandbox = sandbox_of(request)
    try:
        _require_calendar(request, sandbox)
        query = read_query(request.query_params, calendar_zone=sandbox.world.zone)
        body = list_events(sandbox.world.now(), query, links=sandbox.links)
        return _masked(request, body)
    except GoogleError as error:
        return error.response()


async def event(request: Request) -> Response:
    """Return one event, one instance of a series, or the series itself by its own id.

    Source: https://developers.google.com/workspace/calendar/api/v3/reference/events/get
    """
    sandbox = sandbox_of(request)
    try:
        _require_calendar(request, sandbox)
        query = read_event_query(request.query_params, calendar_zone=sandbox.world.zone)
        body = find_event(sandbox.world.now(), request.path_params["event_id"], query=query, links=sandbox.links)
        if body is None:
            raise not_found()
        return _masked(request, body)
    except GoogleError as error:
        return error.response()


async def unknown(_: Request) -> Response:
    """Answer for a path that Calendar does not have."""
    return not_found().response()


def _require_calendar(request: Request, sandbox: Sandbox) -> None:
    _require(request, EVENT_SCOPES)
    if request.path_params["calendar_id"] not in ("primary", sandbox.world.now().me.email):
        raise not_found()


def _require(request: Request, accepted: frozenset[str]) -> frozenset[str]:
    """Return the token's scopes.

    Raises:
        GoogleError: The token is not alive, or has none of the accepted scopes.
    """
    sandbox = sandbox_of(request)
    token = sandbox.store.find_token(bearer_token(request), provider=PROVIDER, kind="access")
    if token is None or not token.is_alive(sandbox.now()):
        raise invalid_credentials()
    scopes = frozenset(token.scope.split())
    if not scopes & accepted:
        raise insufficient_scope()
    return scopes


def _masked(request: Request, body: Mapping[str, Any]) -> Response:
    fields = request.query_params.get("fields", "")
    try:
        return JSONResponse(apply_mask(body, fields) if fields else body)
    except FieldsError:
        raise GoogleError(400, "invalidParameter", f"Invalid field selection {fields}", location="fields") from None
