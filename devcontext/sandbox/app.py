"""Puts the sandbox together: the providers' stand-ins and Claude's on one port, over one world and one store."""

from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from devcontext.sandbox.claude.api import claude_routes
from devcontext.sandbox.clock import TokenClock
from devcontext.sandbox.context import Sandbox, sandbox_of
from devcontext.sandbox.faults.orders import Faults
from devcontext.sandbox.limits import Limits
from devcontext.sandbox.links import Links
from devcontext.sandbox.operator import operator_routes
from devcontext.sandbox.pages import page, paragraph, stylesheet
from devcontext.sandbox.stand_ins import STAND_INS
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
    app = Starlette(routes=_routes(), middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=_hosts(base_url))])
    app.state.sandbox = Sandbox(
        world=world,
        store=Store(data),
        faults=Faults({provider: stand_in.cases for provider, stand_in in STAND_INS.items()}),
        limits=Limits({provider: stand_in.modes for provider, stand_in in STAND_INS.items()}),
        clock=TokenClock(world.clock),
        links=Links(base_url),
    )
    return app


def _routes() -> list[BaseRoute]:
    pages = [Mount(f"{stand_in.path}/web", routes=stand_in.pages()) for stand_in in STAND_INS.values()]
    providers = [
        Mount(stand_in.path, routes=stand_in.routes(), max_body_size=_MAX_BODY_BYTES) for stand_in in STAND_INS.values()
    ]
    return [
        Route("/", index),
        Route("/health", health),
        *operator_routes(),
        Route("/sandbox.css", stylesheet),
        *pages,
        *providers,
        Mount("/claude", routes=claude_routes()),
    ]


def _hosts(base_url: str) -> list[str]:
    # SECURITY: a page elsewhere that points its own name at 127.0.0.1 does not get in (DNS rebinding).
    return ["127.0.0.1", "localhost", urlsplit(base_url).hostname or "127.0.0.1"]


async def index(request: Request) -> Response:
    """Say what this is."""
    names = ", ".join(stand_in.name for stand_in in STAND_INS.values())
    body = paragraph(f"Local stand-ins for {names} and Claude, for DevContext on this machine.")
    return page("DevContext sandbox", body, notice=sandbox_of(request).world.label)


async def health(request: Request) -> Response:
    """Answer that the sandbox runs, with which world, whose, and under which address."""
    sandbox = sandbox_of(request)
    world = sandbox.world
    told = {"world": world.label, "is_own": world.is_own, "me": world.now().me.name}
    return JSONResponse({"sandbox": True, **told, "base_url": sandbox.links.base_url})
