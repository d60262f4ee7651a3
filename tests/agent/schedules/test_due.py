"""When a schedule is due, over zones, years and every kind of day, by rules said in another way than the code does."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from agent.briefing.working_week import MONDAY_TO_FRIDAY, WorkingWeek
from agent.schedules import due
from agent.schedules.due import Due, Rhythm

EVERY_DAY = tuple(range(7))
# Half-hour changes, changes at midnight and across it, both hemispheres, none at all, and a day that never was.
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Havana",
    "America/Nuuk",
    "Africa/Casablanca",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "UTC",
)


def rhythm(
    at: str = "09:00",
    zone: str = "Europe/Berlin",
    *,
    weekdays: tuple[int, ...] = EVERY_DAY,
    week: tuple[int, ...] = EVERY_DAY,
    country: str = "",
    keeps_week: bool = True,
    skips_holidays: bool = True,
) -> Rhythm:
    working = WorkingWeek(time_zone=ZoneInfo(zone), weekdays=week, country=country)
    return Rhythm(weekdays, time.fromisoformat(at), working, keeps_week=keeps_week, skips_holidays=skips_holidays)


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def first_moment(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return the first minute at which clocks in `zone` show `at` on `day` or later, by looking at each minute."""
    moment = datetime.combine(day, time.min, tzinfo=UTC) - timedelta(hours=15)
    wall = datetime.combine(day, at)
    while moment.astimezone(zone).replace(tzinfo=None) < wall:
        moment += timedelta(minutes=1)
    return moment


@pytest.mark.parametrize("zone", ZONES)
def test_it_is_due_at_the_first_minute_at_which_the_clock_shows_its_time_or_jumped_over_it(zone: str) -> None:
    """Days of 2011, 2024 and 2025 around each change of the clocks, and others, at any time of the day."""
    dice = Random(f"due in {zone}")  # noqa: S311  (no secret)
    info = ZoneInfo(zone)
    starts = [datetime(year, 1, 1, tzinfo=UTC) for year in (2011, 2024, 2025)]
    moments = [start + timedelta(hours=hour) for start in starts for hour in range(366 * 24)]
    changes = [
        moment
        for moment in moments
        if moment.astimezone(info).utcoffset() != (moment + timedelta(hours=1)).astimezone(info).utcoffset()
    ]
    for moment in [*changes, *dice.choices(moments, k=2)]:
        for minutes in (-45, 15, dice.randrange(-600, 600)):
            wall = (moment + timedelta(minutes=minutes)).astimezone(info).replace(tzinfo=None)
            # Also what the clocks jump over.
            for shown in (wall, wall + timedelta(hours=1)):
                at = shown.replace(second=0, microsecond=0)
                found = due.instant_of(at, zone=info)
                assert found == first_moment(at.date(), at.time(), info), (zone, at)


@pytest.mark.parametrize("zone", ZONES)
def test_each_day_of_ten_years_is_due_once_in_order_whatever_the_clocks_do(zone: str) -> None:
    schedule = rhythm("02:30", zone)
    info = ZoneInfo(zone)
    after = datetime(2020, 1, 1, tzinfo=UTC)
    days: list[date] = []
    while after.year < 2030:
        found = due.find_next(schedule, after=after)
        assert found is not None
        assert found.at > after
        assert found.at.tzinfo is UTC
        shown = found.at.astimezone(info)
        assert shown.date() in (found.day, found.day + timedelta(days=1))
        days.append(found.day)
        after = found.at
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
    assert date(2024, 2, 29) in days


@pytest.mark.parametrize(
    ("zone", "at", "day", "instant"),
    [
        # 02:30 does not exist on 29 March 2026: clocks go from 02:00 to 03:00.
        ("Europe/Berlin", "02:30", "2026-03-29", "2026-03-29T01:00:00+00:00"),
        ("Europe/Berlin", "02:00", "2026-03-29", "2026-03-29T01:00:00+00:00"),
        ("Europe/Berlin", "03:00", "2026-03-29", "2026-03-29T01:00:00+00:00"),
        # 02:30 is there twice on 25 October 2026; the first is still summer time.
        ("Europe/Berlin", "02:30", "2026-10-25", "2026-10-25T00:30:00+00:00"),
        # Half an hour, at 02:00.
        ("Australia/Lord_Howe", "02:15", "2026-10-04", "2026-10-03T15:30:00+00:00"),
        # At midnight, so that the day begins at one.
        ("America/Havana", "00:30", "2026-03-08", "2026-03-08T05:00:00+00:00"),
        # Late on Saturday, into Sunday.
        ("America/Nuuk", "23:30", "2026-03-28", "2026-03-29T01:00:00+00:00"),
    ],
)
def test_known_changes_of_the_clocks(zone: str, at: str, day: str, instant: str) -> None:
    found = due.list_due(rhythm(at, zone), after=local(f"{day}T00:00", zone) - timedelta(days=2))
    assert next(one for one in found if one.day == date.fromisoformat(day)).at == datetime.fromisoformat(instant)


def test_a_day_that_never_was_is_not_due() -> None:
    """Samoa went from 29 to 31 December 2011."""
    found = due.list_next(rhythm("09:00", "Pacific/Apia"), after=local("2011-12-28T12:00", "Pacific/Apia"), count=3)
    assert [f"{at:%m-%d %H:%M}" for at in found] == ["12-29 09:00", "12-31 09:00", "01-01 09:00"]


