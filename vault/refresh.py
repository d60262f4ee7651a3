"""Refreshes upstream tokens: one request to the provider per generation, however many ask and whatever dies.

In a process callers join one flight; between processes the lease row decides (`vault.store.leases`). A flight belongs
to nobody's request: a caller that hangs up does not end it. It raises nothing; its outcome is in the connection's row.
"""

import asyncio
import logging
import secrets
import time
from datetime import timedelta
from random import uniform
from weakref import WeakKeyDictionary

from django.utils import timezone

from audit.events import Entry, Event
from vault import background, ledger
from vault.database import run
from vault.errors import UpstreamError, VaultError, VaultUnavailableError
from vault.freshness import IN_DOUBT
from vault.providers import registry
from vault.providers.base import Grant
from vault.store import leases
from vault.store.leases import Lease, NewTokens

# The whole request, connecting and reading; the lease outlives it, so that a living holder never loses it.
_CALL_LIMIT_SECONDS = 20
_LEASE_TTL = timedelta(seconds=30)
# A caller waits for another process's flight as long as for its own; then the provider counts as down.
_WAIT_LIMIT_SECONDS = 22
_FIRST_LOOK_SECONDS = 0.05
_LONGEST_LOOK_SECONDS = 0.5
_FIRST_RETRY_SECONDS = 5
_LONGEST_RETRY_SECONDS = 300
# Between tries to store new tokens; together they fit into what is left of the lease when the call took its whole time.
_STORE_PAUSES_SECONDS = (0.2, 1.0, 2.0, 4.0)

logger = logging.getLogger(__name__)

_flights: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, asyncio.Task[None]]] = WeakKeyDictionary()


def begin(connection: str, *, generation: int) -> asyncio.Task[None]:
    """Return the flight that refreshes the connection, starting one if there is none in this process."""
    flights = _flights.setdefault(asyncio.get_running_loop(), {})
    if connection not in flights:
        flights[connection] = background.detach(_fly(connection, generation=generation))
        flights[connection].add_done_callback(lambda _: flights.pop(connection, None))
    return flights[connection]


async def join(connection: str, *, generation: int) -> None:
    """Wait until the connection's flight has landed; who asked then reads the row again."""
    await asyncio.shield(begin(connection, generation=generation))


async def _fly(connection: str, *, generation: int) -> None:
    try:
        lease = await _take_lease(connection, generation=generation)
        if lease is not None:
            await _refresh(lease)
    except VaultError as error:
        logger.warning("vault.refresh.failed", extra={"connection": connection, "kind": type(error).__name__})


async def _take_lease(connection: str, *, generation: int) -> Lease | None:
    """Return the lease, or None when somebody else brought the refresh to an end or did not within the limit."""
    owner, deadline = secrets.token_hex(8), time.monotonic() + _WAIT_LIMIT_SECONDS
    pause = _FIRST_LOOK_SECONDS
    while True:
        outcome = await run(leases.take, connection=connection, generation=generation, owner=owner, ttl=_LEASE_TTL)
        if isinstance(outcome, Lease):
            return outcome
        if outcome == "over" or time.monotonic() > deadline:
            return None
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_LOOK_SECONDS)


async def _refresh(lease: Lease) -> None:
    started = time.perf_counter()
    try:
        grant = await _ask(lease)
    except UpstreamError as error:
        await run(_record_failure, lease, error=error)
        return
    await _keep(lease, tokens=_new_tokens(grant), duration_ms=round((time.perf_counter() - started) * 1000))


async def _ask(lease: Lease) -> Grant:
    try:
        async with asyncio.timeout(_CALL_LIMIT_SECONDS):
            return await registry.load(lease.provider).refresh(refresh_token=lease.refresh_token)
    except TimeoutError:
        raise UpstreamError("no_answer", is_in_doubt=True) from None


def _new_tokens(grant: Grant) -> NewTokens:
    life = grant.expires_in_seconds
    return NewTokens(
        access_token=grant.access_token,
        refresh_token=grant.refresh_token,
        granted_scope=grant.scope,
        expires_at=None if life is None else timezone.now() + timedelta(seconds=life),
    )


async def _keep(lease: Lease, *, tokens: NewTokens, duration_ms: int) -> None:
    """Store what the refresh brought, trying again: the provider may have taken the old tokens back already.

    Raises:
        VaultUnavailableError: The database failed each time.
    """
    for pause in _STORE_PAUSES_SECONDS:
        try:
            await run(_store, lease, tokens=tokens, duration_ms=duration_ms)
        except VaultUnavailableError:
            await asyncio.sleep(pause)
        else:
            return
    await run(_store, lease, tokens=tokens, duration_ms=duration_ms)


def _store(lease: Lease, *, tokens: NewTokens, duration_ms: int) -> None:
    if leases.save(lease, tokens):
        ledger.note(_entry(lease, event=Event.VAULT_REFRESH_SUCCEEDED, duration_ms=duration_ms))


def _record_failure(lease: Lease, *, error: UpstreamError) -> None:
    """Write what the failure means. A dead-token answer is proof only if nobody else refreshed: the store checks it."""
    if error.is_permanent:
        reason = IN_DOUBT if lease.is_in_doubt else error.code
        if not leases.give_up(lease, reason=reason):
            return
    else:
        reason = error.code
        delay = min(_FIRST_RETRY_SECONDS * 2**lease.failures, _LONGEST_RETRY_SECONDS) * uniform(0.5, 1)  # noqa: S311
        is_in_doubt = error.is_in_doubt or lease.is_in_doubt
        leases.postpone(lease, delay=timedelta(seconds=delay), is_in_doubt=is_in_doubt)
    ledger.note(_entry(lease, event=Event.VAULT_REFRESH_FAILED, reason=reason))


def _entry(lease: Lease, *, event: Event, reason: str = "", duration_ms: int | None = None) -> Entry:
    return Entry(
        event=event,
        user=lease.user,
        provider=lease.provider,
        reason=reason,
        connection=lease.connection,
        account=lease.account,
        duration_ms=duration_ms,
    )
