"""GitHub's API: the signed-in user, GraphQL, two searches and nothing else; every other path is 404, as on GitHub."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from devcontext.sandbox.accounts import person_of
from devcontext.sandbox.context import Sandbox, bearer_token, sandbox_of
from devcontext.sandbox.fault_gate import FaultGate
from devcontext.sandbox.faults.cases import Place
from devcontext.sandbox.github.asker import Asker
from devcontext.sandbox.github.commit_search import search_commits
from devcontext.sandbox.github.graphql import answer
from devcontext.sandbox.github.oauth import PROVIDER, not_found, revocation_routes, routes
from devcontext.sandbox.github.paging import found_body, read_search
from devcontext.sandbox.github.quota import QUOTA
from devcontext.sandbox.github.rest_bodies import commit_body, work_body
from devcontext.sandbox.github.search import SearchError, search
from devcontext.sandbox.github.user import user_body
from devcontext.sandbox.limit_gate import LimitGate
from devcontext.sandbox.store import Token

_DOCS = "https://docs.github.com/rest"


def github_routes() -> list[BaseRoute]:
    """Return everything below `/github` except its pages."""
    api = [
        *revocation_routes(),
        Route("/user", user, methods=["GET"]),
        Route("/graphql", graphql, methods=["POST"]),
        Route("/search/commits", commits, methods=["GET"]),
        Route("/search/issues", issues, methods=["GET"]),
        Route("/{path:path}", unknown, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]
    gates = [Middleware(FaultGate, provider=PROVIDER, place=Place.API), Middleware(LimitGate, quota=QUOTA)]
    return [*routes(), Mount("/api", routes=api, middleware=gates)]


async def user(request: Request) -> Response:
    """Answer who the token belongs to.

    Source: https://docs.github.com/en/rest/users/users#get-the-authenticated-user
    """
    sandbox = sandbox_of(request)
    token = _find_token(request, sandbox)
    if token is None:
        return bad_credentials()
    snapshot = sandbox.world.now()
    snapshot = replace(snapshot, me=person_of(snapshot.me, account=token.account))
    return _respond(user_body(snapshot, links=sandbox.links))


async def graphql(request: Request) -> Response:
    """Execute one GraphQL document.

    Source: https://docs.github.com/en/graphql/guides/forming-calls-with-graphql
    """
    sandbox = sandbox_of(request)
    if not _is_authorized(request, sandbox):
        return bad_credentials()
    try:
        body = json.loads(await request.body())
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        return _respond({"message": "Problems parsing JSON", "documentation_url": _DOCS, "status": "400"}, status=400)
    variables = body.get("variables")
    asker = Asker(sandbox.world.now(), sandbox.links)
    return _respond(answer(body["query"], variables if isinstance(variables, dict) else {}, asker=asker))


async def commits(request: Request) -> Response:
    """Search commits. Source: https://docs.github.com/en/rest/search/search#search-commits."""
    sandbox = sandbox_of(request)
    if not _is_authorized(request, sandbox):
        return bad_credentials()
    try:
        query, page = read_search(request.query_params, sorts=("author-date",))
        is_newest_first = request.query_params.get("order") != "asc"
        found = search_commits(query, snapshot=sandbox.world.now(), is_newest_first=is_newest_first)
    except SearchError as error:
        return _invalid(error)
    return _respond(found_body(found, page=page, write=partial(commit_body, links=sandbox.links)))


async def issues(request: Request) -> Response:
    """Search issues or pull requests.

    Source: https://docs.github.com/en/rest/search/search#search-issues-and-pull-requests
    """
    sandbox = sandbox_of(request)
    if not _is_authorized(request, sandbox):
        return bad_credentials()
    try:
        query, page = read_search(request.query_params, sorts=("created", "updated"))
        sort, order = request.query_params.get("sort", "created"), request.query_params.get("order", "desc")
        found = search(f"{query} sort:{sort}-{order}", snapshot=sandbox.world.now())
    except SearchError as error:
        return _invalid(error)
    return _respond(found_body(found, page=page, write=partial(work_body, links=sandbox.links), search_type="lexical"))


async def unknown(request: Request) -> Response:
    """Answer 401 to strangers and 404 to everybody else."""
    return not_found() if _is_authorized(request, sandbox_of(request)) else bad_credentials()


def bad_credentials() -> JSONResponse:
    """Return the answer to a token that is unknown, expired or revoked."""
    return _respond({"message": "Bad credentials", "documentation_url": _DOCS, "status": "401"}, status=401)


def _invalid(error: SearchError) -> JSONResponse:
    body = {"message": "Validation Failed", "documentation_url": _DOCS, "errors": [{"message": str(error)}]}
    return _respond({**body, "status": "422"}, status=422)


def _is_authorized(request: Request, sandbox: Sandbox) -> bool:
    return _find_token(request, sandbox) is not None


def _find_token(request: Request, sandbox: Sandbox) -> Token | None:
    """Return the living token that the request carries."""
    token = sandbox.store.find_token(bearer_token(request), provider=PROVIDER, kind="access")
    return token if token is not None and token.is_alive(sandbox.now()) else None


def _respond(body: Mapping[str, Any], *, status: int = 200) -> JSONResponse:
    return JSONResponse(body, status_code=status, headers={"x-github-request-id": secrets.token_hex(16).upper()})
