"""What one thing tells of another: an event that is left out shows its title nowhere, and keeps its time."""

from dataclasses import replace
from typing import Any

from agent.tool import ReadContext, ToolResult
from agent.tools import TOOLS
from permissions.exclusions import Exclusions
from tests.agent.api.fixtures import Open
from tests.agent.api.upstream import Upstream, told

PRIVATE = Exclusions(hides_private_events=True)


def event(name: str, start: str, end: str, **fields: Any) -> dict[str, Any]:
    """Return an event of Monday, as Google has it."""
    return {
        "id": name,
        "summary": name,
        "status": "confirmed",
        "htmlLink": f"https://www.google.com/calendar/event?eid={name}",
        "start": {"dateTime": f"2026-11-24T{start}:00+01:00"},
        "end": {"dateTime": f"2026-11-24T{end}:00+01:00"},
        **fields,
    }


DAY = (
    event("Doctor", "10:00", "11:00", visibility="private"),
    event("Review", "10:30", "12:00"),
)


async def read(name: str, *, upstream: Upstream, open_http: Open, context: ReadContext) -> ToolResult:
    """Return what a calendar tool reads of the day, before the dispatcher sees it."""
    upstream.tell("/api/calendars/primary/events", told({"items": list(DAY)}))
    tool = TOOLS[name]
    arguments = tool.arguments.model_validate({"start": "2026-11-24"})
    with open_http("google-calendar", endpoints=tool.endpoints) as http:
        return await tool.run(arguments, http, replace(context, exclusions=PRIVATE))


async def test_an_event_that_is_left_out_is_no_conflict_of_another(
    upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    result = await read("calendar_agenda", upstream=upstream, open_http=open_http, context=read_context)
    shown = [
        item for item in result.items if not PRIVATE.hides(title=item.title, places=item.places, fields=item.fields)
    ]
    assert [item.title for item in shown] == ["Review, Tue 10:30"]
    assert "Doctor" not in repr(shown)


async def test_an_event_that_is_left_out_takes_its_time_and_is_neither_named_nor_cited(
    upstream: Upstream, open_http: Open, read_context: ReadContext
) -> None:
    result = await read("calendar_free_slots", upstream=upstream, open_http=open_http, context=read_context)
    assert [item.title for item in result.items] == ["Free Tue 09:00-10:00", "Free Tue 12:00-17:00"]
    assert "Doctor" not in repr(result)
