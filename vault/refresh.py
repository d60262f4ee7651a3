"""Refreshes upstream tokens: one request to the provider per generation, however many ask and whatever dies.

In a process callers join one flight; between processes the lease row decides (`vault.store.leases`). A flight belongs
to nobody's request: a caller that hangs up does not end it. It raises nothing; its outcome is in the connection's row.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from random import uniform
from weakref import WeakKeyDictionary

from django.db import transaction
from django.utils import timezone

from audit.events import Entry, Event
from vault import background, ledger
from vault.database import ALIAS, run
from vault.errors import UpstreamError, VaultError, VaultUnavailableError
from vault.freshness import IN_DOUBT
from vault.providers import registry
from vault.providers.base import Grant
from vault.store import leases
from vault.store.leases import Lease, NewTokens

# The whole request, connecting and reading. A provider that is slow has often acted already: hanging up early would
# lose what it issued.
_CALL_LIMIT_SECONDS = 20
# A holder that lives puts the lease's end off, however slow the provider is; one that died is followed within ten
# seconds. Three beats may be late or fail: SQLite's writers can wait for each other for seconds.
_LEASE_TTL = timedelta(seconds=10)
_BEAT_SECONDS = 2.5
# A caller waits for another process's flight as long as for its own; then the provider counts as down.
_WAIT_LIMIT_SECONDS = 22
# Looks follow close on each other while a provider that is well may answer: what is waited past that is lost to all.
_FIRST_LOOK_SECONDS = 0.02
_LOOK_GROWTH = 1.3
_LONGEST_LOOK_SECONDS = 0.5
_FIRST_RETRY_SECONDS = 5
_LONGEST_RETRY_SECONDS = 300
# Between tries to store new tokens.
_STORE_PAUSES_SECONDS = (0.2, 1.0, 2.0, 4.0)

# The reason of a refresh whose lease was taken over before its tokens came: they are proven by another one.
OVERTAKEN = "overtaken"

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
            async with _held(lease):
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
        pause = min(_LOOK_GROWTH * pause, _LONGEST_LOOK_SECONDS)


@asynccontextmanager
async def _held(lease: Lease) -> AsyncIterator[None]:
    """Keep the lease until the block ends."""
    beating = asyncio.create_task(_beat(lease))
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.wait({beating})


async def _beat(lease: Lease) -> None:
    is_held = True
    while is_held:
        await asyncio.sleep(_BEAT_SECONDS)
        # A database that is away for a moment takes the next beat.
        with suppress(VaultUnavailableError):
            is_held = await run(leases.extend, lease, ttl=_LEASE_TTL)
    logger.warning("vault.refresh.overtaken", extra={"connection": lease.connection})


async def _refresh(lease: Lease) -> None:
    started = time.perf_counter()
    try:
        grant = await _ask(lease)
    except UpstreamError as error:
        await run(_record_failure, lease, error=error)
    else:
        await _keep(lease, tokens=_new_tokens(grant), duration_ms=round((time.perf_counter() - started) * 1000))
    await run(ledger.drain)


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
        life_seconds=life,
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
    with transaction.atomic(using=ALIAS):
        saved = leases.save(lease, tokens)
        if saved != "lost":
            reason = OVERTAKEN if saved == "saved late" else ""
            event = Event.VAULT_REFRESH_SUCCEEDED
            ledger.promise(_entry(lease, event=event, reason=reason, duration_ms=duration_ms))


def _record_failure(lease: Lease, *, error: UpstreamError) -> None:
    """Write what the failure means. A dead-token answer is proof only if nobody else refreshed: the store checks it."""
    with transaction.atomic(using=ALIAS):
        if error.is_permanent:
            reason = IN_DOUBT if lease.is_in_doubt else error.code
            if not leases.give_up(lease, reason=reason):
                return
        else:
            reason = error.code
            delay = min(_FIRST_RETRY_SECONDS * 2**lease.failures, _LONGEST_RETRY_SECONDS) * uniform(0.5, 1)  # noqa: S311
            is_in_doubt = error.is_in_doubt or lease.is_in_doubt
            leases.postpone(lease, delay=timedelta(seconds=delay), is_in_doubt=is_in_doubt)
        ledger.promise(_entry(lease, event=Event.VAULT_REFRESH_FAILED, reason=reason))


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
