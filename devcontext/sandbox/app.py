"""Puts the sandbox together: three providers and the Claude stand-in on one port, over one world and one store."""

import json
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from devcontext.sandbox.claude.api import claude_routes
from devcontext.sandbox.context import Sandbox, sandbox_of
from devcontext.sandbox.faults import FaultRequestError, Faults
from devcontext.sandbox.github.api import github_routes
from devcontext.sandbox.github.pages import github_pages
from devcontext.sandbox.google_calendar.api import google_routes
from devcontext.sandbox.google_calendar.pages import google_pages
from devcontext.sandbox.links import Links
from devcontext.sandbox.pages import page, paragraph, stylesheet
from devcontext.sandbox.slack.api import slack_routes
from devcontext.sandbox.slack.pages import slack_pages
from devcontext.sandbox.store import Store
from devcontext.sandbox.types import World

# Every request to a provider is a form or one GraphQL document; 256 KiB is far above both.
_MAX_BODY_BYTES = 256 * 1024


def create_app(*, data: Path | None, world: World, base_url: str) -> Starlette:
    """Return the sandbox as an ASGI app.

    Args:
        data: The SQLite file that keeps tokens over a restart; None keeps them in memory.
        world: What the providers answer with.
        base_url: Where the app is reached, without a trailing slash; every link begins with it.
    """
    faults = Faults()
    app = Starlette(
        routes=_routes(faults), middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=_hosts(base_url))]
    )
    app.state.sandbox = Sandbox(world=world, store=Store(data), faults=faults, links=Links(base_url))
    return app


def _routes(faults: Faults) -> list[BaseRoute]:
    providers = [
        Mount("/github/web", routes=github_pages()),
        Mount("/google/web", routes=google_pages()),
        Mount("/slack/web", routes=slack_pages()),
        Mount("/github", routes=github_routes(faults), max_body_size=_MAX_BODY_BYTES),
        Mount("/google", routes=google_routes(faults), max_body_size=_MAX_BODY_BYTES),
        Mount("/slack", routes=slack_routes(faults), max_body_size=_MAX_BODY_BYTES),
    ]
    return [
        Route("/", index),
        Route("/health", health),
        Route("/faults", ask_fault, methods=["POST"]),
        Route("/sandbox.css", stylesheet),
        *providers,
        Mount("/claude", routes=claude_routes()),
    ]


def _hosts(base_url: str) -> list[str]:
    # SECURITY: a page elsewhere that points its own name at 127.0.0.1 does not get in (DNS rebinding).
    return ["127.0.0.1", "localhost", urlsplit(base_url).hostname or "127.0.0.1"]


async def index(request: Request) -> Response:
    """Say what this is."""
    body = paragraph("Local stand-ins for GitHub, Google Calendar, Slack and Claude, for DevContext on this machine.")
    return page("DevContext sandbox", body, notice=sandbox_of(request).world.label)


async def health(request: Request) -> Response:
    """Answer that the sandbox runs, with which world and under which address."""
    sandbox = sandbox_of(request)
    return JSONResponse({"sandbox": True, "world": sandbox.world.label, "base_url": sandbox.links.base_url})


async def ask_fault(request: Request) -> Response:
    """Set the next failures of one provider; 204, or 400 with a sentence."""
    # SECURITY: a form on a foreign page cannot send this content type without asking first.
    if not request.headers.get("content-type", "").startswith("application/json"):
        return JSONResponse({"error": "Send application/json."}, status_code=415)
    try:
        sandbox_of(request).faults.ask(json.loads(await request.body()))
    except FaultRequestError as error:
        return JSONResponse({"error": str(error)}, status_code=400)
    except ValueError:
        return JSONResponse({"error": "Send one JSON object."}, status_code=400)
    return Response(status_code=204)
