"""Schedules in the tables: short sync functions, each its own transaction, and nobody else's rows."""

from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.db import transaction

from agent import memory
from agent.briefing.lengths import Length
from agent.briefing.working_week import WorkingWeek
from agent.errors import ContentClosedError
from agent.schedule_models import Schedule as Row
from agent.schedules.due import Rhythm, find_next
from agent.schedules.errors import ScheduleNotFoundError, TooManySchedulesError
from agent.schedules.types import Condition, Draft, Schedule
from agent.sealing import Place, seal, unseal
from vault.client import Grant

# One for each recipe on each working day is thirty; each costs money every day.
MAX_SCHEDULES = 30
# What a name that does not open is shown as: the schedule runs all the same.
_CLOSED_NAME = "…"


def create(user: int, *, draft: Draft) -> Schedule:
    """Store a new schedule of `user`. Nothing is due before it has a grant.

    Raises:
        TooManySchedulesError: The user has `MAX_SCHEDULES`.
    """
    schedule = uuid4()
    with transaction.atomic(using="default"):
        # Two tabs at once must not get past the limit together.
        get_user_model().objects.select_for_update(no_key=True).get(pk=user)
        if Row.objects.filter(user_id=user).count() >= MAX_SCHEDULES:
            raise TooManySchedulesError
        return value_of(Row.objects.create(id=schedule, user_id=user, **_columns(draft, schedule=schedule)))


def change(schedule: UUID, *, user: int, draft: Draft, now: datetime) -> Schedule:
    """Take over what the owner says now; what is due already stays due.

    Raises:
        ScheduleNotFoundError: The schedule is not this user's.
    """
    with transaction.atomic(using="default"):
        row = _lock(schedule, user=user)
        for name, value in _columns(draft, schedule=schedule).items():
            setattr(row, name, value)
        return _save(row, now=now)


def set_grant(schedule: UUID, *, user: int, grant: Grant | None, now: datetime) -> Schedule:
    """Note by which grant the schedule reads, if by any, and from when on it is due; raises as `change` does."""
    with transaction.atomic(using="default"):
        row = _lock(schedule, user=user)
        row.grant = grant.id if grant else ""
        row.granted_at, row.grant_expires_at = (grant.granted_at, grant.expires_at) if grant else (None, None)
        return _save(row, now=now)


def set_pause(schedule: UUID, *, user: int, is_paused: bool, until: datetime | None, now: datetime) -> Schedule:
    """Pause the schedule until it is resumed or until an instant, or resume it with neither; raises as `change`."""
    with transaction.atomic(using="default"):
        row = _lock(schedule, user=user)
        row.is_paused, row.paused_until = is_paused, until
        return _save(row, now=now)


def delete(schedule: UUID, *, user: int) -> None:
    """Delete the schedule and what is known of its due times; its briefings stay; raises as `change` does."""
    if not Row.objects.filter(id=schedule, user_id=user).delete()[0]:
        raise ScheduleNotFoundError


def load(schedule: UUID, *, user: int) -> Schedule:
    """Return a schedule of this user; raises as `change` does."""
    row = Row.objects.filter(id=schedule, user_id=user).first()
    if row is None:
        raise ScheduleNotFoundError
    return value_of(row)


def list_schedules(user: int) -> tuple[Schedule, ...]:
    """Return the user's schedules, the oldest first."""
    return tuple(map(value_of, Row.objects.filter(user_id=user).order_by("created_at")))


def load_owner_name(user: int) -> str | None:
    """Return how the owner of a schedule is called; None if nobody may sign in as them any more."""
    owner = get_user_model().objects.filter(pk=user, is_active=True).first()
    return (owner.get_full_name() or owner.email) if owner else None


def load_rhythm(schedule: Schedule) -> Rhythm:
    """Return the days and the time of a schedule in its owner's working week, as that is now."""
    return load_rhythm_of(schedule.draft, user=schedule.user)


def load_rhythm_of(draft: Draft, *, user: int) -> Rhythm:
    """Return likewise what `user` asks for, before it is a schedule."""
    zone = ZoneInfo(draft.time_zone)
    week = memory.load_week(user, browser_zone=zone)
    country, subdivision = (draft.country, draft.subdivision) if draft.country else (week.country, week.subdivision)
    return Rhythm(
        weekdays=draft.weekdays,
        at=draft.at,
        week=WorkingWeek(time_zone=zone, weekdays=week.weekdays, country=country, subdivision=subdivision),
        keeps_week=draft.keeps_week,
        skips_holidays=draft.skips_holidays,
    )


def find_next_due(schedule: Schedule, *, now: datetime, rhythm: Rhythm | None = None) -> datetime | None:
    """Return when the schedule is due next, in its `rhythm`; None while it has no grant or is paused without an end."""
    if not schedule.grant or schedule.is_paused:
        return None
    after = max(now, schedule.paused_until) if schedule.paused_until else now
    due = find_next(rhythm or load_rhythm(schedule), after=after)
    return due.at if due else None


def value_of(row: Row) -> Schedule:
    """Return a row as a value."""
    draft = Draft(
        name=_open_name(row),
        recipe=row.recipe,
        weekdays=tuple(int(day) for day in row.weekdays),
        at=row.at,
        time_zone=row.time_zone,
        length=Length(row.length),
        keeps_week=row.keeps_week,
        skips_holidays=row.skips_holidays,
        country=row.country,
        subdivision=row.subdivision,
        skips_out_of_office=row.skips_out_of_office,
        condition=Condition(row.condition),
        quiet_from=row.quiet_from,
        quiet_until=row.quiet_until,
        daily_budget_micro_usd=row.daily_budget_micro_usd,
    )
    return Schedule(
        id=row.id,
        user=row.user_id,
        draft=draft,
        is_paused=row.is_paused,
        paused_until=row.paused_until,
        grant=row.grant,
        granted_at=row.granted_at,
        grant_expires_at=row.grant_expires_at,
        next_due_at=row.next_due_at,
        created_at=row.created_at,
    )


def _columns(draft: Draft, *, schedule: UUID) -> dict[str, object]:
    same = ("recipe", "at", "time_zone", "keeps_week", "skips_holidays", "country", "subdivision")
    more = ("skips_out_of_office", "quiet_from", "quiet_until", "daily_budget_micro_usd")
    return {
        "sealed_name": seal(draft.name, place=_place(schedule)),
        "weekdays": "".join(map(str, sorted(set(draft.weekdays)))),
        "length": draft.length.value,
        "condition": draft.condition.value,
        **{name: getattr(draft, name) for name in (*same, *more)},
    }


def _save(row: Row, *, now: datetime) -> Schedule:
    """Store a changed row, and when it is due next by what it says now; what came due and was not made yet stays."""
    schedule = value_of(row)
    is_due = row.next_due_at is not None and row.next_due_at <= now
    if not (is_due and schedule.grant and not schedule.is_paused_at(now)):
        row.next_due_at = find_next_due(schedule, now=now)
    row.save()
    return value_of(row)


def _lock(schedule: UUID, *, user: int) -> Row:
    row = Row.objects.select_for_update().filter(id=schedule, user_id=user).first()
    if row is None:
        raise ScheduleNotFoundError
    return row


def _open_name(row: Row) -> str:
    try:
        return unseal(row.sealed_name, place=_place(row.id))
    except ContentClosedError:
        return _CLOSED_NAME


def _place(schedule: UUID) -> Place:
    return Place("schedule.name", schedule)
