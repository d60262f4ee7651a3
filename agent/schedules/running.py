"""Runs what is due: one function for the web process's scheduler, a worker and "run now". Safe to call twice at once.

The run is a normal one, of the normal checks, whose session is the schedule's grant. A claim keeps others away while it
goes on; if the process dies, whoever claims next follows the run that was begun, or begins it once more. So a due time
has one briefing, or says why not.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from agent import holds, memory
from agent.briefing import recipes
from agent.errors import RunNotFoundError, TooManyRunsError
from agent.runner import current_runner, end_dead_runs
from agent.schedules import occurrences, store
from agent.schedules.absence import TOOL as ABSENCE_TOOL
from agent.schedules.absence import is_out_of_office
from agent.schedules.due import Rhythm
from agent.schedules.making import note_skip
from agent.schedules.outcome import compare, is_worth_telling
from agent.schedules.types import Claim, Ending, OccurrenceState, Reason
from agent.types import RunRequest, RunTicket
from permissions import grants
from permissions.subjects import subject_of
from vault.client import Asker, Grant, SessionEndedError, VaultError, sid_of_grant

# Three times within a lease: one that the database misses does not lose it.
_RENEW_SECONDS = occurrences.LEASE.total_seconds() / 3
# What three processes died of is not tried a fourth time, whether they died of a run or before there was one.
_MAX_RUNS = _MAX_ATTEMPTS = 3
_AGAIN_AFTER = timedelta(minutes=1)
# What is away or busy for longer makes the briefing one of the past.
_PATIENCE = timedelta(minutes=30)
# What its owner hears of: what they alone can mend, and what went wrong. The others pass by themselves.
_TOLD = frozenset({Reason.GRANT_EXPIRED, Reason.GRANT_ENDED, Reason.VAULT_UNAVAILABLE, Reason.NEVER_BEGAN})
_UNATTENDED_ENDS = {"session_ended": Reason.GRANT_ENDED, "audit_unavailable": Reason.AUDIT_UNAVAILABLE}

logger = logging.getLogger(__name__)


class _PutBackError(Exception):
    """It cannot run now, and shall a little later; `reason` says why, and `until` when, None for soon."""

    def __init__(self, reason: Reason, *, until: datetime | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.until = until


class _SkipError(Exception):
    """It is not to run; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


async def run_occurrence(occurrence: UUID) -> bool:
    """Run an occurrence to its end, if nobody else does and its time has come; tell whether it was claimed here.

    Raises nothing but what a database does that is away: the claim then ends by itself, and another one begins.
    """
    claimed = await sync_to_async(occurrences.claim)(occurrence, now=timezone.now())
    if claimed is None:
        return False
    try:
        async with _held(claimed):
            ending = await _answer(claimed)
    except _PutBackError as later:
        until = later.until or timezone.now() + _AGAIN_AFTER
        await sync_to_async(occurrences.put_back)(claimed, until=until, reason=later.reason)
        return True
    except asyncio.CancelledError:
        # The process ends: another one begins at once, and does not wait for the lease.
        await sync_to_async(occurrences.put_back)(claimed, until=timezone.now())
        raise
    is_mine = await sync_to_async(occurrences.end)(claimed, ending=ending, now=timezone.now())
    if is_mine and ending.state is OccurrenceState.SKIPPED:
        await sync_to_async(note_skip)(claimed.schedule, reason=ending.reason)
    return True


@asynccontextmanager
async def _held(claimed: Claim) -> AsyncIterator[None]:
    """Keep the claim while the block goes on; one that is lost all the same loses the say, not the run."""
    renewing = asyncio.create_task(_renew(claimed))
    try:
        yield
    finally:
        renewing.cancel()
        await asyncio.wait({renewing})


async def _renew(claimed: Claim) -> None:
    is_held = True
    while is_held:
        await asyncio.sleep(_RENEW_SECONDS)
        try:
            is_held = await sync_to_async(occurrences.renew)(claimed, now=timezone.now())
        except DatabaseError:
            logger.exception("agent.lease_not_renewed", extra={"occurrence": str(claimed.occurrence.id)})


async def _answer(claimed: Claim) -> Ending:
    try:
        _require_begun(claimed)
        name = await _require_owner(claimed)
        grant = await _require_grant(claimed)
        rhythm = await sync_to_async(store.load_rhythm)(claimed.schedule)
        if claimed.occurrence.run is None:
            await _require_wanted(claimed, grant=grant, rhythm=rhythm)
        return await _brief(claimed, grant=grant, rhythm=rhythm, user_name=name)
    except _SkipError as skip:
        return Ending(state=OccurrenceState.SKIPPED, reason=skip.reason, is_told=skip.reason in _TOLD)
    except (_PutBackError, DatabaseError):
        raise
    except Exception:
        # The outer frame of an occurrence: one that breaks ends, its traceback in the log, and is not tried for ever.
        logger.exception("agent.occurrence_failed", extra={"occurrence": str(claimed.occurrence.id)})
        return _failed(Reason.RUN_FAILED)


def _require_begun(claimed: Claim) -> None:
    """Refuse what every process died of before a run began; a claim that was given back does not count."""
    if claimed.occurrence.run is None and claimed.occurrence.attempts > _MAX_ATTEMPTS:
        raise _SkipError(Reason.NEVER_BEGAN)


async def _require_owner(claimed: Claim) -> str:
    name = await sync_to_async(store.load_owner_name)(claimed.schedule.user)
    if name is None:
        raise _SkipError(Reason.OWNER_GONE)
    return name


