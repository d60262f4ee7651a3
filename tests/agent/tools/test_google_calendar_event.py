"""One event of the user's own calendar becomes what a person needs to prepare for it."""

from typing import Any

import pytest

from agent.errors import ToolFailedError
from agent.tool import Item, ReadContext, ToolResult
from agent.tools import TOOLS
from tests.agent.api.fixtures import Calls, Open
from tests.agent.api.upstream import Upstream, told

PATH = "/api/calendars/primary/events/"
EVENT: dict[str, Any] = {
    "id": "abc_20261123T083000Z",
    "summary": "Planning",
    "status": "confirmed",
    "htmlLink": "https://www.google.com/calendar/event?eid=x",
    "start": {"dateTime": "2026-11-23T09:30:00+01:00"},
    "end": {"dateTime": "2026-11-23T10:15:00+01:00"},
}


class Calendar:
    """Reads one event of a calendar on loopback."""

    def __init__(self, upstream: Upstream, open_http: Open, context: ReadContext) -> None:
        self.upstream, self.open_http, self.context = upstream, open_http, context

    async def read(self, event_id: str = EVENT["id"], **fields: Any) -> ToolResult:
        """Read an event with these fields."""
        self.upstream.tell(PATH + event_id, told(EVENT | fields))
        return await self.run(event_id)

    async def item(self, **fields: Any) -> Item:
        """Return the item of an event with these fields."""
        (item,) = (await self.read(**fields)).items
        return item

    async def run(self, event_id: str) -> ToolResult:
        """Run the tool."""
        tool = TOOLS["calendar_event"]
        with self.open_http("google-calendar", endpoints=tool.endpoints) as http:
            return await tool.run(tool.arguments(event_id=event_id), http, self.context)


@pytest.fixture
def calendar(upstream: Upstream, open_http: Open, read_context: ReadContext) -> Calendar:
    """A calendar on loopback."""
    return Calendar(upstream, open_http, read_context)


async def test_an_event_tells_its_guests_and_what_it_is_about(calendar: Calendar, calls: Calls) -> None:
    item = await calendar.item(
        description="Bring the <b>numbers</b>.<br>See <a href='https://x.example'>the plan</a> &amp; think.",
        attendees=[
            {"self": True, "displayName": "Alice", "responseStatus": "tentative"},
            {"displayName": "Bob", "responseStatus": "accepted", "optional": True},
            {"responseStatus": "declined"},
            {"displayName": "Room 1", "resource": True, "responseStatus": "accepted"},
        ],
    )
    assert item.title == "Planning, Mon 09:30"
    assert item.fields["description"] == "Bring the numbers.\nSee the plan & think."
    assert item.fields["attendees"] == [
        {"name": "me", "response": "tentative"},
        {"name": "Bob", "response": "accepted", "optional": True},
    ]
    assert (item.fields["attendee_count"], item.fields["unnamed_attendees"]) == (3, 1)
    assert item.fields["my_response"] == "tentative"
    assert [call.path for call in calls.seen] == [
        f"{calendar.upstream.url.removeprefix('http://')}/api/calendars/{{calendar}}/events/{{event}}"
    ]


async def test_no_address_of_anybody_is_asked_for(calendar: Calendar) -> None:
    await calendar.read()
    assert "email" not in calendar.upstream.received[0].query["fields"][0]


async def test_a_guest_list_is_cut_and_counted(calendar: Calendar) -> None:
    item = await calendar.item(attendees=[{"displayName": f"G{n}", "responseStatus": "accepted"} for n in range(30)])
    assert (len(item.fields["attendees"]), item.fields["attendee_count"]) == (20, 30)


async def test_an_instance_tells_how_its_series_repeats(calendar: Calendar) -> None:
    calendar.upstream.tell(f"{PATH}abc", told({"recurrence": ["RRULE:FREQ=WEEKLY;BYDAY=MO"]}))
    item = await calendar.item(
        recurringEventId="abc", originalStartTime={"dateTime": "2026-11-23T08:00:00Z", "timeZone": "UTC"}
    )
    assert item.fields["repeats"] == ["RRULE:FREQ=WEEKLY;BYDAY=MO"]
    assert item.fields["moved_from"] == "2026-11-23T09:00+01:00"


async def test_a_call_is_told(calendar: Calendar) -> None:
    assert (await calendar.item(hangoutLink="https://meet.google.com/x")).fields["has_call"]


async def test_an_instance_that_was_not_moved_says_nothing_of_it(calendar: Calendar) -> None:
    calendar.upstream.tell(f"{PATH}abc", told({"recurrence": ["RRULE:FREQ=DAILY"]}))
    item = await calendar.item(recurringEventId="abc", originalStartTime={"dateTime": "2026-11-23T08:30:00Z"})
    assert "moved_from" not in item.fields


async def test_an_instance_of_a_series_in_another_calendar_is_read_alone(calendar: Calendar) -> None:
    calendar.upstream.tell(f"{PATH}abc", told({"error": {"code": 404}}, status=404))
    item = await calendar.item(recurringEventId="abc")
    assert "repeats" not in item.fields


async def test_a_series_that_cannot_be_read_now_is_a_failure(calendar: Calendar) -> None:
    calendar.upstream.tell(f"{PATH}abc", told({"error": {"code": 503}}, status=503))
    with pytest.raises(ToolFailedError) as caught:
        await calendar.item(recurringEventId="abc")
    assert caught.value.code == "upstream_unavailable"


async def test_a_series_itself_needs_no_second_read(calendar: Calendar) -> None:
    item = await calendar.item(recurrence=["RRULE:FREQ=DAILY", "EXDATE:20261124T083000Z"])
    assert item.fields["repeats"] == ["RRULE:FREQ=DAILY", "EXDATE:20261124T083000Z"]
    assert len(calendar.upstream.received) == 1


async def test_a_cancelled_event_is_not_found(calendar: Calendar) -> None:
    with pytest.raises(ToolFailedError) as caught:
        await calendar.read(status="cancelled")
    assert caught.value.code == "not_found"


async def test_an_event_of_somebody_else_is_not_found(calendar: Calendar) -> None:
    """The id is the model's: only the user's own calendar is asked for it."""
    calendar.upstream.tell(f"{PATH}bobs", told({"error": {"code": 404}}, status=404))
    with pytest.raises(ToolFailedError) as caught:
        await calendar.run("bobs")
    assert caught.value.code == "not_found"
    assert [request.path for request in calendar.upstream.received] == [f"{PATH}bobs"]


@pytest.mark.parametrize(
    ("description", "text"),
    [
        ("a < b and c > d", "a < b and c > d"),
        ("see <https://x.example>", "see <https://x.example>"),
        ("<p>one</p><ul><li>two</li></ul>", "one\ntwo"),
        ("&lt;b&gt;", "<b>"),
        ('<SPAN class="x">loud</SPAN>', "loud"),
        ("<" * 10_000, "<" * 8_000),
    ],
)
async def test_markup_goes_and_text_stays(calendar: Calendar, description: str, text: str) -> None:
    assert (await calendar.item(description=description)).fields["description"] == text
