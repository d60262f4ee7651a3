"""The sandbox on loopback, with its invented team at a fixed Monday morning."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from socket import socket

import uvicorn

from devcontext.sandbox.app import create_app
from devcontext.sandbox.store import Store
from devcontext.sandbox.world import tidewater_world
from tests.agent.api.fixtures import NOW

SCOPES = {
    "github": "",
    "google-calendar": "https://www.googleapis.com/auth/calendar.events.owned.readonly",
    "slack": "channels:history,channels:read,search:read,users:read",
}


@contextmanager
def serving() -> Iterator[tuple[str, Store]]:
    """Serve the sandbox from a thread and yield its address and its memory of tokens."""
    with socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_app(data=None, world=tidewater_world(clock=lambda: NOW), base_url=url)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield url, app.state.sandbox.store
        finally:
            server.should_exit = True
            thread.join()


def issue_token(store: Store, *, provider: str, scope: str | None = None) -> str:
    """Return an access token as if the user had consented to `scope`."""
    grant = store.open_grant(provider, scope=SCOPES[provider] if scope is None else scope)
    return store.issue_token(grant, kind="access", prefix="", expires_at=None)
