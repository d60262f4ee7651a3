"""When a schedule is due: pure arithmetic on days, zones and working weeks, without a clock and without a database.

A wall time that the clocks jump over is due at the first moment after the jump; one that they show twice is due once,
the first time.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from agent.briefing.working_week import WorkingWeek

# Enough that ten thousand schedules at 09:00 are eighty a second, and nobody notices.
LONGEST_JITTER_SECONDS = 120
# Past it nothing is due: a year with its holidays, so that a mistake in the days is found and does not loop.
_HORIZON = timedelta(days=370)
_DAY = timedelta(days=1)

# Why a due time passes without a briefing, as far as the calendar of the year knows.
Skip = Literal["", "day_off", "holiday"]


@dataclass(frozen=True, slots=True)
class Rhythm:
    """The days and the time of a schedule.

    `weekdays` count from 0, Monday. `at` is a wall time in the zone of `week`, the owner's working week: its other days
    are skipped where `keeps_week` says so, its public holidays where `skips_holidays` does.
    """

    weekdays: tuple[int, ...]
    at: time
    week: WorkingWeek
    keeps_week: bool = True
    skips_holidays: bool = True

    @property
    def zone(self) -> ZoneInfo:
        """The zone of its wall time."""
        return self.week.time_zone


@dataclass(frozen=True, slots=True)
class Due:
    """One due time, in UTC, and the `day` that it is of; `skip` says why it passes without a briefing, "" if not."""

    at: datetime
    day: date
    skip: Skip = ""


def list_due(rhythm: Rhythm, *, after: datetime) -> Iterator[Due]:
    """Yield what is due after an instant, in order, those that are skipped among them; for a year."""
    # A day earlier: what the clocks jump over late in the evening is due on the next day.
    day = after.astimezone(rhythm.zone).date() - _DAY
    last = day + _HORIZON
    while day <= last:
        due = _due_on(day, rhythm=rhythm)
        if due is not None and due.at > after:
            yield due
        day += _DAY


def find_next(rhythm: Rhythm, *, after: datetime) -> Due | None:
    """Return what is due next, be it skipped or not; None if nothing is within a year."""
    return next(list_due(rhythm, after=after), None)


def list_next(rhythm: Rhythm, *, after: datetime, count: int = 5) -> tuple[datetime, ...]:
    """Return the next `count` instants at which there will be a briefing, in the zone of the schedule."""
    found = (due.at.astimezone(rhythm.zone) for due in list_due(rhythm, after=after) if not due.skip)
    return tuple(at for at, _ in zip(found, range(count), strict=False))


def list_passed(rhythm: Rhythm, *, first: datetime, now: datetime) -> tuple[Due, ...]:
    """Return what was due from the instant `first` on, which is a due time, up to `now`; the last year of it."""
    start = max(first, now - _HORIZON + _DAY) - timedelta(microseconds=1)
    passed = []
    for due in list_due(rhythm, after=start):
        if due.at > now:
            break
        passed.append(due)
    return tuple(passed)


def jitter_of(schedule: UUID) -> timedelta:
    """Return how long after its due time a schedule begins: always the same, and different from its neighbours'."""
    return timedelta(seconds=int.from_bytes(sha256(schedule.bytes).digest()[:8]) % (LONGEST_JITTER_SECONDS + 1))


def after_quiet(at: datetime, *, zone: ZoneInfo, begin: time | None, end: time | None) -> datetime:
    """Return `at`, or when the quiet hours that it falls into end, in UTC; they may last over midnight."""
    if begin is None or end is None or begin == end:
        return at
    local = at.astimezone(zone)
    wall = local.time()
    is_quiet = begin <= wall < end if begin < end else wall >= begin or wall < end
    if not is_quiet:
        return at
    day = local.date() + (_DAY if wall >= end else timedelta(0))
    return instant_of(datetime.combine(day, end), zone=zone)


def instant_of(wall: datetime, *, zone: ZoneInfo) -> datetime:
    """Return the instant, in UTC, at which clocks in `zone` first show the naive `wall`, or jump over it.

    Source: PEP 495, on times in a gap and in a fold.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None) == wall:
        return first
    # In a gap, fold 0 takes the offset before the jump and lies after it; fold 1 the other way round.
    return _jump_between(second, first, zone=zone)


def _due_on(day: date, *, rhythm: Rhythm) -> Due | None:
    if day.weekday() not in rhythm.weekdays or not _exists(day, zone=rhythm.zone):
        return None
    at = instant_of(datetime.combine(day, rhythm.at), zone=rhythm.zone)
    return Due(at=at, day=day, skip=_skip_of(day, rhythm=rhythm))


def _skip_of(day: date, *, rhythm: Rhythm) -> Skip:
    if rhythm.skips_holidays and rhythm.week.is_holiday(day):
        return "holiday"
    return "day_off" if rhythm.keeps_week and day.weekday() not in rhythm.week.weekdays else ""


def _exists(day: date, *, zone: ZoneInfo) -> bool:
    """Tell whether the zone had this day: Samoa had no 30 December in 2011."""
    return instant_of(datetime.combine(day, time.min), zone=zone).astimezone(zone).date() == day


def _jump_between(before: datetime, after: datetime, *, zone: ZoneInfo) -> datetime:
    """Return the instant of the one change of offset after `before` and up to `after`, to the second."""
    offset = before.astimezone(zone).utcoffset()
    low, high = 0, int((after - before).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        if (before + timedelta(seconds=middle)).astimezone(zone).utcoffset() == offset:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)
