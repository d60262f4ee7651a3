"""Which days a person works: their weekdays, without the public holidays of their country. Pure, without a clock."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import holidays
from holidays.registry import COUNTRIES

MONDAY_TO_FRIDAY = (0, 1, 2, 3, 4)
# A month without a working day is a mistake in the settings, not a week; past it, weekdays alone decide.
_LONGEST_BREAK_DAYS = 31


@dataclass(frozen=True, slots=True)
class WorkingWeek:
    """The days that one person works.

    `weekdays` count from 0, Monday. `country` is an ISO 3166-1 code and `subdivision` one of `holidays`' codes for a
    part of it; "" for a person who keeps no public holidays. `time_zone` is theirs.
    """

    time_zone: ZoneInfo
    weekdays: tuple[int, ...] = MONDAY_TO_FRIDAY
    country: str = ""
    subdivision: str = ""

    @property
    def first_weekday(self) -> int:
        """The weekday that follows the longest break: Monday after a weekend, Sunday where people work from it on."""

        def days_off_before(weekday: int) -> int:
            return next((back - 1 for back in range(1, 8) if (weekday - back) % 7 in self.weekdays), 0)

        return max(sorted(self.weekdays), key=days_off_before, default=0)

    def is_working(self, day: date) -> bool:
        """Return whether `day` is a working day."""
        return day.weekday() in self.weekdays and not self.is_holiday(day)

    def is_holiday(self, day: date) -> bool:
        """Return whether `day` is a public holiday that they keep, whatever weekday it is."""
        return day in _holidays(self.country, self.subdivision, day.year)

    def last_working_day(self, today: date) -> date:
        """Return the last working day before `today`."""
        days = [today - timedelta(days=back) for back in range(1, _LONGEST_BREAK_DAYS + 1)]
        return next((day for day in days if self.is_working(day)), days[0])

    def next_working_day(self, today: date) -> date:
        """Return the first working day after `today`."""
        days = [today + timedelta(days=ahead) for ahead in range(1, _LONGEST_BREAK_DAYS + 1)]
        return next((day for day in days if self.is_working(day)), days[0])

    def days_off(self, start: date, *, end: date) -> tuple[date, ...]:
        """Return the days from `start` up to, not including, `end` that are no working days, in order."""
        return tuple(day for day in _days(start, end=end) if not self.is_working(day))

    def count_working_days(self, start: date, *, end: date) -> int:
        """Return how many working days there are from `start` up to and including `end`."""
        return sum(map(self.is_working, _days(start, end=end + timedelta(days=1))))


def list_subdivisions(country: str) -> tuple[str, ...]:
    """Return the parts of `country` that have holidays of their own; empty for an unknown country."""
    return tuple(_countries().get(country, ()))


def list_countries() -> tuple[tuple[str, str], ...]:
    """Return code and English name of the countries whose public holidays are known, by name."""
    names = {code: name for name, code, *_ in COUNTRIES.values()}
    # The names are those of classes: "UnitedStates".
    known = [(code, re.sub(r"(?<=[a-z])(?=[A-Z])", " ", names.get(code, code))) for code in _countries()]
    return tuple(sorted(known, key=lambda country: country[1]))


def _days(start: date, *, end: date) -> Iterator[date]:
    return (start + timedelta(days=ahead) for ahead in range((end - start).days))


@cache
def _countries() -> dict[str, list[str]]:
    return holidays.list_supported_countries(include_aliases=False)


@cache
def _holidays(country: str, subdivision: str, year: int) -> frozenset[date]:
    """Return the public holidays of a year.

    Source: https://holidays.readthedocs.io/
    """
    if not country:
        return frozenset()
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))
