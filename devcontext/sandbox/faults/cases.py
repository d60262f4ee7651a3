"""The catalogue of failures: each documented or recorded answer of a provider, and what a network does to any answer.

The JSON files beside this one are the contract tests' own; each entry names its source.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

PROVIDERS = ("github", "google-calendar", "slack")


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
    """One failure. `status`, `headers` and `body` are what replaces the answer; an added body joins the right one."""

    name: str
    place: Place
    effect: Effect
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None


# The same word at every provider for what each of them says in its own way.
_SHARED: Mapping[str, Mapping[str, str]] = {
    "github": {
        "rate_limited": "api.secondary_rate_limit",
        "unauthorized": "api.bad_credentials",
        "forbidden": "api.forbidden_permission",
        "unavailable": "graphql.timeout",
    },
    "google-calendar": {
        "rate_limited": "api.rateLimitExceeded_429",
        "unauthorized": "api.authError",
        "forbidden": "api.insufficientPermissions",
        "unavailable": "api.backendError",
    },
    "slack": {
        "rate_limited": "api.ratelimited",
        "unauthorized": "api.token_revoked",
        "forbidden": "api.missing_scope",
        "unavailable": "api.service_unavailable",
    },
}
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


@cache
def cases(provider: str) -> Mapping[str, Case]:
    """Return every failure of `provider` by its name."""
    recorded = {case.name: case for case in _recorded(provider)}
    shared = {word: recorded[name] for word, name in _SHARED[provider].items()}
    return shared | {case.name: case for case in _TRANSPORT} | recorded


def _recorded(provider: str) -> Iterator[Case]:
    for entry in json.loads((Path(__file__).parent / f"{provider}.json").read_text(encoding="utf-8")):
        # A remark may stand behind the name.
        name = entry["case"].partition(" ")[0]
        kind, _, word = name.partition(".")
        if word.startswith("ok_"):
            continue  # What a healthy token endpoint answers.
        place = Place(kind) if kind in list(Place) else Place.API
        body = {"error": word} if place is Place.AUTHORIZE else entry.get("body")
        # A warning comes with the data that was asked for.
        effect = Effect.ADDED if isinstance(body, dict) and body.get("ok") is True else Effect.REPLACED
        yield Case(name, place, effect, entry.get("status", 200), entry.get("headers", {}), body)
