"""How often clients and users may ask: token buckets in the memory of this process.

Each process counts for itself: with several, a caller that reaches all of them gets as many times more. Counting in
one place would need a server that must answer before every exchange, for a limit that is there to bound load and not
to keep a secret safe. A bucket that was pushed out of memory by others starts full again.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from django.conf import settings

from audit.events import Entry, Event
from vault import ledger
from vault.database import run
from vault.errors import RateLimitedError
from vault.store import clients

# Of a client's refusals for a user one a minute is recorded, and of those of all strangers together one: whoever is
# refused could else fill the audit, from which nothing leaves.
_RECORDS_PER_MINUTE = 1
# A few MB of buckets. A full bucket says no more than none, and the one pushed out is the one not used for longest.
_MAX_BUCKETS = 10_000

Key = tuple[str, ...]


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled_at: float


class Buckets:
    """Token buckets by key, at most so many; each fills evenly to what is allowed in a minute. For every thread."""

    def __init__(self, *, max_buckets: int = _MAX_BUCKETS, clock: Callable[[], float] = time.monotonic) -> None:
        self._buckets: OrderedDict[Key, _Bucket] = OrderedDict()
        self._max_buckets = max_buckets
        self._clock = clock
        self._lock = threading.Lock()

    def take(self, key: Key, *, per_minute: int) -> int:
        """Take a token of `key` and return 0; when there is none, return after how many seconds there will be."""
        per_second = per_minute / 60
        with self._lock:
            now = self._clock()
            bucket = self._find(key, now=now, size=per_minute)
            bucket.tokens = min(per_minute, bucket.tokens + (now - bucket.filled_at) * per_second)
            bucket.filled_at = now
            if bucket.tokens >= 1:
                bucket.tokens -= 1
                return 0
            return ceil((1 - bucket.tokens) / per_second)

    def _find(self, key: Key, *, now: float, size: int) -> _Bucket:
        bucket = self._buckets.setdefault(key, _Bucket(tokens=size, filled_at=now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._max_buckets:
            self._buckets.popitem(last=False)
        return bucket


_clients, _users, _failures, _records = Buckets(), Buckets(), Buckets(), Buckets()


async def require_client(client: str) -> None:
    """Count an exchange of the authenticated `client`.

    Raises:
        RateLimitedError: It asks too often.
    """
    wait_seconds = _clients.take((client,), per_minute=settings.VAULT_CLIENT_EXCHANGES_PER_MINUTE)
    if wait_seconds:
        await _refuse(wait_seconds, client=client)


async def require_user(client: str, *, user: str) -> None:
    """Count an exchange of `client` for `user`, `user:<id>`, or "" when its subject is not known.

    Raises:
        RateLimitedError: It asks too often for this user.
    """
    wait_seconds = _users.take((client, user), per_minute=settings.VAULT_USER_EXCHANGES_PER_MINUTE)
    if wait_seconds:
        await _refuse(wait_seconds, client=client, user=user)


async def count_failure(client: str, *, address: str) -> None:
    """Count a failed authentication as `client`, which may be any text, from the network address `address`.

    Only what fails is counted and refused: whoever shows the right secret is let in, so that nobody can shut a client
    out by failing in its name. No count protects the secret: it has too many bits to be guessed.

    Raises:
        RateLimitedError: It failed too often.
    """
    wait_seconds = _failures.take((client, address), per_minute=settings.VAULT_FAILED_AUTHENTICATIONS_PER_MINUTE)
    if wait_seconds:
        # SECURITY: what a stranger calls itself goes into the audit only if it is the name of a client.
        is_known = await run(clients.find, client) is not None
        await _refuse(wait_seconds, client=client if is_known else "", reason="invalid_client")


async def _refuse(wait_seconds: int, *, client: str, user: str = "", reason: str = "rate_limited") -> None:
    if not _records.take((reason, client, user), per_minute=_RECORDS_PER_MINUTE):
        entry = Entry(event=Event.VAULT_CLIENT_LIMITED, user=user, client=client, reason=reason)
        await run(ledger.note, entry)
    raise RateLimitedError(wait_seconds)
