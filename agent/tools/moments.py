"""Points in time as tools take them: ISO 8601 dates or datetimes, read in the user's time zone.

A window is always bounded: no tool reads a year because a model asked for one.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from agent.errors import ToolFailedError
from agent.tool import ReadContext

# A month covers every holiday before a standup; GitHub itself would allow a year.
MAX_DAYS = 31
# Keeps every later conversion between zones inside what `datetime` can hold.
_YEARS = range(2000, 2101)


def _require_iso(value: str) -> str:
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        raise ValueError("use an ISO 8601 date or datetime, such as 2026-11-20") from None
    if parsed.year not in _YEARS:
        raise ValueError("use a date of this century")
    return value


Moment = Annotated[
    str,
    Field(
        max_length=40,
        description="ISO 8601 date or datetime, such as 2026-11-20; without an offset it is in the user's time zone.",
    ),
    AfterValidator(_require_iso),
]


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` up to, not including, `end`; `warnings` say what of the wish was cut."""

    start: datetime
    end: datetime
    warnings: tuple[str, ...] = ()

    def holds(self, at: datetime | None) -> bool:
        """Return whether `at` lies in the window; None does not."""
        return at is not None and self.start <= at < self.end


def past_window(since: str | None, *, until: str | None = None, context: ReadContext) -> Window:
    """Return the window from `since` (the last working day if not given) to `until`, or to now.

    Raises:
        ToolFailedError: The window is empty.
    """
    now = context.now.astimezone(context.time_zone)
    start = _instant(since or context.week.last_working_day(now.date()).isoformat(), edge="start", context=context)
    end = min(now, _instant(until, edge="end", context=context)) if until else now
    earliest = now - timedelta(days=MAX_DAYS)
    if start < earliest:
        return _checked(Window(earliest, end, (f"Only the last {MAX_DAYS} days were read.",)))
    return _checked(Window(start, end))


def agenda_window(start: str | None, *, end: str | None, context: ReadContext) -> Window:
    """Return the window from `start` (today if not given) to `end`, or to the end of the first day.

    Raises:
        ToolFailedError: The window is empty.
    """
    first = start or context.now.astimezone(context.time_zone).date().isoformat()
    begins_at = _instant(first, edge="start", context=context)
    ends_at = _instant(end or begins_at.date().isoformat(), edge="end", context=context)
    latest = begins_at + timedelta(days=MAX_DAYS)
    if ends_at > latest:
        return _checked(Window(begins_at, latest, (f"Only the first {MAX_DAYS} days were read.",)))
    return _checked(Window(begins_at, ends_at))


def _instant(value: str, *, edge: Literal["start", "end"], context: ReadContext) -> datetime:
    """Return the instant that `value` means; a date as an end means the whole of that day."""
    zone = context.time_zone
    parsed = datetime.fromisoformat(value)
    if not _is_date(value):
        return parsed.replace(tzinfo=zone) if parsed.tzinfo is None else parsed.astimezone(zone)
    day = parsed.date() + timedelta(days=1 if edge == "end" else 0)
    return datetime.combine(day, time.min, tzinfo=zone)


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return True


def _checked(window: Window) -> Window:
    # Arithmetic inside one zone ignores its clock changes; instants are compared by their offsets.
    if window.start.timestamp() >= window.end.timestamp():
        raise ToolFailedError("bad_arguments", "The window is empty: it must start before it ends, and not after now.")
    return window
