"""Due times in the tables: made once each, claimed by one process at a time, ended once. Sync and short.

A claim is a lease with a name of its own: whoever lost it, being slow or dead, changes nothing any more.
"""

import secrets
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import Count, F, Min, OuterRef, Q, QuerySet, Subquery, Sum

from agent.paging import LISTED
from agent.schedule_models import Occurrence as Row
from agent.schedules.fairness import Waiting, in_turn
from agent.schedules.store import value_of
from agent.schedules.types import LATE_AFTER, Claim, Ending, Occurrence, OccurrenceState, Reason, Schedule
from agent.types import RunStatus

# Three missed renewals; a process that is busy for longer loses its claim and may not end what it holds.
LEASE = timedelta(seconds=60)
# Two schedules of one person at 09:00 both come in time; twenty do not keep others waiting.
MAX_PER_USER = 2
# What nobody could tell for a day, since nobody was running, is old news; its page tells of it all the same.
TOLD_WITHIN = timedelta(days=1)
# Jitter spreads what is due at one time over two minutes; a queue behind that is one of some minutes.
_OF_ONE_RUSH = timedelta(minutes=15)
# As many as one look sorts by turn; those behind are looked at as these go.
_LOOKED_AT = 2000


def list_to_begin(*, now: datetime, limit: int) -> tuple[UUID, ...]:
    """Return at most `limit` occurrences that may begin now, in fair order: due ones, and those whose lease ran out."""
    rows = (
        Row.objects.filter(_is_free(now))
        .order_by("begins_at")
        .values_list("id", "schedule__user_id", "begins_at")[:_LOOKED_AT]
    )
    waiting = [Waiting(*row) for row in rows]
    if not waiting:
        return ()
    running, done = _count_by_user(_going_on(now)), _count_by_user(_ended_of(waiting[0].begins_at))
    return in_turn(waiting, running=running, done=done, per_user=MAX_PER_USER, limit=limit)


def find_next_begin(*, after: datetime) -> datetime | None:
    """Return when the next occurrence can begin that cannot yet: its time comes, or the lease ends that holds it."""
    begins = Row.objects.filter(state=OccurrenceState.DUE, begins_at__gt=after).aggregate(at=Min("begins_at"))["at"]
    ends = _going_on(after).aggregate(at=Min("lease_until"))["at"]
    # A lease is over once its last instant is past.
    known = [at for at in (begins, ends and ends + timedelta(milliseconds=1)) if at]
    return min(known, default=None)


def claim(occurrence: UUID, *, now: datetime) -> Claim | None:
    """Return the right to run an occurrence; of all that ask at once, one gets it.

    None if it is over, not to begin yet, somebody else's, or if its user has `MAX_PER_USER` going on.
    """
    with transaction.atomic(using="default"):
        row = Row.objects.select_related("schedule").filter(_is_free(now), id=occurrence).first()
        if row is None:
            return None
        # Claims of one user come one after the other, so that their number at once can be counted.
        get_user_model().objects.select_for_update(no_key=True).get(pk=row.schedule.user_id)
        if _going_on(now).filter(schedule__user_id=row.schedule.user_id).count() >= MAX_PER_USER:
            return None
        owner = secrets.token_hex(16)
        taken = Row.objects.filter(_is_free(now), id=occurrence, attempts=row.attempts).update(
            state=OccurrenceState.RUNNING,
            reason="",
            claimed_by=owner,
            lease_until=now + LEASE,
            attempts=row.attempts + 1,
            started_at=now,
            tried_since=_tried_since(row, now=now),
        )
        if not taken:
            return None
        row.refresh_from_db()
        return Claim(occurrence_of(row), value_of(row.schedule), owner=owner)


def renew(claimed: Claim, *, now: datetime) -> bool:
    """Keep the claim for another lease; False when it is lost."""
    return bool(_held(claimed).update(lease_until=now + LEASE))


def note_run(claimed: Claim, *, run: UUID) -> bool:
    """Note the run that answers; False when the claim is lost."""
    return bool(_held(claimed).update(run_id=run))


def put_back(claimed: Claim, *, until: datetime, reason: str = "") -> None:
    """Give the claim up without having begun a run: the occurrence is due again, from an instant on, and says why."""
    _held(claimed).update(
        state=OccurrenceState.DUE,
        reason=reason,
        claimed_by="",
        lease_until=None,
        begins_at=until,
        attempts=F("attempts") - 1,
    )


def end(claimed: Claim, *, ending: Ending, now: datetime) -> bool:
    """End an occurrence; False when the claim is lost, and with it the say."""
    ended = _held(claimed).update(
        state=ending.state,
        reason=ending.reason,
        lease_until=None,
        ended_at=now,
        cost_micro_usd=ending.cost_micro_usd,
        coverage=list(ending.coverage),
        changes=dict(ending.changes),
        is_told=ending.is_told,
    )
    return bool(ended)


def end_missed(schedule: UUID, *, before: datetime, now: datetime) -> list[int]:
    """End as missed what was due before an instant and was neither told nor asked for; of each, what it had missed.

    What somebody works on goes on, and a briefing that was made is told.
    """
    is_open = Q(state=OccurrenceState.DUE) | _is_free(now)
    older = Row.objects.filter(is_open, schedule_id=schedule, due_at__lt=before, is_asked=False)
    unmade = older.exclude(run__status=RunStatus.FINISHED).order_by("due_at").values_list("id", "missed")
    fields = {"state": OccurrenceState.SKIPPED, "reason": Reason.MISSED, "lease_until": None, "ended_at": now}
    # One by one and asked again: of this and a claim, one comes first, and the other changes nothing.
    return [missed for one, missed in unmade if Row.objects.filter(is_open, id=one).update(**fields)]


