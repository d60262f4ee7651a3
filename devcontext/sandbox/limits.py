"""The providers' rate limits, counted as each of them counts; none counts until it is switched on.

The accounts of a provider share its limits here; at GitHub and Google, each user has them alone.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from devcontext.sandbox.faults.orders import OrderError, require_number, require_provider

# The largest window: https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
_MAX_LEFT = 5000


class Mode(StrEnum):
    """How a provider counts: not at all, as documented, or as Slack does for an app outside its Marketplace."""

    OFF = "off"
    DOCUMENTED = "documented"
    NON_MARKETPLACE = "non_marketplace"


@dataclass(frozen=True, slots=True)
class Bucket:
    """One limit: `limit` points in `seconds`, of which a request takes `cost`."""

    name: str
    limit: int
    seconds: int
    cost: int = 1


@dataclass(frozen=True, slots=True)
class Count:
    """How a limit stands after a request; `wait_seconds` until its window ends, which is at `ends_at` (epoch)."""

    bucket: Bucket
    used: int
    ends_at: float
    wait_seconds: float
    is_exceeded: bool

    @property
    def remaining(self) -> int:
        """Points that are left."""
        return max(0, self.bucket.limit - self.used)


class Limits:
    """The modes and the open windows. A window begins with its first request, on the machine's own clock."""

    def __init__(self, choices: Mapping[str, Sequence[Mode]], *, clock: Callable[[], float] = time.time) -> None:
        """Begin with nothing counted.

        `choices` are the ways in which each provider can count; `clock` returns epoch seconds.
        """
        self.choices = choices
        self._clock = clock
        self._modes: dict[str, Mode] = dict.fromkeys(choices, Mode.OFF)
        self._left: dict[str, int] = {}
        self._windows: dict[tuple[str, str], tuple[int, float]] = {}

    def order(self, body: object) -> None:
        """Switch one provider from `{"provider": "slack", "mode": "documented", "left": 3}`.

        `left` is how much is left of each window that opens first, so that nobody has to use up thousands.

        Raises:
            OrderError: A part is missing or out of bounds.
        """
        values = require_provider(body, known=self.choices)
        provider, mode = str(values["provider"]), values.get("mode")
        if mode not in tuple(self.choices[provider]):
            raise OrderError(f"`mode` must be one of {', '.join(self.choices[provider])} for {provider}.")
        left = require_number(values, "left", default=_MAX_LEFT, largest=_MAX_LEFT)
        self._modes[provider] = Mode(str(mode))
        self._left[provider] = int(left)
        self._windows = {key: window for key, window in self._windows.items() if key[0] != provider}

    def mode(self, provider: str) -> Mode:
        """Return how `provider` counts."""
        return self._modes[provider]

    def modes(self) -> Mapping[str, Mode]:
        """Return how every provider counts."""
        return dict(self._modes)

    def count(self, provider: str, bucket: Bucket) -> Count:
        """Count one request; what exceeds the limit is not counted."""
        now = self._clock()
        first = max(0, bucket.limit - self._left.get(provider, _MAX_LEFT))
        used, ends_at = self._windows.get((provider, bucket.name), (first, now + bucket.seconds))
        if ends_at <= now:
            used, ends_at = 0, now + bucket.seconds
        is_exceeded = used + bucket.cost > bucket.limit
        used = used if is_exceeded else used + bucket.cost
        self._windows[provider, bucket.name] = (used, ends_at)
        return Count(bucket, used, ends_at, wait_seconds=ends_at - now, is_exceeded=is_exceeded)
