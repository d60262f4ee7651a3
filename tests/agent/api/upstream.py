"""A provider on loopback that answers what a test tells it to, well or badly, and keeps every request it got."""

import asyncio
import json
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Told:
    """One answer: `parts` are written with `pause_seconds` between them, then the connection closes."""

    parts: tuple[bytes, ...]
    pause_seconds: float = 0.0


def told(
    body: Any = None, *, status: int = 200, headers: Mapping[str, str] | None = None, pause_seconds: float = 0.0
) -> Told:
    """Return an answer with `body` as JSON, or as it is when it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"content-type": "application/json; charset=utf-8", "content-length": str(len(content))} | (
        dict(headers) if headers else {}
    )
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return Told((f"HTTP/1.1 {status} Told\r\n{head}connection: close\r\n\r\n".encode() + content,), pause_seconds)


@dataclass(slots=True)
class Upstream:
    """The server. Answers of a path are used in order, the last one again and again."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    has_request: asyncio.Event = field(default_factory=asyncio.Event)
    most_at_once: int = 0
    _answers: dict[str, list[Told]] = field(default_factory=lambda: defaultdict(list))
    _open: int = 0

    def tell(self, path: str, *answers: Told) -> None:
        """Answer requests for `path` with `answers`."""
        self._answers[path] = list(answers)

    @classmethod
    @asynccontextmanager
    async def running(cls, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Self]:
        """Serve on a free port of the loopback address, with `tls` by https."""
        upstream = cls()
        server = await asyncio.start_server(upstream._serve, "127.0.0.1", 0, ssl=tls)
        host, port = server.sockets[0].getsockname()
        upstream.url = f"{'https' if tls else 'http'}://{host}:{port}"
        try:
            yield upstream
        finally:
            server.close()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        self.most_at_once = max(self.most_at_once, self._open)
        try:
            answer = self._answer_to(await read_request(reader))
            for part in answer.parts:
                await asyncio.sleep(answer.pause_seconds)
                writer.write(part)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The client went away, as some tests want it to.
        finally:
            self._open -= 1
            writer.close()

    def _answer_to(self, request: Received) -> Told:
        self.received.append(request)
        self.has_request.set()
        answers = self._answers[request.path]
        if not answers:
            return told({"message": "nobody told me"}, status=500)
        return answers.pop(0) if len(answers) > 1 else answers[0]


async def read_request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(method=method, target=target, headers=headers, body=body)
