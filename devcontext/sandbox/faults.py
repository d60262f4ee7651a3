"""Failures on demand: `POST /faults` makes the next API answers of a provider fail as that provider fails.

Only a test or a person with this machine's loopback in reach asks for them; nothing fails by chance.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

# A test waits for a timeout of seconds, not of minutes.
_MAX_SECONDS = 120
_MAX_TIMES = 1000
PROVIDERS = ("github", "google-calendar", "slack")


class FaultKind(StrEnum):
    """What can go wrong."""

    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    UNAVAILABLE = "unavailable"
    SLOW = "slow"


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of failure; `seconds` is how long to wait, or how long a rate limit asks the client to wait."""

    kind: FaultKind
    seconds: float


class FaultRequestError(ValueError):
    """A fault was asked for that does not exist; the text says what is wrong and is meant for the asker."""


class Faults:
    """The failures that are still to come, per provider."""

    def __init__(self) -> None:
        """Begin with none."""
        self._next: dict[str, tuple[Fault, int]] = {}

    def ask(self, body: object) -> None:
        """Set the next failures of one provider from a JSON object.

        `{"provider": "slack", "fault": "rate_limited", "times": 2, "seconds": 30}`; `times` is 1 and `seconds` is 0
        when left out, and `times` 0 ends what was asked before.

        Raises:
            FaultRequestError: A part is missing or out of bounds.
        """
        if not isinstance(body, dict) or body.get("provider") not in PROVIDERS:
            raise FaultRequestError(f"`provider` must be one of {', '.join(PROVIDERS)}.")
        if body.get("fault") not in list(FaultKind):
            raise FaultRequestError(f"`fault` must be one of {', '.join(FaultKind)}.")
        times = _number(body, "times", default=1, largest=_MAX_TIMES)
        seconds = _number(body, "seconds", default=0, largest=_MAX_SECONDS)
        self._next[body["provider"]] = (Fault(FaultKind(body["fault"]), seconds), int(times))

    def take(self, provider: str) -> Fault | None:
        """Return the failure that the next answer of `provider` must be, and count it."""
        fault, times = self._next.get(provider, (None, 0))
        if fault is None or times < 1:
            return None
        self._next[provider] = (fault, times - 1)
        return fault


@dataclass(frozen=True, slots=True)
class FaultGate:
    """ASGI middleware in front of one provider's API: answers with the asked failure, or lets the request in."""

    app: ASGIApp
    faults: Faults
    provider: str
    answers: Mapping[FaultKind, Callable[[Fault], Response]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        fault = self.faults.take(self.provider)
        if fault is not None and fault.kind is not FaultKind.SLOW:
            await self.answers[fault.kind](fault)(scope, receive, send)
            return
        if fault is not None:
            await asyncio.sleep(fault.seconds)
        await self.app(scope, receive, send)


def retry_after(fault: Fault) -> dict[str, str]:
    """Return the header that says when to come back, in whole seconds."""
    return {"retry-after": str(math.ceil(fault.seconds))}


def _number(body: Mapping[str, object], name: str, *, default: float, largest: float) -> float:
    value = body.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= largest:
        raise FaultRequestError(f"`{name}` must be a number from 0 to {largest:g}.")
    return value
