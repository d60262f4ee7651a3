"""The tool that reads the user's calendar: what takes their time, and where two things want it at once."""

from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop
from pydantic import Field

from agent.api.google_calendar import LIST_EVENTS, Event, list_events
from agent.tool import Arguments, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.google_calendar_items import SCOPE, fields_of, heading_of, is_excluded, response_of, title_of
from agent.tools.moments import Moment, agenda_window

# Four pages: more than a month of a busy person, and more than one result holds; the answer says when there is more.
MAX_EVENTS = 200


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
    events = [event for event in answer.items if event.status != "cancelled" and response_of(event) != "declined"]
    # An event that is left out must not show its title beside another one.
    overlaps = conflicts_of([event for event in events if not is_excluded(event, context=context)])
    items = tuple(_item(event, conflicts=overlaps.get(event.id, []), zone=zone) for event in events)
    return ToolResult(items=items, is_truncated=answer.is_truncated, warnings=window.warnings)


def conflicts_of(events: Sequence[Event]) -> Mapping[str, list[str]]:
    """Return, by event id, the titles of the other events that want the same time; whole days want none."""
    busy = [
        (event, event.start.at, event.end.at)
        for event in events
        if event.start.at and event.end.at and event.transparency != "transparent"
    ]
    found: dict[str, list[str]] = {}
    for event, start, end in busy:
        others = [
            title_of(other) for other, begins, ends in busy if other is not event and start < ends and begins < end
        ]
        if others:
            found[event.id] = others
    return found


def _item(event: Event, *, conflicts: list[str], zone: ZoneInfo) -> Item:
    fields = fields_of(event, zone=zone) | ({"conflicts_with": conflicts} if conflicts else {})
    return Item(title=heading_of(event, zone=zone), url=event.html_link, fields=fields)


CALENDAR_AGENDA = Tool(
    name="calendar_agenda",
    provider="google-calendar",
    label=gettext_noop("Reading the calendar…"),
    reads=gettext_noop("your agenda in Google Calendar"),
    description=(
        "Events of the user's own calendar between two days, in order: time, length, guests, place, the user's "
        "response, and which events overlap; declined ones are left out, free ones are marked. Use it for meetings of "
        "today or any day, for standups, and to see how much time is left."
    ),
    arguments=AgendaArguments,
    scope=SCOPE,
    run=read_agenda,
    endpoints=(LIST_EVENTS,),
)
