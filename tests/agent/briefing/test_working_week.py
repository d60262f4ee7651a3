"""The working week: weekdays, holidays and what lies between."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from agent.briefing.working_week import WorkingWeek, list_countries, list_subdivisions

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = WorkingWeek(time_zone=BERLIN)
GERMAN = WorkingWeek(time_zone=BERLIN, country="DE", subdivision="BE")


@pytest.mark.parametrize(
    ("today", "last"),
    [
        (date(2026, 11, 23), date(2026, 11, 20)),
        (date(2026, 11, 22), date(2026, 11, 20)),
        (date(2026, 11, 24), date(2026, 11, 23)),
    ],
)
def test_the_last_working_day_is_no_saturday_and_no_sunday(today: date, last: date) -> None:
    assert WEEK.last_working_day(today) == last


def test_the_last_working_day_is_no_holiday() -> None:
    """Easter Monday, 2026-04-06, and Good Friday before it."""
    assert GERMAN.last_working_day(date(2026, 4, 7)) == date(2026, 4, 2)
    assert WEEK.last_working_day(date(2026, 4, 7)) == date(2026, 4, 6)


def test_a_part_of_a_country_has_holidays_of_its_own() -> None:
    womens_day = date(2027, 3, 8)
    assert not GERMAN.is_working(womens_day)
    assert WorkingWeek(time_zone=BERLIN, country="DE", subdivision="BY").is_working(womens_day)


def test_a_week_may_begin_on_sunday() -> None:
    week = WorkingWeek(time_zone=ZoneInfo("Asia/Jerusalem"), weekdays=(6, 0, 1, 2, 3))
    assert week.last_working_day(date(2026, 11, 22)) == date(2026, 11, 19)
    assert week.next_working_day(date(2026, 11, 19)) == date(2026, 11, 22)


@pytest.mark.parametrize(
    ("weekdays", "first"),
    [((0, 1, 2, 3, 4), 0), ((6, 0, 1, 2, 3), 6), ((0, 1, 3, 4), 0), ((2,), 2), ((0, 1, 2, 3, 4, 5, 6), 0), ((), 0)],
)
def test_a_week_begins_after_its_longest_break(weekdays: tuple[int, ...], first: int) -> None:
    assert WorkingWeek(time_zone=BERLIN, weekdays=weekdays).first_weekday == first


def test_a_week_without_days_still_has_a_yesterday() -> None:
    assert WorkingWeek(time_zone=BERLIN, weekdays=()).last_working_day(date(2026, 11, 23)) == date(2026, 11, 22)


def test_days_off_and_working_days_are_counted() -> None:
    friday, monday = date(2026, 11, 20), date(2026, 11, 23)
    assert WEEK.days_off(friday, end=monday) == (date(2026, 11, 21), date(2026, 11, 22))
    assert WEEK.count_working_days(friday, end=monday) == len([friday, monday])


def test_countries_and_their_parts_are_listed() -> None:
    assert {("DE", "Germany"), ("US", "United States"), ("IL", "Israel")} <= set(list_countries())
    assert "BE" in list_subdivisions("DE")
    assert list_subdivisions("nowhere") == ()
