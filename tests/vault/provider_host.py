"""A provider's host that answers every request in one way, with a `Date` of its own; uvicorn would add another."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl


@dataclass
class Host:
    """What the token endpoint answers, what everything else does, and what was asked."""

    url: str = ""
    token_answer: tuple[int, Any] = (200, {})
    api_status: int = 401
    clock_ahead: timedelta = timedelta()
    tells_time: bool = True
    asked: list[str] = field(default_factory=list)
    forms: list[dict[str, str]] = field(default_factory=list)

    @property
    def date(self) -> str:
        """Now, by this host's clock."""
        return format_datetime(datetime.now(UTC) + self.clock_ahead, usegmt=True)


@contextmanager
def serve_host(host: Host) -> Iterator[Host]:
    """Serve `host` on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(host.api_status, b"")

        def do_POST(self) -> None:
            form = self.rfile.read(int(self.headers["content-length"])).decode()
            host.forms.append(dict(parse_qsl(form)))
            status, body = host.token_answer
            self._answer(status, json.dumps(body).encode())

        def log_message(self, *_args: Any) -> None: ...

        def _answer(self, status: int, body: bytes) -> None:
            host.asked.append(f"{self.command} {self.path}")
            self.send_response_only(status)
            if host.tells_time:
                self.send_header("Date", host.date)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    host.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
