"""The catalogue of failures: each documented or recorded answer of a provider, and what a network does to any answer.

The JSON files beside this one are the contract tests' own; each entry names its source. Which provider a file belongs
to, its stand-in says.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any


class Place(StrEnum):
    """Where a failure happens: at the consent page, at the token endpoint or at the API."""

    AUTHORIZE = "authorize"
    TOKEN = "token"  # noqa: S105  (a part of an address)
    API = "api"


class Effect(StrEnum):
    """What becomes of the answer."""

    REPLACED = "replaced"
    ADDED = "added"
    SLOW = "slow"
    CUT_OFF = "cut_off"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Case:
    """One failure. `status`, `headers` and `body` are what replaces the answer; an added body joins the right one.

    `request_id_header` is the header that names the request in every answer of the provider, "" for none.
    """

    name: str
    place: Place
    effect: Effect
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    request_id_header: str = ""


# What can happen to any answer on its way. No provider documents the body of a token endpoint's 503.
_TRANSPORT = (
    Case("slow", Place.API, Effect.SLOW),
    Case("cut_off", Place.API, Effect.CUT_OFF),
    Case("lost", Place.API, Effect.LOST),
    Case("token.slow", Place.TOKEN, Effect.SLOW),
    Case("token.cut_off", Place.TOKEN, Effect.CUT_OFF),
    Case("token.lost", Place.TOKEN, Effect.LOST),
    Case("token.unavailable", Place.TOKEN, Effect.REPLACED, status=503, body={"message": "Service Unavailable"}),
)


def load_cases(
    path: Path, *, shared: Mapping[str, str] | None = None, request_id_header: str = ""
) -> Mapping[str, Case]:
    """Return every failure of a provider by its name.

    Args:
        path: JSON of documented or recorded answers, in the form of the files beside this one.
        shared: The names in `path` by the words that are the same at every provider, such as `rate_limited`.
        request_id_header: The header in which the provider names each request, "" for none.
    """
    recorded = {case.name: case for case in _recorded(path, request_id_header=request_id_header)}
    by_word = {word: recorded[name] for word, name in (shared or {}).items()}
    transport = {case.name: replace(case, request_id_header=request_id_header) for case in _TRANSPORT}
    return by_word | transport | recorded


def _recorded(path: Path, *, request_id_header: str) -> Iterator[Case]:
    for entry in json.loads(path.read_text(encoding="utf-8")):
        # A remark may stand behind the name.
        name = entry["case"].partition(" ")[0]
        kind, _, word = name.partition(".")
        if word.startswith("ok_"):
            continue  # What a healthy token endpoint answers.
        place = Place(kind) if kind in list(Place) else Place.API
        body = {"error": word} if place is Place.AUTHORIZE else entry.get("body")
        # A warning comes with the data that was asked for.
        effect = Effect.ADDED if isinstance(body, dict) and body.get("ok") is True else Effect.REPLACED
        headers = entry.get("headers", {})
        yield Case(name, place, effect, entry.get("status", 200), headers, body, request_id_header)
