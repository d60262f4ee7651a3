"""Requests to an ASGI app as bytes, as a server hands them on, and a reader of them that is not the vault's."""

import asyncio
import itertools
import json
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote_plus, unquote_plus, urlencode

FORM, JSON = "application/x-www-form-urlencoded", "application/json"

Pairs = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Raw:
    """A request as a server hands it on."""

    method: str
    path: str
    body: bytes = b""
    query: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def header(self, name: bytes) -> list[bytes]:
        """Return every value of a header."""
        return [value for found, value in self.headers if found.lower() == name]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes

    @property
    def bytes(self) -> bytes:
        """Everything of it that a caller sees."""
        return b"\n".join([self.body, *(name + value for name, value in self.headers)])

    @property
    def is_json(self) -> bool:
        """Whether it says that it is JSON."""
        return (b"content-type", JSON.encode()) in [(name.lower(), value) for name, value in self.headers]


async def send(app: Any, request: Raw, *, random: Random) -> Answer:
    """Hand `request` to an ASGI app, its body in pieces, and return the answer."""
    cuts = sorted(random.randrange(len(request.body) + 1) for _ in range(random.randrange(3)))
    bounds = [0, *cuts, len(request.body)]
    pieces = [request.body[start:end] for start, end in itertools.pairwise(bounds)]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not pieces:
            # The client waits for the answer; whoever listens for its hanging up is cancelled then.
            await asyncio.Event().wait()
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def keep(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": request.method,
        "path": request.path,
        "raw_path": quote_plus(request.path, safe="/").encode(),
        "query_string": request.query,
        "headers": list(request.headers),
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    await app(scope, receive, keep)
    start, *rest = sent
    return Answer(start["status"], tuple(start["headers"]), b"".join(message.get("body", b"") for message in rest))


def form(path: str, parameters: dict[str, str], *headers: tuple[bytes, bytes]) -> Raw:
    """Return a valid POST of a form."""
    typed = (b"content-type", FORM.encode())
    return Raw("POST", path, urlencode(parameters).encode(), headers=(typed, *headers))


def json_object(path: str, parameters: dict[str, str]) -> Raw:
    """Return a valid POST of a JSON object."""
    return Raw("POST", path, json.dumps(parameters).encode(), headers=((b"content-type", JSON.encode()),))


def pairs_of(request: Raw) -> Pairs | None:
    """Read the parameters of a request, or return None for what is no plain form or flat JSON object in UTF-8."""
    (content_type, *more) = request.header(b"content-type") or [b""]
    kind = content_type.decode("latin-1").split(";")[0].strip().lower()
    try:
        if more or kind not in (FORM, JSON):
            return None
        text = request.body.decode("utf-8")
        if kind == JSON:
            found: Any = json.loads(text, object_pairs_hook=list)
            return [(_whole(str(name)), _whole(str(value))) for name, value in found]
        return [(_decode(name), _decode(value)) for name, _, value in (part.partition("=") for part in text.split("&"))]
    except (ValueError, TypeError, RecursionError):
        return None


def _decode(text: str) -> str:
    return unquote_plus(text, errors="strict")


def _whole(text: str) -> str:
    """Return `text`; raise UnicodeEncodeError for half a character, which JSON can say and UTF-8 cannot."""
    text.encode()
    return text
