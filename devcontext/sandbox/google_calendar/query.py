"""Reads the parameters of Calendar's `events.list` and `events.get` as strictly as Google does; refuses any other.

Source: the discovery document of Calendar v3, revision 20261030.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.datastructures import QueryParams

from devcontext.sandbox.google_calendar.errors import GoogleError

# 250 events unless told otherwise, never more than 2500 (discovery document, `maxResults`).
_DEFAULT_RESULTS = 250
_MAX_RESULTS = 2500
_KINDS = frozenset({"birthday", "default", "focusTime", "fromGmail", "outOfOffice", "workingLocation"})
_KNOWN = frozenset(
    {
        "alwaysIncludeEmail", "eventTypes", "fields", "maxAttendees", "maxResults", "orderBy", "pageToken",
        "prettyPrint", "q", "showDeleted", "showHiddenInvitations", "singleEvents", "syncToken", "timeMax", "timeMin",
        "timeZone", "updatedMin",
    }
)  # fmt: skip

_KNOWN_OF_ONE = frozenset({"alwaysIncludeEmail", "fields", "maxAttendees", "prettyPrint", "timeZone"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleQuery:
    """A checked query for one event."""

    zone: ZoneInfo
    max_attendees: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """A checked query; `kinds` empty means all kinds, `page_start` is how many events earlier pages had."""

    time_min: datetime | None
    time_max: datetime | None
    zone: ZoneInfo
    kinds: frozenset[str]
    text: str
    is_single: bool
    order_by: str
    max_results: int
    max_attendees: int
    page_start: int


def read_query(parameters: QueryParams, *, calendar_zone: ZoneInfo) -> EventQuery:
    """Return the checked query.

    Raises:
        GoogleError: A parameter is unknown or malformed (400), or a sync token is sent (410: none is ever given out).
    """
    _require_known(parameters, known=_KNOWN)
    if parameters.get("syncToken"):
        raise GoogleError(
            410, "fullSyncRequired", "Sync token is no longer valid, a full sync is required.",
            domain="calendar", location="syncToken",
        )  # fmt: skip
    time_min, time_max = _instant(parameters, "timeMin"), _instant(parameters, "timeMax")
    if time_min and time_max and time_max <= time_min:
        raise GoogleError(
            400, "timeRangeEmpty", "The specified time range is empty.", domain="calendar", location="timeMax"
        )
    is_single = _boolean(parameters, "singleEvents")
    return EventQuery(
        time_min=time_min,
        time_max=time_max,
        zone=_zone(parameters, calendar_zone=calendar_zone),
        kinds=_kinds(parameters),
        text=parameters.get("q", ""),
        is_single=is_single,
        order_by=_order(parameters, is_single=is_single),
        max_results=min(_number(parameters, "maxResults", default=_DEFAULT_RESULTS), _MAX_RESULTS),
        max_attendees=_number(parameters, "maxAttendees", default=_MAX_RESULTS),
        page_start=_page_start(parameters.get("pageToken", "")),
    )


def read_event_query(parameters: QueryParams, *, calendar_zone: ZoneInfo) -> SingleQuery:
    """Return the checked query for one event.

    Raises:
        GoogleError: A parameter is unknown or malformed (400).
    """
    _require_known(parameters, known=_KNOWN_OF_ONE)
    return SingleQuery(
        zone=_zone(parameters, calendar_zone=calendar_zone),
        max_attendees=_number(parameters, "maxAttendees", default=_MAX_RESULTS),
    )


def page_token(start: int) -> str:
    """Return the token of the page that begins after `start` events."""
    return f"page{start}"


def _require_known(parameters: QueryParams, *, known: frozenset[str]) -> None:
    for name in parameters:
        if name not in known:
            _refuse(name, f"Unknown name {name!r}: Cannot bind query parameter.")


def _zone(parameters: QueryParams, *, calendar_zone: ZoneInfo) -> ZoneInfo:
    """Return the zone of the answer: `timeZone`, or the calendar's own."""
    name = parameters.get("timeZone")
    if not name:
        return calendar_zone
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _refuse("timeZone", "Invalid time zone definition.")


def _page_start(token: str) -> int:
    number = token.removeprefix("page")
    if token and not (token.startswith("page") and number.isdecimal()):
        _refuse("pageToken", "Invalid page token value.")
    return int(number) if token else 0


def _instant(parameters: Mapping[str, str], name: str) -> datetime | None:
    """The offset is mandatory; a bare + arrives as a space and is refused like anything else."""
    value = parameters.get(name)
    if not value:
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        _refuse(name, "Bad Request")
    if "T" not in value or instant.tzinfo is None:
        _refuse(name, "Bad Request")
    return instant


def _boolean(parameters: Mapping[str, str], name: str) -> bool:
    value = parameters.get(name, "false").lower()
    if value not in ("true", "false"):
        _refuse(name, f"Invalid boolean value: {value!r}.")
    return value == "true"


def _number(parameters: Mapping[str, str], name: str, *, default: int) -> int:
    value = parameters.get(name)
    if value is None:
        return default
    if not value.isdecimal() or int(value) < 1:
        _refuse(name, f"Invalid integer value: {value!r}.")
    return int(value)


def _kinds(parameters: QueryParams) -> frozenset[str]:
    kinds = frozenset(parameters.getlist("eventTypes"))
    if not kinds <= _KINDS:
        _refuse("eventTypes", "Invalid value for eventTypes.")
    return kinds


def _order(parameters: Mapping[str, str], *, is_single: bool) -> str:
    order = parameters.get("orderBy", "")
    if order not in ("", "startTime", "updated"):
        _refuse("orderBy", "Invalid value for orderBy.")
    if order == "startTime" and not is_single:
        _refuse("orderBy", "The requested ordering is not available for the particular query.")
    return order


def _refuse(name: str, message: str) -> NoReturn:
    raise GoogleError(400, "badRequest", message, location=name)
