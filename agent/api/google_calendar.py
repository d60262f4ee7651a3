"""Google Calendar's API: one windowed list of events, with a mask of the fields that we use.

It never reads descriptions, attendees' addresses or other people's calendars.
Source: https://developers.google.com/workspace/calendar/api/v3/reference/events/list
"""

from datetime import date, datetime
from http import HTTPStatus
from typing import Any, Self
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field, model_validator

from agent.api.answers import Answer
from agent.api.wire import Line, Link, Wire, parse
from agent.errors import ToolErrorCode
from agent.toolkit import ProviderHTTP

FIELDS = (
    "items(id,summary,status,start,end,location,hangoutLink,htmlLink,eventType,transparency,visibility,"
    "attendees(self,responseStatus),attendeesOmitted,organizer(self,displayName)),nextPageToken"
)
# Working locations and birthdays take nobody's time.
EVENT_TYPES = ("default", "outOfOffice", "focusTime")
# More guests than a briefing counts; beyond them Google sends the user's own entry only.
MAX_ATTENDEES = 50

_LIMIT_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"})


class When(Wire):
    """Start or end of an event: an instant, or a date where it takes whole days (an end is exclusive)."""

    day: date | None = Field(default=None, alias="date")
    at: AwareDatetime | None = Field(default=None, alias="dateTime")

    @model_validator(mode="after")
    def _require_one(self) -> Self:
        if (self.day is None) == (self.at is None):
            raise ValueError("either a date or an instant")
        return self


class _Attendee(Wire):
    is_self: bool = Field(default=False, alias="self")
    response_status: Line = "needsAction"


class _Organizer(Wire):
    is_self: bool = Field(default=False, alias="self")
    display_name: Line = ""


class Event(Wire):
    """One event, or one instance of a recurring one."""

    id: str
    html_link: Link
    start: When
    end: When
    summary: Line = ""
    status: Line = "confirmed"
    location: Line = ""
    hangout_link: str = ""
    event_type: Line = "default"
    transparency: Line = "opaque"
    visibility: Line = "default"
    attendees: tuple[_Attendee, ...] = ()
    attendees_omitted: bool = False
    organizer: _Organizer | None = None


class Events(Wire):
    """Answer of `list_events`."""

    items: tuple[Event, ...] = ()
    next_page_token: str = ""


async def list_events(http: ProviderHTTP, *, start: datetime, end: datetime, zone: ZoneInfo, limit: int) -> Events:
    """Read the events of the user's primary calendar that end after `start` and begin before `end`, in order.

    Times in the answer carry `zone`'s offset.
    Source: https://developers.google.com/workspace/calendar/api/v3/reference/events/list
    """
    params = {
        "timeMin": start.isoformat(timespec="seconds"),
        "timeMax": end.isoformat(timespec="seconds"),
        "timeZone": zone.key,
        "singleEvents": "true",
        "orderBy": "startTime",
        "eventTypes": list(EVENT_TYPES),
        "maxResults": limit,
        "maxAttendees": MAX_ATTENDEES,
        "fields": FIELDS,
    }
    body = await http.get("/calendars/{calendar}/events", params=params, path_values={"calendar": "primary"})
    return parse(Events, provider="google-calendar", data=body)


def find_refusal(answer: Answer) -> ToolErrorCode | None:
    """Return `rate_limited` for the quotas that Google refuses with 403.

    Source: https://developers.google.com/workspace/calendar/api/guides/errors
    """
    if answer.status != HTTPStatus.FORBIDDEN:
        return None
    return "rate_limited" if _reasons(answer.json()) & _LIMIT_REASONS else None


def _reasons(body: Any) -> set[str]:
    error = body.get("error") if isinstance(body, dict) else None
    entries = error.get("errors") if isinstance(error, dict) else None
    found = [entry.get("reason") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return {reason for reason in found if isinstance(reason, str)}
