"""The clock that tokens live by: it can be moved on, and tokens can be made to live shorter.

The invented data do not move with it: a person who lets tokens die still sees today's meetings.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from devcontext.sandbox.faults.orders import OrderError, require_number

# GitHub's refresh tokens live for half a year; a whole one is beyond every lifetime there is.
_MAX_ADVANCE_SECONDS = 366 * 86400
# Slack's access tokens live longest, 12 hours.
_MAX_LIFETIME_SECONDS = 43200


@dataclass(slots=True)
class TokenClock:
    """The world's time plus what it was moved on by. `lifetime` replaces that of new access tokens, None leaves it."""

    base: Callable[[], datetime]
    moved: timedelta = field(default=timedelta())
    lifetime: timedelta | None = None

    def __call__(self) -> datetime:
        """Return the time."""
        return self.base() + self.moved

    def lifetime_or(self, usual: timedelta) -> timedelta:
        """Return how long a new access token lives, which is `usual` at the real provider."""
        return usual if self.lifetime is None else min(self.lifetime, usual)

    def order(self, body: object) -> None:
        """Move the clock or set lifetimes from `{"advance_seconds": 30000, "access_lifetime_seconds": 90}`.

        Either may be left out; a lifetime of 0 brings the provider's own back.

        Raises:
            OrderError: A part is out of bounds, or both are missing.
        """
        if not isinstance(body, dict) or not body.keys() & {"advance_seconds", "access_lifetime_seconds"}:
            raise OrderError("Send `advance_seconds`, `access_lifetime_seconds` or both.")
        advance = require_number(body, "advance_seconds", default=0, largest=_MAX_ADVANCE_SECONDS)
        lifetime = require_number(body, "access_lifetime_seconds", default=0, largest=_MAX_LIFETIME_SECONDS)
        if self.moved.total_seconds() + advance > _MAX_ADVANCE_SECONDS:
            raise OrderError("The clock is a year ahead already; restart the sandbox.")
        self.moved += timedelta(seconds=advance)
        if "access_lifetime_seconds" in body:
            self.lifetime = timedelta(seconds=lifetime) if lifetime else None
