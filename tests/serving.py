"""An ASGI app on a port of loopback, served by uvicorn from a thread with an event loop of its own."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette


@contextmanager
def serve_app(make: Callable[[str], Starlette]) -> Iterator[str]:
    """Serve the app that `make` returns for its address, and yield the address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    # A test that is quicker than the server's start waits in this queue instead of being turned away.
    listener.listen()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(make(url), log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield url
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