def ask_now(schedule: Schedule, *, now: datetime) -> Occurrence:
    """Return an occurrence that begins at once because its owner wants it; the one that goes on, if there is one."""
    with transaction.atomic(using="default"):
        get_user_model().objects.select_for_update(no_key=True).get(pk=schedule.user)
        open_states = (OccurrenceState.DUE, OccurrenceState.RUNNING)
        row = Row.objects.filter(schedule_id=schedule.id, state__in=open_states, is_asked=True).first()
        return occurrence_of(
            row
            or Row.objects.create(
                schedule_id=schedule.id, due_at=now, begins_at=now, is_asked=True, state=OccurrenceState.DUE
            )
        )


def list_occurrences(schedule: UUID, *, user: int, before: datetime | None = None) -> tuple[Occurrence, ...]:
    """Return what was due of a schedule of this user before an instant, the newest first.

    As many as `agent.paging.page_of` takes.
    """
    rows = Row.objects.filter(schedule_id=schedule, schedule__user_id=user)
    rows = rows.filter(due_at__lt=before) if before else rows
    return tuple(map(occurrence_of, rows.order_by("-due_at")[:LISTED]))


def list_newest(user: int) -> dict[UUID, Occurrence]:
    """Return the newest occurrence of each schedule of this user that has one, by the schedule's id."""
    newest = Row.objects.filter(schedule=OuterRef("schedule")).order_by("-due_at").values("id")[:1]
    rows = Row.objects.filter(schedule__user_id=user, id=Subquery(newest))
    return {row.schedule_id: occurrence_of(row) for row in rows}


def list_schedules_of(runs: Collection[UUID], *, user: int) -> dict[UUID, Schedule]:
    """Return the schedules of this user by the runs that they began; those are missing that nobody's did."""
    rows = Row.objects.select_related("schedule").filter(run_id__in=runs, schedule__user_id=user)
    return {row.run_id: value_of(row.schedule) for row in rows if row.run_id}


def list_untold(*, now: datetime, limit: int) -> tuple[Occurrence, ...]:
    """Return what ended within `TOLD_WITHIN`, is to be told to its owner, and has no delivery yet; oldest first."""
    ended = Row.objects.filter(is_told=True, ended_at__gte=now - TOLD_WITHIN, deliveries=None)
    return tuple(map(occurrence_of, ended.order_by("ended_at")[:limit]))


def load_schedule_of(occurrence: UUID) -> tuple[Occurrence, Schedule] | None:
    """Return an occurrence and the schedule that it is of; None if they were deleted."""
    row = Row.objects.select_related("schedule").filter(id=occurrence).first()
    return (occurrence_of(row), value_of(row.schedule)) if row else None


def load_spent(schedule: UUID, *, now: datetime) -> int:
    """Return what the schedule's briefings of this day, UTC, cost, in millionths of a US dollar."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    today = Row.objects.filter(schedule_id=schedule, started_at__gte=midnight)
    return int(today.aggregate(spent=Sum("cost_micro_usd", default=0))["spent"])


def forget(*, before: datetime) -> None:
    """Delete what ended before an instant, and what became of its deliveries."""
    Row.objects.filter(ended_at__lt=before).delete()


def occurrence_of(row: Row) -> Occurrence:
    """Return a row as a value."""
    return Occurrence(
        id=row.id,
        schedule=row.schedule_id,
        due_at=row.due_at,
        begins_at=row.begins_at,
        is_asked=row.is_asked,
        missed=row.missed,
        state=OccurrenceState(row.state),
        reason=row.reason,
        attempts=row.attempts,
        run=row.run_id,
        started_at=row.started_at,
        tried_since=row.tried_since,
        ended_at=row.ended_at,
        cost_micro_usd=row.cost_micro_usd,
        coverage=tuple(row.coverage),
        changes=row.changes,
        is_told=row.is_told,
    )


def _is_free(now: datetime) -> Q:
    is_due = Q(state=OccurrenceState.DUE, begins_at__lte=now)
    return is_due | Q(state=OccurrenceState.RUNNING, lease_until__lt=now)


def _tried_since(row: Row, *, now: datetime) -> datetime:
    """Return since when an occurrence is tried that is claimed now; what nobody looked at meanwhile is tried anew."""
    left_at = row.lease_until or row.begins_at
    return row.tried_since if row.tried_since and now - left_at <= LATE_AFTER else now


def _ended_of(since: datetime) -> QuerySet[Row]:
    """Return what began since then and has ended; what could begin long before has an index that leaves it out."""
    ended = (OccurrenceState.DONE, OccurrenceState.FAILED, OccurrenceState.SKIPPED)
    return Row.objects.filter(state__in=ended, begins_at__gte=since - _OF_ONE_RUSH, started_at__gte=since)


def _count_by_user(rows: QuerySet[Row]) -> dict[int, int]:
    return dict(rows.values_list("schedule__user_id").annotate(count=Count("id")))


def _going_on(now: datetime) -> QuerySet[Row]:
    return Row.objects.filter(state=OccurrenceState.RUNNING, lease_until__gte=now)


def _held(claimed: Claim) -> QuerySet[Row]:
    return Row.objects.filter(
        id=claimed.occurrence.id,
        state=OccurrenceState.RUNNING,
        claimed_by=claimed.owner,
    )
