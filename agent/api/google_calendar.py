"""Google Calendar's API: windowed lists of events, and one event, each with a mask of the fields that we use.

It never reads attendees' addresses or other people's calendars, and a description only of an event asked for by its id.
Source: https://developers.google.com/workspace/calendar/api/v3/reference/events
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from agent.api.answers import Answer
from agent.api.wire import Day, Instant, Line, Link, Wire, parse
from agent.endpoints import Endpoint
from agent.errors import ToolErrorCode
from agent.tool import ProviderHTTP

LIST_EVENTS = Endpoint("google-calendar", "GET", "/calendars/{calendar}/events")
GET_EVENT = Endpoint("google-calendar", "GET", "/calendars/{calendar}/events/{event}")

_LISTED = "id,summary,status,start,end,location,htmlLink,eventType,transparency,visibility,"
FIELDS = f"items({_LISTED}attendees(self,responseStatus),attendeesOmitted,organizer(self,displayName)),nextPageToken"
# What decides whether an event takes time, and what names it.
BUSY_FIELDS = (
    "items(id,summary,status,start,end,htmlLink,eventType,transparency,attendees(self,responseStatus)),nextPageToken"
)
EVENT_FIELDS = (
    f"{_LISTED}hangoutLink,recurringEventId,description,recurrence,originalStartTime,"
    "attendees(self,displayName,responseStatus,optional,resource),attendeesOmitted,organizer(self,displayName)"
)
SERIES_FIELDS = "recurrence"
# Working locations and birthdays take nobody's time.
EVENT_TYPES = ("default", "outOfOffice", "focusTime")
# A flight or a table that Gmail put there takes time as well, though it is no meeting to brief on.
BUSY_EVENT_TYPES = (*EVENT_TYPES, "fromGmail")
# More guests than a briefing counts; beyond them Google sends the user's own entry only.
MAX_ATTENDEES = 50
# With their guests these are about 100 kB; the transport takes 2 MB.
EVENTS_PER_PAGE = 50
# Google's own default page; without guests an event is a few hundred bytes.
BUSY_EVENTS_PER_PAGE = 250

_LIMIT_REASONS = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"})
_DISABLED_REASONS = frozenset({"accessNotConfigured"})
_API_IN_PROJECT = "the Google Calendar API, enabled in the app's Google Cloud project"


class When(Wire):
    """Start or end of an event: an instant, or a date where it takes whole days (an end is exclusive)."""

    day: Day | None = Field(default=None, alias="date")
    at: Instant | None = Field(default=None, alias="dateTime")

    @model_validator(mode="after")
    def _require_one(self) -> Self:
        if (self.day is None) == (self.at is None):
            raise ValueError("either a date or an instant")
        return self


class Attendee(Wire):
    """One guest of an event; a `resource` is a room or a thing."""

    is_self: bool = Field(default=False, alias="self")
    response_status: Line = "needsAction"
    display_name: Line = ""
    optional: bool = False
    resource: bool = False


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
    event_type: Line = "default"
    transparency: Line = "opaque"
    visibility: Line = "default"
    attendees: tuple[Attendee, ...] = ()
    attendees_omitted: bool = False
    organizer: _Organizer | None = None


class EventDetails(Event):
    """One event with its description, as it was written: often HTML. `recurrence` is there for a whole series only."""

    description: str = ""
    hangout_link: str = ""
    recurring_event_id: str = ""
    recurrence: tuple[Line, ...] = ()
    original_start_time: When | None = None


class _Series(Wire):
    recurrence: tuple[Line, ...] = ()


class _Page(Wire):
    items: tuple[Event, ...] = ()
    next_page_token: str = ""


@dataclass(frozen=True, slots=True)
class Events:
    """Events in the order of their start; `is_truncated` says that later ones were not read."""

    items: tuple[Event, ...]
    is_truncated: bool


async def list_events(http: ProviderHTTP, *, start: datetime, end: datetime, zone: ZoneInfo, limit: int) -> Events:
    """Read the events of the user's primary calendar that end after `start` and begin before `end`, in order.

    Times in the answer carry `zone`'s offset; instances of a series are events of their own.
    Source: https://developers.google.com/workspace/calendar/api/v3/reference/events/list
    """
    query = {
        **_window(start, end=end, zone=zone),
        "eventTypes": list(EVENT_TYPES),
        "maxResults": EVENTS_PER_PAGE,
        "maxAttendees": MAX_ATTENDEES,
        "fields": FIELDS,
    }
    return await _read_pages(http, query=query, limit=limit)


async def list_busy_events(http: ProviderHTTP, *, start: datetime, end: datetime, zone: ZoneInfo, limit: int) -> Events:
    """Read what may take the user's time between `start` and `end`, as `list_events` does, without the other guests."""
    query = {
        **_window(start, end=end, zone=zone),
        "eventTypes": list(BUSY_EVENT_TYPES),
        "maxResults": BUSY_EVENTS_PER_PAGE,
        # Where there are more, Google sends the user's own entry alone: the only one that decides.
        "maxAttendees": 1,
        "fields": BUSY_FIELDS,
    }
    return await _read_pages(http, query=query, limit=limit)