async def _require_grant(claimed: Claim) -> Grant:
    """Return what the schedule may read, by the vault's word of now; without it nothing is read at all."""
    schedule, now = claimed.schedule, timezone.now()
    if not schedule.grant:
        raise _SkipError(Reason.NOT_GRANTED)
    try:
        return await grants.load_own(**_asker(claimed))
    except SessionEndedError:
        has_expired = schedule.grant_expires_at is not None and schedule.grant_expires_at <= now
        raise _SkipError(Reason.GRANT_EXPIRED if has_expired else Reason.GRANT_ENDED) from None
    except VaultError:
        # Not since it was due: a vault that comes up with this process, hours later, has as much time.
        if now - (claimed.occurrence.tried_since or now) < _PATIENCE:
            raise _PutBackError(Reason.VAULT_UNAVAILABLE) from None
        raise _SkipError(Reason.VAULT_UNAVAILABLE) from None


async def _require_wanted(claimed: Claim, *, grant: Grant, rhythm: Rhythm) -> None:
    """Refuse what its owner does not want now, though it is due."""
    schedule, draft, now = claimed.schedule, claimed.schedule.draft, timezone.now()
    if draft.daily_budget_micro_usd:
        spent = await sync_to_async(occurrences.load_spent)(schedule.id, now=now)
        if spent >= draft.daily_budget_micro_usd:
            raise _SkipError(Reason.BUDGET_SPENT)
    if claimed.occurrence.is_asked:
        return
    if schedule.is_paused_at(now):
        raise _SkipError(Reason.PAUSED)
    await sync_to_async(_require_rest)(claimed, grant=grant, now=now)
    if draft.skips_out_of_office and ABSENCE_TOOL in grant.tools:
        asked_by = str(claimed.occurrence.id)
        if await is_out_of_office(_asker(claimed), agent=schedule.agent, occurrence=asked_by, at=now, week=rhythm.week):
            raise _SkipError(Reason.OUT_OF_OFFICE)


def _require_rest(claimed: Claim, *, grant: Grant, now: datetime) -> None:
    """Let it wait while Claude or a service that it reads is busy, unless its time would be over by then."""
    busy = {
        Reason.CLAUDE_BUSY: holds.find_model(now=now),
        Reason.SERVICE_BUSY: holds.find_service(claimed.schedule.user, providers=grant.providers, now=now),
    }
    for reason, until in busy.items():
        if until is not None and until < claimed.occurrence.due_at + _PATIENCE:
            raise _PutBackError(reason, until=until)


async def _brief(claimed: Claim, *, grant: Grant, rhythm: Rhythm, user_name: str) -> Ending:
    """Have the run answer, the one that was begun or a new one; one whose process died is begun again."""
    # A run that nobody works on any more would never end.
    await sync_to_async(end_dead_runs)()
    for number in range(1, _MAX_RUNS + 1):
        ticket = await _start(claimed, number=number, user_name=user_name)
        last = await _follow(claimed, run=ticket.run)
        if last.get("code") != "interrupted":
            return await _conclude(claimed, ticket=ticket, last=last, grant=grant, rhythm=rhythm)
    return _failed(Reason.INTERRUPTED)


async def _start(claimed: Claim, *, number: int, user_name: str) -> RunTicket:
    schedule = claimed.schedule
    recipe, asker = recipes.find(schedule.draft.recipe), _asker(claimed)
    request = RunRequest(
        user=schedule.user,
        subject=asker["user"],
        sid=asker["sid"],
        auth_time=asker["auth_time"],
        user_name=user_name,
        # The same key is the same run: of two that think the claim is theirs, one begins it and the other follows.
        key=f"schedule.{claimed.occurrence.id.hex}.{number}",
        text=recipe.question if recipe else schedule.draft.recipe,
        conversation=None,
        time_zone=schedule.draft.time_zone,
        recipe=schedule.draft.recipe,
        agent=schedule.agent,
    )
    try:
        ticket = await current_runner().start(request)
    except TooManyRunsError:
        raise _PutBackError(Reason.TOO_MANY_RUNS) from None
    await sync_to_async(occurrences.note_run)(claimed, run=ticket.run)
    return ticket


async def _follow(claimed: Claim, *, run: UUID) -> dict[str, Any]:
    """Return the last event of the run once it has ended, in whichever process it goes on."""
    last = "{}"
    try:
        async for _seq, frame in current_runner().log.follow(run, user=claimed.schedule.user, after=0):
            last = frame
    except RunNotFoundError:
        # Its owner deleted the chat meanwhile.
        return {}
    event: dict[str, Any] = json.loads(last)
    return event


async def _conclude(claimed: Claim, *, ticket: RunTicket, last: dict[str, Any], grant: Grant, rhythm: Rhythm) -> Ending:
    if last.get("type") != "run.finished":
        return _failed(_UNATTENDED_ENDS.get(str(last.get("code")), Reason.RUN_FAILED))
    schedule, draft = claimed.schedule, claimed.schedule.draft
    facts, before = await sync_to_async(memory.load_compared)(
        ticket.conversation, user=schedule.user, recipe=draft.recipe
    )
    comparison = compare(facts, before=before, week=rhythm.week)
    coverage = last["coverage"]
    return Ending(
        state=OccurrenceState.DONE,
        reason=last["code"],
        cost_micro_usd=last["cost_micro_usd"],
        coverage=coverage,
        changes=comparison.counts(),
        is_told=is_worth_telling(draft.condition, comparison=comparison, coverage=coverage, granted=grant.providers),
    )


def _failed(reason: Reason) -> Ending:
    return Ending(state=OccurrenceState.FAILED, reason=reason, is_told=True)


def _asker(claimed: Claim) -> Asker:
    schedule = claimed.schedule
    return Asker(
        user=subject_of(schedule.user),
        sid=sid_of_grant(schedule.grant),
        auth_time=schedule.granted_at.timestamp() if schedule.granted_at else 0.0,
    )
