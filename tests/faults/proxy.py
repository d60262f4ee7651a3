"""A TCP proxy before the providers that can keep a request or an answer back, for as long as a test wants."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Proxy:
    """Passes connections on. While `holds` is "requests" or "answers", that direction of a new connection waits.

    A connection that is waiting when its other end goes away is dropped: what was held of it never arrives.

    Attributes:
        url: Its address.
        holds: What is kept back: "", "requests" or "answers".
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.holds = ""
        self._held = threading.Semaphore(0)
        self._released = threading.Event()
        self._thread = threading.Thread(target=self._accept)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._released.set()
        # Closing alone does not wake a thread that waits in accept().
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def hold(self, what: str) -> None:
        """Keep back "requests" or "answers" of connections from now on."""
        self._released.clear()
        self.holds = what

    def wait_held(self, *, timeout_seconds: float = 60) -> None:
        """Wait until something is kept back; each thing is told once."""
        assert self._held.acquire(timeout=timeout_seconds), "nothing came to be held"

    def pass_new(self) -> None:
        """Keep what is kept, and let new connections pass."""
        self.holds = ""

    def release(self) -> None:
        """Let everything pass."""
        self.pass_new()
        self._released.set()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client, self.holds), daemon=True).start()

    def _serve(self, client: socket.socket, holds: str) -> None:
        with client, contextlib.suppress(OSError):
            if holds == "requests" and not self._may_pass(client):
                return
            with socket.create_connection(self._target) as server:
                back = threading.Thread(target=self._answer, args=(server, client, holds), daemon=True)
                back.start()
                _pump(client, server)
                back.join()

    def _answer(self, server: socket.socket, client: socket.socket, holds: str) -> None:
        with contextlib.suppress(OSError):
            first = server.recv(65536)
            if holds == "answers":
                self._held.release()
                self._released.wait()
            client.sendall(first)
            _pump(server, client)

    def _may_pass(self, client: socket.socket) -> bool:
        """Wait for the release; False when the client's process was gone by then."""
        client.recv(1, socket.MSG_PEEK)
        self._held.release()
        self._released.wait()
        return not _is_closed(client)


def _is_closed(client: socket.socket) -> bool:
    """Tell whether the other end of a connection is closed, by the state of TCP: 1 is ESTABLISHED."""
    return client.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1


def _pump(source: socket.socket, target: socket.socket) -> None:
    while chunk := source.recv(65536):
        target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
