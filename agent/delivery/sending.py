"""Makes the deliveries of what is to be told and tries those that are due. Safe to call at once in many processes.

What a receiver can tell for a double by its id is sent until it is known to have arrived; anything else is sent once,
and where nobody knows whether it arrived, that is said. The inbox has every briefing whatever becomes of the others.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from random import uniform
from uuid import UUID
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from agent.delivery import letters, store
from agent.delivery.channels import WAYS
from agent.delivery.errors import NeverError, SendError, TryAgainError, UnknownOutcomeError
from agent.delivery.types import Channel, Claim, Failure, Kind
from agent.errors import ContentClosedError
from agent.schedules import occurrences
from agent.schedules.due import after_quiet
from agent.schedules.types import Occurrence, Schedule
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.record import record
from permissions.subjects import subject_of

# Half a minute, two, eight, half an hour, two hours: what is away for longer has missed its morning.
MAX_ATTEMPTS = 6
_FIRST_WAIT = timedelta(seconds=30)
_GROWTH = 4
# So that all that failed at once does not come back at once.
_JITTER = (0.8, 1.2)
# As many as one look takes, and as many of them at a time: a receiver that hangs holds one of these.
_BATCH = 200
_AT_ONCE = 16

logger = logging.getLogger(__name__)


async def deliver_due() -> int:
    """Make and try all that is due; return how many deliveries were tried here."""
    tried = 0
    while True:
        made = await sync_to_async(make_due)(now=timezone.now())
        found = await sync_to_async(store.list_to_try)(now=timezone.now(), limit=_BATCH)
        room = asyncio.Semaphore(_AT_ONCE)
        counted = sum(await asyncio.gather(*(_deliver_one(delivery, room=room) for delivery in found)))
        tried += counted
        # Where somebody else was quicker each time, they go on.
        if not made and not counted:
            return tried


def make_due(*, now: datetime) -> int:
    """Make the deliveries of what ended and is to be told; return of how many occurrences. Sync."""
    found = occurrences.list_untold(now=now, limit=_BATCH)
    for occurrence in found:
        told = occurrences.load_schedule_of(occurrence.id)
        if told is not None:
            store.make(occurrence.id, schedule=told[1].id, at=_tell_at(*told, now=now))
    return len(found)


async def deliver(delivery: UUID) -> bool:
    """Try a delivery, if its time has come and nobody else does; tell whether it was claimed here."""
    claimed = await sync_to_async(store.claim)(delivery, now=timezone.now())
    if claimed is None:
        return False
    try:
        await _send(claimed)
    except SendError as error:
        await _note_failure(claimed, error=error)
    else:
        await sync_to_async(store.end)(claimed, failure=None, now=timezone.now())
        await _record(Event.AGENT_DELIVERY_SUCCEEDED, claimed=claimed)
    return True


async def send_by(channel: Channel, *, claimed: Claim) -> None:
    """Put on record that a briefing leaves by a channel, and send it."""
    # SECURITY: no audit row, no action: the event is committed before anything leaves.
    entry = Entry(event=Event.AGENT_DELIVERY_STARTED, user=subject_of(claimed.user), method=claimed.kind.value)
    letter = await sync_to_async(letters.write)(claimed)
    if WAYS[channel.kind].is_outward:
        try:
            await sync_to_async(record)(entry)
        except AuditUnavailableError:
            raise TryAgainError(Failure.AUDIT_UNAVAILABLE) from None
    await WAYS[channel.kind].send(channel, letter=letter)


async def _send(claimed: Claim) -> None:
    if claimed.attempts > MAX_ATTEMPTS:
        # The last try ended as nobody foresaw, and left no failure behind.
        raise NeverError(Failure.INTERRUPTED)
    if claimed.was_interrupted and not WAYS[claimed.kind].is_repeatable:
        raise NeverError(Failure.INTERRUPTED)
    if claimed.kind is Kind.INBOX:
        channel = Channel(id=claimed.id, schedule=claimed.occurrence, user=claimed.user, kind=Kind.INBOX)
    else:
        channel = await _open_channel(claimed)
    await send_by(channel, claimed=claimed)


async def _open_channel(claimed: Claim) -> Channel:
    try:
        channel = await sync_to_async(store.find_channel)(claimed.occurrence, kind=claimed.kind)
    except ContentClosedError:
        raise NeverError(Failure.NOT_OPENED) from None
    if channel is None:
        raise NeverError(Failure.CHANNEL_GONE)
    return channel


async def _note_failure(claimed: Claim, *, error: SendError) -> None:
    is_hopeless = isinstance(error, NeverError) or claimed.attempts >= MAX_ATTEMPTS
    if isinstance(error, UnknownOutcomeError):
        is_hopeless = is_hopeless or not WAYS[claimed.kind].is_repeatable
    now = timezone.now()
    if is_hopeless:
        await sync_to_async(store.end)(claimed, failure=error.failure, now=now)
    else:
        until = now + wait_before(claimed.attempts + 1, asked_seconds=getattr(error, "after_seconds", 0.0))
        await sync_to_async(store.put_back)(claimed, failure=error.failure, until=until)
    await _record(Event.AGENT_DELIVERY_FAILED, claimed=claimed, reason=error.failure)


def wait_before(attempt: int, *, asked_seconds: float = 0.0) -> timedelta:
    """Return how long to wait before a try, counted from 1, longer if the receiver asked for it."""
    growth = float(_GROWTH ** max(0, attempt - 2))
    wait = _FIRST_WAIT * growth * uniform(*_JITTER)  # noqa: S311  (no secret)
    return max(wait, timedelta(seconds=asked_seconds))


async def _record(event: Event, *, claimed: Claim, reason: str = "") -> None:
    """Let the timeline tell how it ended; it has left, or has not, whether that can be put on record or not."""
    if not WAYS[claimed.kind].is_outward:
        return
    entry = Entry(event=event, user=subject_of(claimed.user), method=claimed.kind.value, reason=reason)
    try:
        await sync_to_async(record)(entry)
    except AuditUnavailableError:
        logger.exception("agent.delivery_not_audited", extra={"delivery": str(claimed.id)})


async def _deliver_one(delivery: UUID, *, room: asyncio.Semaphore) -> bool:
    async with room:
        try:
            return await deliver(delivery)
        except DatabaseError:
            raise
        except Exception:
            # The outer frame of a delivery: one that breaks must not keep the others; its lease ends by itself.
            logger.exception("agent.delivery_broke", extra={"delivery": str(delivery)})
            return False


def _tell_at(occurrence: Occurrence, schedule: Schedule, *, now: datetime) -> datetime:
    """Return from when on it may be told: what its owner did not ask for just now waits until the quiet hours end."""
    if occurrence.is_asked:
        return now
    draft = schedule.draft
    return after_quiet(now, zone=ZoneInfo(draft.time_zone), begin=draft.quiet_from, end=draft.quiet_until)
