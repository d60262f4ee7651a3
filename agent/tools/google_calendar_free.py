"""The tool that finds free time: the gaps between what takes the user's time, inside their working hours.

Instants are compared in UTC: on the days when clocks change a local day has 23 or 25 hours.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import ceil
from typing import Annotated, Literal, get_args
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop
from pydantic import AfterValidator, Field

from agent.api.google_calendar import LIST_EVENTS, Event, When, list_busy_events
from agent.briefing.working_week import WorkingWeek
from agent.errors import ToolFailedError
from agent.tool import Arguments, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.google_calendar_items import SCOPE, is_excluded, response_of, title_of
from agent.tools.moments import Moment, Window, agenda_window

# Two pages of Google's: 16 events a day for a month.
MAX_EVENTS = 500
# More than anyone chooses from; the answer says when there are more.
MAX_SLOTS = 50

_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d"

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)


def _require_hours(value: str) -> str:
    opens, closes = _minutes_of(value)
    if opens >= closes:
        raise ValueError("the working day must begin before it ends, on the same day")
    return value


class FreeSlotsArguments(Arguments):
    """Where to look and what counts as time for work."""

    start: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default today.")
    end: Moment | None = Field(
        default=None, description="ISO 8601 date (that whole day) or datetime; default the end of the first day."
    )
    min_minutes: Annotated[int, Field(ge=5, le=1440, description="Shortest slot in minutes.")] = 30
    work_hours: Annotated[
        str,
        Field(
            pattern=rf"^{_CLOCK}-(?:{_CLOCK}|24:00)$",
            description="Working hours in the user's time zone, such as 09:00-17:00.",
        ),
        AfterValidator(_require_hours),
    ] = "09:00-17:00"
    work_days: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)] | None = Field(
        default=None, description="Days to look at; default the user's own working days, without public holidays."
    )

    def is_wanted(self, day: date, *, week: WorkingWeek) -> bool:
        """Tell whether free time of `day` is asked for."""
        return week.is_working(day) if self.work_days is None else _WEEKDAYS[day.weekday()] in self.work_days


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` up to, not including, `end`, both in UTC."""

    start: datetime
    end: datetime

    @property
    def minutes(self) -> int:
        """Whole minutes that pass, whatever the clocks do."""
        return int((self.end - self.start).total_seconds() // 60)


async def find_free_slots(arguments: FreeSlotsArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return the free slots from now on, in order, each with the events it lies between.

    Raises:
        ToolFailedError: `bad_arguments`, when the window is over.
    """
    window = agenda_window(arguments.start, end=arguments.end, context=context)
    zone = context.time_zone
    answer = await list_busy_events(http, start=window.start, end=window.end, zone=zone, limit=MAX_EVENTS)
    searched = _searched(window, events=answer.items, is_truncated=answer.is_truncated, context=context)
    busy = sorted(_busy(answer.items, zone=zone), key=lambda one: one[0].start)
    days = [day for day in _days_of(searched, zone=zone) if arguments.is_wanted(day, week=context.week)]
    work = working_spans(searched, hours=arguments.work_hours, days=days, zone=zone)
    free = [slot for slot in free_spans(work, busy=[span for span, _ in busy]) if slot.minutes >= arguments.min_minutes]
    # What is left out takes its time all the same; it is neither named nor cited.
    shown = [one for one in busy if not is_excluded(one[1], context=context)]
    items = tuple(_item(slot, busy=shown, zone=zone) for slot in free[:MAX_SLOTS])
    return ToolResult(items, is_truncated=answer.is_truncated or len(free) > MAX_SLOTS, warnings=window.warnings)


def working_spans(searched: Span, *, hours: str, days: Iterable[date], zone: ZoneInfo) -> Iterator[Span]:
    """Yield the working hours of each of `days` in `zone`, cut to what is searched."""
    opens, closes = _minutes_of(hours)
    for day in days:
        start = max(_at(day, minutes=opens, zone=zone), searched.start)
        end = min(_at(day, minutes=closes, zone=zone), searched.end)
        if start < end:
            yield Span(start, end)


def free_spans(work: Iterable[Span], *, busy: Sequence[Span]) -> Iterator[Span]:
    """Yield what `busy`, ordered by its starts, leaves of each span of `work`."""
    for span in work:
        free_from = span.start
        for taken in busy:
            if taken.end <= free_from or taken.start >= span.end:
                continue
            if taken.start > free_from:
                yield Span(free_from, taken.start)
            free_from = max(free_from, taken.end)
        if free_from < span.end:
            yield Span(free_from, span.end)


def _searched(window: Window, *, events: Sequence[Event], is_truncated: bool, context: ReadContext) -> Span:
    """Return where free time can be told: from now on, and only as far as all events were read."""
    zone = context.time_zone
    # The next whole minute: nobody meets at a fraction of one.
    now = datetime.fromtimestamp(ceil(context.now.timestamp() / 60) * 60, tz=UTC)
    end = window.end.astimezone(UTC)
    if end <= now:
        raise ToolFailedError("bad_arguments", "The window is over: free time is looked for from now on.")
    if is_truncated and events:
        end = min(end, _instant(events[-1].start, zone=zone))
    return Span(max(window.start.astimezone(UTC), now), end)


def _busy(events: Iterable[Event], *, zone: ZoneInfo) -> Iterator[tuple[Span, Event]]:
    """Yield what takes time: not what was cancelled, declined or marked as free, and no place to work at.

    An invitation without an answer takes time, as it does in Google's own free/busy.
    """
    for event in events:
        is_free = event.transparency == "transparent" or event.event_type in {"workingLocation", "birthday"}
        span = Span(_instant(event.start, zone=zone), _instant(event.end, zone=zone))
        if not is_free and event.status != "cancelled" and response_of(event) != "declined" and span.minutes > 0:
            yield span, event


def _item(slot: Span, *, busy: Sequence[tuple[Span, Event]], zone: ZoneInfo) -> Item:
    before = [event for span, event in busy if span.end <= slot.start]
    after = [event for span, event in busy if span.start >= slot.end]
    touching = {
        "after": [title_of(event) for span, event in busy if span.end == slot.start],
        "before": [title_of(event) for span, event in busy if span.start == slot.end],
    }
    start, end = slot.start.astimezone(zone), slot.end.astimezone(zone)
    fields = {
        "start": start.isoformat(timespec="minutes"),
        "minutes": slot.minutes,
    }
    # A gap has no page of its own: its citation is the event that it comes before, else the one it comes after.
    bounds = (after[:1] or before[-1:]) if busy else []
    url = f"{bounds[0].html_link.partition('#')[0]}#free-{start:%Y%m%dT%H%M%z}" if bounds else ""
    return Item(
        title=f"Free {start:%a %H:%M}-{end:%H:%M}",
        url=url,
        fields=fields | {name: titles for name, titles in touching.items() if titles},
    )


def _days_of(searched: Span, *, zone: ZoneInfo) -> Iterator[date]:
    day = searched.start.astimezone(zone).date()
    while day <= searched.end.astimezone(zone).date():
        yield day
        day += timedelta(days=1)


def _instant(when: When, *, zone: ZoneInfo) -> datetime:
    """Return the instant in UTC; a whole day begins at the user's midnight."""
    return when.at.astimezone(UTC) if when.at else _at(when.day or date.min, minutes=0, zone=zone)


def _at(day: date, *, minutes: int, zone: ZoneInfo) -> datetime:
    """Return the instant when the user's clocks show `minutes` after midnight; 1440 is the midnight that follows."""
    days, rest = divmod(minutes, 24 * 60)
    clock = time(rest // 60, rest % 60)
    return datetime.combine(day + timedelta(days=days), clock, tzinfo=zone).astimezone(UTC)


def _minutes_of(hours: str) -> tuple[int, int]:
    """Return begin and end in minutes after midnight."""
    begin, _, end = hours.partition("-")
    opens, closes = (int(clock[:2]) * 60 + int(clock[3:]) for clock in (begin, end))
    return opens, closes


CALENDAR_FREE_SLOTS = Tool(
    name="calendar_free_slots",
    provider="google-calendar",
    label=gettext_noop("Looking for free time…"),
    reads=gettext_noop("when you are free in Google Calendar"),
    description=(
        "Free time in the user's own calendar from now on, inside working hours: start, end, minutes, and between "
        "which events. Declined and free events and working locations do not count; absences, focus time and "
        "unanswered invitations do. Use it for 'when am I free' and 'find two hours for'."
    ),
    arguments=FreeSlotsArguments,
    scope=SCOPE,
    run=find_free_slots,
    endpoints=(LIST_EVENTS,),
)
