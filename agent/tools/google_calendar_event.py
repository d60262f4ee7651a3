"""The tool that reads one event of the user's calendar closely: description, guests by name, and how it repeats."""

import html
import re
from typing import Annotated, Any

from django.utils.translation import gettext_noop
from pydantic import Field

from agent.api.google_calendar import GET_EVENT, Attendee, EventDetails, read_event, read_recurrence
from agent.errors import ToolFailedError
from agent.tool import Arguments, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.google_calendar_items import SCOPE, fields_of, heading_of, written

# A briefing keeps 500 characters of a description, so what lies far behind markup is not looked at.
MAX_CHARACTERS = 8_000
# What a result's lists hold; the count tells how many guests there are.
MAX_GUESTS = 20

# The tags that Calendar's editor writes; anything else in angle brackets is somebody's text.
_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|li|ul|ol|h[1-6])>", re.IGNORECASE)
_TAG = re.compile(
    r"</?(?:a|b|br|div|em|font|h[1-6]|html-blob|i|li|ol|p|s|span|strong|u|ul)(?:\s[^<>]*)?/?>", re.IGNORECASE
)


class EventArguments(Arguments):
    """The event to read."""

    # Google's own ids and those of single instances; an address or a path is neither.
    # Source: https://developers.google.com/workspace/calendar/api/v3/reference/events#id
    event_id: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9_-]{1,1024}$", description="The `event_id` of an event that a tool returned.")
    ]


async def read_details(arguments: EventArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return one event of the user's own calendar.

    SECURITY: the id comes from the model. The read itself binds it: it asks the user's primary calendar, with the
    user's token, so an id of somebody else's calendar is not found.

    Raises:
        ToolFailedError: `not_found`, when the calendar has no such event or it was cancelled.
    """
    event = await read_event(http, event=arguments.event_id, zone=context.time_zone)
    if event.status == "cancelled":
        raise ToolFailedError("not_found", "The user's calendar has no such event, or it was cancelled.")
    recurrence = event.recurrence
    if event.recurring_event_id and not recurrence:
        recurrence = await _read_recurrence(http, series=event.recurring_event_id)
    fields = fields_of(event, zone=context.time_zone) | _details(event, recurrence=recurrence, context=context)
    item = Item(title=heading_of(event, zone=context.time_zone), url=event.html_link, fields=fields)
    return ToolResult(items=(item,))


async def _read_recurrence(http: ProviderHTTP, *, series: str) -> tuple[str, ...]:
    try:
        return await read_recurrence(http, series=series)
    except ToolFailedError as error:
        # The user may be a guest of this one instance: the series is then not in their calendar.
        if error.code != "not_found":
            raise
        return ()


def _details(event: EventDetails, *, recurrence: tuple[str, ...], context: ReadContext) -> dict[str, Any]:
    people = [guest for guest in event.attendees if not guest.resource]
    named = [guest for guest in people if guest.is_self or guest.display_name]
    moved = event.original_start_time
    optional = {
        "description": plain(event.description),
        "attendees": [_guest(guest) for guest in named[:MAX_GUESTS]],
        "attendee_count": len(people),
        "unnamed_attendees": len(people) - len(named),
        "repeats": list(recurrence),
        "has_call": bool(event.hangout_link),
        "moved_from": written(moved, zone=context.time_zone) if moved and moved != event.start else "",
    }
    return {"attendees": []} | {name: value for name, value in optional.items() if value}


def _guest(guest: Attendee) -> dict[str, Any]:
    name = "me" if guest.is_self else guest.display_name
    optional = {"optional": True} if guest.optional else {}
    return {"name": name, "response": guest.response_status} | optional


def plain(description: str) -> str:
    """Return a description without the markup that Calendar's editor puts in."""
    text = _BREAK.sub("\n", description[:MAX_CHARACTERS])
    return html.unescape(_TAG.sub("", text)).strip()


CALENDAR_EVENT = Tool(
    name="calendar_event",
    provider="google-calendar",
    label=gettext_noop("Reading a calendar event…"),
    reads=gettext_noop("one of your events in Google Calendar"),
    description=(
        "One event of the user's own calendar: description, guests with their responses, how it repeats, whether it "
        "was moved. Use it to prepare for a meeting that calendar_agenda returned, by its `event_id`."
    ),
    arguments=EventArguments,
    scope=SCOPE,
    run=read_details,
    endpoints=(GET_EVENT,),
)
