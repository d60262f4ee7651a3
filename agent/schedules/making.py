"""Makes occurrences of what is due: one tick looks at every schedule whose time has come. Safe to run twice at once.

After a time in which nobody ran, only the newest due time is caught up on, late; the others are counted, whether they
were made before or not.
"""

import logging
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import Q

from agent.schedule_models import Occurrence as OccurrenceRow
from agent.schedule_models import Schedule as Row
from agent.schedules import occurrences, store
from agent.schedules.due import Due, list_passed
from agent.schedules.types import LATE_AFTER, OccurrenceState, Reason, Schedule
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.record import record
from permissions.subjects import subject_of

# A late briefing that the next one follows so closely would be told twice.
_TOO_CLOSE = timedelta(hours=1)
_AGAIN_AFTER = timedelta(hours=1)
# As many as one tick takes; those behind wait for the next look, which follows at once.
_BATCH = 500

logger = logging.getLogger(__name__)


def make_due(*, now: datetime) -> int:
    """Make an occurrence of each due time that has come, and return how many schedules were looked at. Sync."""
    looked_at = 0
    while batch := list(Row.objects.filter(next_due_at__lte=now).order_by("next_due_at", "id")[:_BATCH]):
        for row in batch:
            _try(row, now=now)
        looked_at += len(batch)
    _end_too_close(now=now)
    return looked_at


def catch_up(*, now: datetime) -> None:
    """Make what is due where no tick did in time, before somebody begins what a newer due time takes over. Sync."""
    if find_unmade(now=now):
        make_due(now=now)


def find_unmade(*, now: datetime) -> datetime | None:
    """Return since when something is due that no tick has made, if that is longer than a tick may take. Sync."""
    unmade = Row.objects.filter(next_due_at__lt=now - LATE_AFTER).order_by("next_due_at")
    return unmade.values_list("next_due_at", flat=True).first()


def _try(row: Row, *, now: datetime) -> None:
    try:
        _make(row, now=now)
    except DatabaseError:
        raise
    except Exception:
        # One schedule that cannot be reckoned, such as one in a zone that was abolished, must not keep the others from
        # being made; it is looked at again later.
        logger.exception("agent.schedule_not_made", extra={"schedule": str(row.id)})
        unchanged = Row.objects.filter(id=row.id, next_due_at=row.next_due_at)
        unchanged.update(next_due_at=now + _AGAIN_AFTER)


def _make(row: Row, *, now: datetime) -> None:
    schedule = store.value_of(row)
    assert schedule.next_due_at is not None
    rhythm = store.load_rhythm(schedule)
    passed = list_passed(rhythm, first=schedule.next_due_at, now=now)
    next_due_at = store.find_next_due(schedule, now=now, rhythm=rhythm)
    with transaction.atomic(using="default"):
        mine = Row.objects.filter(id=row.id, next_due_at=schedule.next_due_at)
        # Somebody else was quicker, or the owner changed it meanwhile.
        if not mine.update(next_due_at=next_due_at):
            return
        if not passed or schedule.is_paused_at(passed[-1].at):
            return
        skip = _skip_of(passed[-1], next_due_at=next_due_at, now=now)
        # With the newer one: nobody sees both.
        ended = occurrences.end_missed(schedule.id, before=passed[-1].at, now=now)
        missed = sum(ended) + len(ended) + sum(not due.skip for due in passed[:-1])
        _create(schedule, newest=passed[-1], missed=missed, skip=skip, now=now)
    for reason in [*[Reason.MISSED] * len(ended), *([skip] if skip else [])]:
        note_skip(schedule, reason=reason)


def _end_too_close(*, now: datetime) -> None:
    """End as missed what was made, could not be told in time, and would be told again within the hour."""
    late = now - LATE_AFTER
    is_near = Q(next_due_at__gt=now, next_due_at__lt=now + _TOO_CLOSE)
    open_states = (OccurrenceState.DUE, OccurrenceState.RUNNING)
    is_open = Q(occurrences__state__in=open_states, occurrences__due_at__lt=late, occurrences__is_asked=False)
    for row in Row.objects.filter(is_near, is_open).distinct():
        for _ in occurrences.end_missed(row.id, before=late, now=now):
            note_skip(store.value_of(row), reason=Reason.MISSED)


def _create(schedule: Schedule, *, newest: Due, missed: int, skip: str, now: datetime) -> None:
    made = OccurrenceRow(
        schedule_id=schedule.id,
        due_at=newest.at,
        begins_at=schedule.begins_at(newest.at),
        missed=missed,
        state=OccurrenceState.SKIPPED if skip else OccurrenceState.DUE,
        reason=skip,
        ended_at=now if skip else None,
    )
    # Whatever made this due time before, such as a schedule that was changed to and fro, made the only one.
    OccurrenceRow.objects.bulk_create([made], ignore_conflicts=True)


def _skip_of(due: Due, *, next_due_at: datetime | None, now: datetime) -> str:
    if due.skip:
        return Reason(due.skip).value
    is_late = now - due.at > LATE_AFTER
    is_next_near = next_due_at is not None and next_due_at - now < _TOO_CLOSE
    return Reason.MISSED.value if is_late and is_next_near else ""


def note_skip(schedule: Schedule, *, reason: str) -> None:
    """Let the timeline tell that a briefing was due and is not made."""
    user = subject_of(schedule.user)
    entry = Entry(event=Event.AGENT_SCHEDULE_SKIPPED, user=user, client=schedule.agent, reason=reason)
    try:
        record(entry)
    except AuditUnavailableError:
        # Nothing is read, so that nothing waits for the audit; the schedule's own page tells of it.
        logger.exception("agent.schedule_skip_not_audited", extra={"schedule": str(schedule.id)})