def test_weeks_go_on_over_the_ends_of_months_and_a_leap_day() -> None:
    thursdays = rhythm(weekdays=(3,))
    found = due.list_next(thursdays, after=local("2024-01-01T00:00", "Europe/Berlin"), count=53)
    assert {at.weekday() for at in found} == {3}
    assert [b.date() - a.date() for a, b in pairwise(found)] == [timedelta(days=7)] * 52
    assert {date(2024, 2, 29), date(2024, 10, 31)} <= {at.date() for at in found}


def test_days_off_and_holidays_are_told_apart_and_left_out_of_the_next_dates() -> None:
    german = rhythm(week=MONDAY_TO_FRIDAY, country="DE")
    after = local("2026-12-23T12:00", "Europe/Berlin")
    listed = list(due.list_due(german, after=after))[:5]
    assert [(one.day.day, one.skip) for one in listed] == [
        (24, ""),
        (25, "holiday"),
        (26, "holiday"),
        (27, "day_off"),
        (28, ""),
    ]
    shown = due.list_next(german, after=after)
    assert [f"{at:%d %H:%M}" for at in shown] == ["24 09:00", "28 09:00", "29 09:00", "30 09:00", "31 09:00"]


@pytest.mark.parametrize(
    ("keeps_week", "skips_holidays", "skips"),
    [
        (True, True, ["holiday", "holiday", "day_off"]),
        (False, True, ["holiday", "holiday", ""]),
        (True, False, ["", "day_off", "day_off"]),
        (False, False, ["", "", ""]),
    ],
)
def test_week_and_holidays_are_kept_as_asked(keeps_week: bool, skips_holidays: bool, skips: list[str]) -> None:
    """Friday 25, Saturday 26 (a holiday too) and Sunday 27 December 2026."""
    asked = rhythm(week=MONDAY_TO_FRIDAY, country="DE", keeps_week=keeps_week, skips_holidays=skips_holidays)
    listed = list(due.list_due(asked, after=local("2026-12-24T12:00", "Europe/Berlin")))[:3]
    assert [one.skip for one in listed] == skips


def test_nothing_is_due_without_a_day() -> None:
    assert due.find_next(rhythm(weekdays=()), after=datetime(2026, 1, 1, tzinfo=UTC)) is None


def test_what_passed_is_all_from_the_first_up_to_now() -> None:
    first = due.find_next(rhythm(), after=local("2026-05-04T00:00", "Europe/Berlin"))
    assert first is not None
    passed = due.list_passed(rhythm(), first=first.at, now=local("2026-05-06T09:00", "Europe/Berlin"))
    assert [one.day.day for one in passed] == [4, 5, 6], "the very instant counts"
    assert due.list_passed(rhythm(), first=first.at, now=first.at - timedelta(seconds=1)) == ()
    long_after = due.list_passed(rhythm(), first=first.at, now=first.at + timedelta(days=4000))
    assert 360 < len(long_after) < 372, "a machine that was off for ten years does not count them all"
    assert long_after[-1] == Due(long_after[-1].at, long_after[-1].day)


def test_ten_thousand_schedules_of_one_time_spread_over_two_minutes_and_each_keeps_its_place() -> None:
    ids = [UUID(int=number) for number in range(10_000)]
    seconds = [due.jitter_of(one).total_seconds() for one in ids]
    assert min(seconds) >= 0
    assert max(seconds) <= due.LONGEST_JITTER_SECONDS
    busiest = max(seconds.count(second) for second in set(seconds))
    assert busiest < 2 * len(ids) / (due.LONGEST_JITTER_SECONDS + 1)
    assert seconds == [due.jitter_of(one).total_seconds() for one in ids]


@pytest.mark.parametrize(
    ("begin", "end", "ready", "told"),
    [
        ("22:00", "07:00", "2026-05-04T23:10", "2026-05-05T07:00"),
        ("22:00", "07:00", "2026-05-05T06:59", "2026-05-05T07:00"),
        ("22:00", "07:00", "2026-05-05T07:00", "2026-05-05T07:00"),
        ("22:00", "07:00", "2026-05-05T21:59", "2026-05-05T21:59"),
        ("22:00", "07:00", "2026-05-05T22:00", "2026-05-06T07:00"),
        ("12:00", "13:00", "2026-05-05T12:00", "2026-05-05T13:00"),
        ("12:00", "13:00", "2026-05-05T13:00", "2026-05-05T13:00"),
        ("12:00", "13:00", "2026-05-05T12:30", "2026-05-05T13:00"),
        ("12:00", "13:00", "2026-05-05T11:59", "2026-05-05T11:59"),
        ("09:00", "09:00", "2026-05-05T09:00", "2026-05-05T09:00"),
        # They end while the clocks jump.
        ("22:00", "02:30", "2026-03-29T01:00", "2026-03-29T03:00"),
    ],
)
def test_quiet_hours_put_off_what_becomes_ready_in_them(begin: str, end: str, ready: str, told: str) -> None:
    zone = ZoneInfo("Europe/Berlin")
    hours = {"begin": time.fromisoformat(begin), "end": time.fromisoformat(end)}
    assert due.after_quiet(local(ready, zone.key), zone=zone, **hours) == local(told, zone.key)


def test_without_quiet_hours_nothing_is_put_off() -> None:
    at = datetime(2026, 5, 5, tzinfo=UTC)
    assert due.after_quiet(at, zone=ZoneInfo("UTC"), begin=None, end=None) == at