async def read_event(http: ProviderHTTP, *, event: str, zone: ZoneInfo) -> EventDetails:
    """Read one event of the user's primary calendar.

    Raises:
        ToolFailedError: `not_found`, when that calendar has no such event.

    Source: https://developers.google.com/workspace/calendar/api/v3/reference/events/get
    """
    params = {"timeZone": zone.key, "maxAttendees": MAX_ATTENDEES, "fields": EVENT_FIELDS}
    return parse(EventDetails, provider="google-calendar", data=await _get_event(http, event=event, params=params))


async def read_recurrence(http: ProviderHTTP, *, series: str) -> tuple[str, ...]:
    """Return the RRULE, EXDATE and RDATE lines (RFC 5545) of a series that an event named."""
    body = await _get_event(http, event=series, params={"fields": SERIES_FIELDS})
    return parse(_Series, provider="google-calendar", data=body).recurrence


async def _get_event(http: ProviderHTTP, *, event: str, params: Mapping[str, Any]) -> Any:
    path_values = {"calendar": "primary", "event": event}
    return await http.get(GET_EVENT.path, params=params, path_values=path_values)


def _window(start: datetime, *, end: datetime, zone: ZoneInfo) -> dict[str, str]:
    return {
        "timeMin": start.isoformat(timespec="seconds"),
        "timeMax": end.isoformat(timespec="seconds"),
        "timeZone": zone.key,
        "singleEvents": "true",
        "orderBy": "startTime",
    }


async def _read_pages(http: ProviderHTTP, *, query: Mapping[str, Any], limit: int) -> Events:
    items: tuple[Event, ...] = ()
    token = ""
    # Google may send pages that are shorter than asked for, even empty ones: requests are bounded, not only events.
    for _ in range(-(-limit // query["maxResults"])):
        params = {**query, **({"pageToken": token} if token else {})}
        body = await http.get(LIST_EVENTS.path, params=params, path_values={"calendar": "primary"})
        page = parse(_Page, provider="google-calendar", data=body)
        items, token = items + page.items, page.next_page_token
        if not token:
            break
    return Events(items=items[:limit], is_truncated=bool(token) or len(items) > limit)


def find_refusal(answer: Answer) -> ToolErrorCode | None:
    """Return `rate_limited` for the quotas that Google refuses with 403.

    Source: https://developers.google.com/workspace/calendar/api/guides/errors
    """
    if answer.status != HTTPStatus.FORBIDDEN:
        return None
    return "rate_limited" if _reasons(answer.json()) & _LIMIT_REASONS else None


def find_needed(answer: Answer) -> str:
    """Return what is missing where Google names the project's switch and not the user's consent, else "".

    That Calendar says so with `accessNotConfigured` is NOT VERIFIED against a recording.
    Source: https://cloud.google.com/apis/docs/getting-started#enabling_apis
    """
    is_refused = answer.status == HTTPStatus.FORBIDDEN
    return _API_IN_PROJECT if is_refused and _reasons(answer.json()) & _DISABLED_REASONS else ""


def _reasons(body: Any) -> set[str]:
    error = body.get("error") if isinstance(body, dict) else None
    entries = error.get("errors") if isinstance(error, dict) else None
    found = [entry.get("reason") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return {reason for reason in found if isinstance(reason, str)}
