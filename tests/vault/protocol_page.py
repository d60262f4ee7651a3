"""Reads `docs/vault-protocol.md`: its examples of a request and the answer to it, and its table of errors."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

PAGE = Path(__file__).resolve().parents[2] / "docs" / "vault-protocol.md"

_EXAMPLE = re.compile(r"(?:<!-- given: (?P<given>\w+) -->\n)?```http\n(?P<text>.*?)\n```", re.DOTALL)
_PLACEHOLDER = re.compile(r"<([^<>]+)>")
# What differs each time although it is no text.
_INSTANTS = frozenset({"auth_time", "exp", "iat"})


@dataclass(frozen=True, slots=True)
class Example:
    """A request as the page shows it, with its placeholders, and what it says of the answer."""

    given: str
    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int
    answer_headers: dict[str, str]
    answer: Any

    @property
    def placeholders(self) -> set[str]:
        """The names of what a client puts in."""
        return set(_PLACEHOLDER.findall("\n".join([self.body, *self.headers.values()])))

    def content(self, values: dict[str, str]) -> bytes:
        """Return the body to send, with `values` in the places of the placeholders."""
        if self.headers.get("Content-Type") == "application/json":
            return fill(self.body, values).encode()
        pairs = [line.partition("=") for line in self.body.splitlines()]
        return urlencode([(name, fill(value, values)) for name, _, value in pairs]).encode()


def load_examples() -> list[Example]:
    """Return the examples in the order of the page."""
    text = PAGE.read_text(encoding="utf-8")
    return [_example(match["given"] or "", match["text"]) for match in _EXAMPLE.finditer(text)]


def load_errors() -> list[tuple[str, tuple[int, str, str], tuple[int, str]]]:
    """Return each row of the table of errors: what, status with error and reason, and both in Auth0's dialect."""
    _, _, section = PAGE.read_text(encoding="utf-8").partition("\n## Errors\n")
    rows = re.findall(
        r"^\| ([^|]+) \| (\d+) \| `(\w+)` \| (?:`(\w+)`)? ?\| (?:(\d+) `(\w+)`)? ?\|$", section, re.MULTILINE
    )
    return [
        (what, (int(status), error, reason), (int(other_status or status), other_error or error))
        for what, status, error, reason, other_status, other_error in rows
    ]


def fill(text: str, values: dict[str, str]) -> str:
    """Put `values` in the places of the placeholders."""
    return _PLACEHOLDER.sub(lambda match: values[match[1]], text)


def require_like(shown: Any, actual: Any, *, name: str = "") -> None:
    """Check that `actual` is what the page shows; `…` stands for any text that is not empty."""
    if isinstance(shown, dict):
        assert isinstance(actual, dict)
        assert set(shown) == set(actual), name
        for key, value in shown.items():
            require_like(value, actual[key], name=key)
    elif isinstance(shown, list):
        assert isinstance(actual, list)
        assert len(shown) == len(actual), name
        for value, found in zip(shown, actual, strict=True):
            require_like(value, found, name=name)
    elif isinstance(shown, str) and "…" in shown:
        assert re.fullmatch(".+".join(map(re.escape, shown.split("…"))), actual, re.DOTALL), name
    elif name in _INSTANTS:
        assert isinstance(actual, int | float), name
    else:
        assert shown == actual, f"{name}: {shown!r} is {actual!r}"


def _example(given: str, text: str) -> Example:
    asked, _, answered = text.partition("\n\nHTTP/1.1 ")
    (start, headers), body = _split(asked)
    (status, answer_headers), answer = _split(answered)
    method, _, path = start.partition(" ")
    return Example(
        given=given,
        method=method,
        path=path,
        headers=headers,
        body=body,
        status=int(status),
        answer_headers=answer_headers,
        answer=json.loads(answer),
    )


def _split(text: str) -> tuple[tuple[str, dict[str, str]], str]:
    head, _, body = text.partition("\n\n")
    start, *lines = head.split("\n")
    return (start, dict(line.split(": ", 1) for line in lines)), body
