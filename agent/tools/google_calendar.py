"""The tool that reads the user's calendar: what takes their time, and where two things want it at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import Field

from agent.api.google_calendar import Event, When, list_events
from agent.toolkit import Arguments, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.moments import Moment, agenda_window

# A full week of a busy person; the answer says when there is more.
MAX_EVENTS = 50

_KINDS = {"outOfOffice": "out_of_office", "focusTime": "focus_time"}


class AgendaArguments(Arguments):
    """The days to read."""

    start: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default today.")
    end: Moment | None = Field(
        default=None, description="ISO 8601 date (that whole day) or datetime; default the end of the first day."
    )


async def read_agenda(arguments: AgendaArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return the events that the user did not decline, in order, with those that overlap."""
    window = agenda_window(arguments.start, end=arguments.end, context=context)
    zone = context.time_zone
    answer = await list_events(http, start=window.start, end=window.end, zone=zone, limit=MAX_EVENTS)
    events = [event for event in answer.items if event.status != "cancelled" and _response(event) != "declined"]
    overlaps = conflicts_of(events)
    items = tuple(_item(event, conflicts=overlaps.get(event.id, []), zone=zone) for event in events)
    return ToolResult(items=items, is_truncated=bool(answer.next_page_token), warnings=window.warnings)


def conflicts_of(events: Sequence[Event]) -> Mapping[str, list[str]]:
    """Return, by event id, the titles of the other events that want the same time; whole days want none."""
    busy = [
        (event, event.start.at, event.end.at)
        for event in events
        if event.start.at and event.end.at and event.transparency != "transparent"
    ]
    found: dict[str, list[str]] = {}
    for event, start, end in busy:
        others = [_title(other) for other, begins, ends in busy if other is not event and start < ends and begins < end]
        if others:
            found[event.id] = others
    return found


def _item(event: Event, *, conflicts: list[str], zone: ZoneInfo) -> Item:
    fields: dict[str, Any] = {
        "start": _written(event.start, zone=zone),
        "end": _written(event.end, zone=zone),
        "all_day": event.start.day is not None,
        "kind": _KINDS.get(event.event_type, "meeting" if event.attendees else "event"),
        "my_response": _response(event),
        "attendees": len(event.attendees),
        "organizer": _organizer(event),
        "is_free": event.transparency == "transparent",
    }
    optional = {
        "minutes": _minutes(event),
        "location": event.location,
        "has_call": bool(event.hangout_link),
        "is_private": event.visibility in {"private", "confidential"},
        "more_attendees": event.attendees_omitted,
        "conflicts_with": conflicts,
    }
    shown = fields | {name: value for name, value in optional.items() if value}
    return Item(title=f"{_title(event)}, {_short(event.start, zone=zone)}", url=event.html_link, fields=shown)


def _response(event: Event) -> str:
    """Return the user's own answer; an event without guests is theirs, so they go."""
    own = [attendee.response_status for attendee in event.attendees if attendee.is_self]
    return own[0] if own else "accepted"


def _organizer(event: Event) -> str:
    if event.organizer is None or event.organizer.is_self:
        return "me"
    return event.organizer.display_name or "somebody else"


def _title(event: Event) -> str:
    return event.summary or "Untitled event"


def _minutes(event: Event) -> int | None:
    if event.start.at is None or event.end.at is None:
        return None
    return round((event.end.at - event.start.at).total_seconds() / 60)


def _written(when: When, *, zone: ZoneInfo) -> str:
    at = _local(when, zone=zone)
    return at.isoformat(timespec="minutes") if at else str(when.day)


def _short(when: When, *, zone: ZoneInfo) -> str:
    at = _local(when, zone=zone)
    return f"{at:%a %H:%M}" if at else f"{when.day:%a %d %b}"


def _local(when: When, *, zone: ZoneInfo) -> datetime | None:
    return when.at.astimezone(zone) if when.at else None


CALENDAR_AGENDA = Tool(
    name="calendar_agenda",
    provider="google-calendar",
    label="Reading the calendar…",
    description=(
        "Events of the user's own calendar between two days, in order: time, length, guests, place, the user's "
        "response, and which events overlap; declined ones are left out, free ones are marked. Use it for meetings of "
        "today or any day, for standups, and to see how much time is left."
    ),
    arguments=AgendaArguments,
    scope="https://www.googleapis.com/auth/calendar.events.owned.readonly",
    run=read_agenda,
)
