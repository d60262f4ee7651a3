"""What the calendar tools say of an event in the same words: its title, its time, the user's answer."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from agent.api.google_calendar import Event, When
from agent.tool import ReadContext

# The narrowest scope that lists and reads the events of the user's own calendars.
# Source: https://developers.google.com/workspace/calendar/api/auth
SCOPE = "https://www.googleapis.com/auth/calendar.events.owned.readonly"

_KINDS = {
    "outOfOffice": "out_of_office",
    "focusTime": "focus_time",
    "workingLocation": "working_location",
    "birthday": "birthday",
    "fromGmail": "from_mail",
}


def title_of(event: Event) -> str:
    """Return the event's title, which may be missing."""
    return event.summary or "Untitled event"


def heading_of(event: Event, *, zone: ZoneInfo) -> str:
    """Return title and begin, as in `Planning, Mon 09:30`."""
    at = _local(event.start, zone=zone)
    return f"{title_of(event)}, {f'{at:%a %H:%M}' if at else f'{event.start.day:%a %d %b}'}"


def response_of(event: Event) -> str:
    """Return the user's own answer; an event without guests is theirs, so they go."""
    own = [attendee.response_status for attendee in event.attendees if attendee.is_self]
    return own[0] if own else "accepted"


def written(when: When, *, zone: ZoneInfo) -> str:
    """Return an instant in `zone`, or a date, as ISO 8601."""
    at = _local(when, zone=zone)
    return at.isoformat(timespec="minutes") if at else str(when.day)


def fields_of(event: Event, *, zone: ZoneInfo) -> dict[str, Any]:
    """Return the fields that a list of events and one event share; empty ones are left out."""
    fields: dict[str, Any] = {
        "event_id": event.id,
        "start": written(event.start, zone=zone),
        "end": written(event.end, zone=zone),
        "kind": _KINDS.get(event.event_type, "meeting" if event.attendees else "event"),
        "my_response": response_of(event),
        "attendees": len(event.attendees),
        "organizer": _organizer(event),
    }
    optional = {
        "all_day": event.start.day is not None,
        "is_free": event.transparency == "transparent",
        "minutes": _minutes(event),
        "location": event.location,
        "is_private": event.visibility in {"private", "confidential"},
        "more_attendees": event.attendees_omitted,
    }
    return fields | {name: value for name, value in optional.items() if value}


def is_excluded(event: Event, *, context: ReadContext) -> bool:
    """Tell whether the user leaves the event out, by its title, its place or its being private."""
    fields = fields_of(event, zone=context.time_zone)
    return context.exclusions.hides(title=title_of(event), places=(), fields=fields)


def _organizer(event: Event) -> str:
    if event.organizer is None or event.organizer.is_self:
        return "me"
    return event.organizer.display_name or "somebody else"


def _minutes(event: Event) -> int | None:
    if event.start.at is None or event.end.at is None:
        return None
    return round((event.end.at - event.start.at).total_seconds() / 60)


def _local(when: When, *, zone: ZoneInfo) -> datetime | None:
    return when.at.astimezone(zone) if when.at else None
