"""The dates and periods of GitHub's search qualifiers.

Source: https://docs.github.com/en/search-github/getting-started-with-searching-on-github/understanding-the-search-syntax
"""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta


def read_period(value: str) -> Callable[[datetime], bool]:
    """Return the test for `>=D`, `>D`, `<=D`, `<D`, `D..D`, `D..*`, `*..D` or `D`; a date is its whole day in UTC.

    Raises:
        ValueError: A date or instant does not parse.
    """
    sign = next((sign for sign in (">=", "<=", ">", "<") if value.startswith(sign)), "")
    if sign:
        return _compared(sign, *_span(value.removeprefix(sign)))
    start, dots, end = value.partition("..")
    begin = None if start == "*" else _span(start)[0]
    finish = None if dots and end == "*" else _span(end if dots else start)[1]
    return lambda at: (begin is None or at >= begin) and (finish is None or at < finish)


def _compared(sign: str, first: datetime, after: datetime) -> Callable[[datetime], bool]:
    compare: dict[str, Callable[[datetime], bool]] = {
        ">=": lambda at: at >= first,
        "<=": lambda at: at < after,
        ">": lambda at: at >= after,
        "<": lambda at: at < first,
    }
    return compare[sign]


def _span(value: str) -> tuple[datetime, datetime]:
    """Return the first instant of a date or instant and the first one after it."""
    if "T" not in value:
        day = datetime.combine(date.fromisoformat(value), time(), tzinfo=UTC)
        return day, day + timedelta(days=1)
    instant = datetime.fromisoformat(value)
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return instant, instant + timedelta(seconds=1)
