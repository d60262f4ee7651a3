"""The sandbox on loopback, with its invented team at a fixed Monday morning."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.applications import Starlette

from agent.tool import Tool
from devcontext.sandbox.app import create_app
from devcontext.sandbox.store import Store
from devcontext.sandbox.types import World
from devcontext.sandbox.world import tidewater_world
from tests.agent.api.fixtures import NOW
from tests.serving import serve_app

SCOPES = {
    "github": "",
    "google-calendar": "https://www.googleapis.com/auth/calendar.events.owned.readonly",
    "slack": "channels:history,channels:read,search:read,users:read",
}


def granted(tool: Tool) -> str:
    """Return the default grant and what `tool` asks for, as the provider writes scopes."""
    separator = "," if tool.provider == "slack" else " "
    default = SCOPES[tool.provider].split(separator) if SCOPES[tool.provider] else []
    return separator.join(dict.fromkeys([*default, *tool.scope.split()]))


@contextmanager
def serving(*, world: World | None = None) -> Iterator[tuple[str, Store]]:
    """Serve the sandbox, by default with the invented team, and yield its address and its memory of tokens."""
    apps: list[Starlette] = []

    def make(url: str) -> Starlette:
        apps.append(create_app(data=None, world=world or tidewater_world(clock=lambda: NOW), base_url=url))
        return apps[0]

    with serve_app(make) as url:
        yield url, apps[0].state.sandbox.store


def issue_token(store: Store, *, provider: str, scope: str | None = None) -> str:
    """Return an access token as if the user had consented to `scope`."""
    grant = store.open_grant(provider, scope=SCOPES[provider] if scope is None else scope)
    return store.issue_token(grant, kind="access", prefix="", expires_at=None)
