"""Slack's Web API for reading: each method answers 200 with `ok`, takes GET and POST alike, and checks its scope.

Source: https://docs.slack.dev/apis/web-api
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from devcontext.sandbox.context import bearer_token, read_parameters, sandbox_of
from devcontext.sandbox.fault_gate import FaultGate
from devcontext.sandbox.faults.cases import Place
from devcontext.sandbox.limit_gate import LimitGate
from devcontext.sandbox.slack.call import Call, SlackError
from devcontext.sandbox.slack.methods import METHODS
from devcontext.sandbox.slack.oauth import PROVIDER, refusal, routes
from devcontext.sandbox.slack.quota import QUOTA, shrunk

_METHOD = Callable[[Call], Mapping[str, Any]]


def slack_routes() -> list[BaseRoute]:
    """Return everything below `/slack` except its pages."""
    gates = [Middleware(FaultGate, provider=PROVIDER, place=Place.API), Middleware(LimitGate, quota=QUOTA)]
    methods: list[BaseRoute] = [
        Route(f"/{name}", _endpoint(name, method), methods=["GET", "POST"]) for name, method in METHODS.items()
    ]
    methods += [
        Route("/auth.revoke", revoke, methods=["GET", "POST"]),
        Route("/{path:path}", unknown, methods=["GET", "POST"]),
    ]
    return [*routes(), Mount("/api", routes=methods, middleware=gates)]


def _endpoint(name: str, method: _METHOD) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            call = await _open(request, method=name)
            return _respond(call, {"ok": True, **method(call)})
        except SlackError as error:
            return refusal(error.code, headers=_request_id(), **error.details)

    endpoint.__name__ = name
    return endpoint


async def _open(request: Request, *, method: str) -> Call:
    """Return the call with its token.

    Raises:
        SlackError: There is no token, or it is not alive.
    """
    sandbox, text = sandbox_of(request), bearer_token(request)
    if not text:
        raise SlackError("not_authed")
    token = sandbox.store.find_token(text, provider=PROVIDER, kind="access")
    if token is None:
        raise SlackError("invalid_auth")
    if token.revoked_at is not None:
        raise SlackError("token_revoked")
    if token.is_expired(sandbox.now()):
        raise SlackError("token_expired")
    return Call(
        snapshot=sandbox.world.now(),
        zone=sandbox.world.zone,
        links=sandbox.links,
        values=shrunk(await read_parameters(request), method=method, mode=sandbox.limits.mode(PROVIDER)),
        scopes=frozenset(token.scope.split(",")),
        grant_id=token.grant_id,
        account=token.account,
    )


async def revoke(request: Request) -> Response:
    """End the token that asks, and with it the refresh token of the same grant; `test=1` only pretends.

    Source: https://docs.slack.dev/reference/methods/auth.revoke
    """
    sandbox = sandbox_of(request)
    try:
        call = await _open(request, method="auth.revoke")
    except SlackError as error:
        return refusal(error.code, headers=_request_id())
    is_test = call.values.get("test", "") in ("1", "true")
    if not is_test:
        sandbox.store.revoke_grant(call.grant_id, now=sandbox.now())
    return _respond(call, {"ok": True, "revoked": not is_test})


async def unknown(_: Request) -> Response:
    """Answer for a method that Slack, or this sandbox, does not have."""
    return refusal("unknown_method", headers=_request_id())


def _respond(call: Call, body: Mapping[str, Any]) -> JSONResponse:
    return JSONResponse(body, headers={**_request_id(), "x-oauth-scopes": ",".join(sorted(call.scopes))})


def _request_id() -> dict[str, str]:
    return {"x-slack-req-id": secrets.token_hex(16)}
