"""What Google answered becomes what takes the user's time."""

from typing import Any

import pytest

from agent.errors import ToolFailedError
from agent.tool import ReadContext, ToolResult
from agent.tools import TOOLS
from tests.agent.api.fixtures import Open
from tests.agent.api.upstream import Told, Upstream, told

PATH = "/api/calendars/primary/events"


def _event(name: str, start: str, end: str, **fields: Any) -> dict[str, Any]:
    def when(text: str) -> dict[str, str]:
        return {"dateTime": f"2026-11-23T{text}:00+01:00"} if ":" in text else {"date": text}

    given = {"id": name, "summary": name, "status": "confirmed", "htmlLink": f"https://www.google.com/event?eid={name}"}
    return {**given, "start": when(start), "end": when(end), **fields}


def _me(response: str) -> list[dict[str, Any]]:
    return [{"self": True, "responseStatus": response}, {"responseStatus": "accepted"}]


@pytest.fixture
def agenda(upstream: Upstream, open_http: Open, read_context: ReadContext) -> Any:
    """Read an agenda of these events."""

    async def read(*events: dict[str, Any], pages: tuple[Told, ...] = (), **answer: Any) -> ToolResult:
        upstream.tell(PATH, *(pages or [told({"items": list(events), **answer})]))
        tool = TOOLS["calendar_agenda"]
        with open_http("google-calendar", endpoints=tool.endpoints) as http:
            return await tool.run(tool.arguments(), http, read_context)

    return read


async def test_a_meeting_says_when_with_whom_and_how_long(agenda: Any) -> None:
    meeting = _event(
        "Planning",
        "09:30",
        "10:15",
        attendees=_me("tentative"),
        organizer={"displayName": "Bob"},
        location="Room 1",
    )
    (item,) = (await agenda(meeting)).items
    assert item.title == "Planning, Mon 09:30"
    assert item.url == "https://www.google.com/event?eid=Planning"
    assert dict(item.fields) == {
        "event_id": "Planning",
        "start": "2026-11-23T09:30+01:00",
        "end": "2026-11-23T10:15+01:00",
        "kind": "meeting",
        "my_response": "tentative",
        "attendees": 2,
        "organizer": "Bob",
        "minutes": 45,
        "location": "Room 1",
    }


async def test_declined_and_cancelled_events_are_left_out(agenda: Any) -> None:
    result = await agenda(
        _event("Declined", "09:00", "10:00", attendees=_me("declined")),
        _event("Cancelled", "09:00", "10:00", status="cancelled"),
        _event("Kept", "09:00", "10:00", attendees=_me("needsAction")),
    )
    assert [(item.title, item.fields.get("conflicts_with")) for item in result.items] == [("Kept, Mon 09:00", None)]


async def test_overlaps_are_flagged_both_ways_and_touching_is_none(agenda: Any) -> None:
    result = await agenda(_event("A", "09:00", "10:00"), _event("B", "09:30", "11:00"), _event("C", "11:00", "12:00"))
    assert [item.fields.get("conflicts_with") for item in result.items] == [["B"], ["A"], None]


async def test_free_and_whole_day_events_conflict_with_nothing(agenda: Any) -> None:
    result = await agenda(
        _event("Holiday", "2026-11-23", "2026-11-24"),
        _event("Lunch", "12:00", "13:00", transparency="transparent"),
        _event("Review", "12:30", "13:00"),
    )
    holiday, lunch, review = result.items
    assert (holiday.title, holiday.fields["all_day"], holiday.fields["start"]) == (
        "Holiday, Mon 23 Nov",
        True,
        "2026-11-23",
    )
    assert lunch.fields["is_free"]
    assert not any("conflicts_with" in item.fields for item in result.items)
    assert "is_free" not in review.fields


async def test_the_kind_the_owner_and_privacy_are_marked(agenda: Any) -> None:
    result = await agenda(
        _event("Focus", "09:00", "10:00", eventType="focusTime", organizer={"self": True}),
        _event("Away", "10:00", "11:00", eventType="outOfOffice", visibility="private"),
        _event("", "11:00", "12:00", summary="", attendees=_me("accepted"), attendeesOmitted=True, organizer={}),
    )
    focus, away, untitled = result.items
    assert (focus.fields["kind"], focus.fields["organizer"]) == ("focus_time", "me")
    assert (away.fields["kind"], away.fields["is_private"]) == ("out_of_office", True)
    assert untitled.title == "Untitled event, Mon 11:00"
    assert (untitled.fields["organizer"], untitled.fields["more_attendees"]) == ("somebody else", True)


async def test_times_are_told_in_the_users_zone(agenda: Any) -> None:
    event = _event("Call", "09:00", "10:00") | {
        "start": {"dateTime": "2026-11-23T09:00:00-08:00"},
        "end": {"dateTime": "2026-11-23T17:30:00Z"},
    }
    (item,) = (await agenda(event)).items
    assert (item.fields["start"], item.fields["minutes"]) == ("2026-11-23T18:00+01:00", 30)


async def test_all_pages_are_read(agenda: Any, upstream: Upstream) -> None:
    first = told({"items": [_event("A", "09:00", "10:00")], "nextPageToken": "two"})
    second = told({"items": [_event("B", "10:00", "11:00")]})
    result = await agenda(pages=(first, second))
    assert [item.fields["event_id"] for item in result.items] == ["A", "B"]
    assert not result.is_truncated
    assert [request.query.get("pageToken") for request in upstream.received] == [None, ["two"]]


async def test_pages_end_when_they_do_not_and_more_events_are_said(agenda: Any, upstream: Upstream) -> None:
    assert (await agenda(nextPageToken="more")).is_truncated
    assert len(upstream.received) == 4
    assert not (await agenda()).is_truncated


async def test_more_events_than_the_limit_are_said(agenda: Any) -> None:
    result = await agenda(*(_event(f"E{n}", "09:00", "10:00") for n in range(201)))
    assert (len(result.items), result.is_truncated) == (200, True)


async def test_the_day_asked_for_is_the_users(agenda: Any, upstream: Upstream) -> None:
    await agenda()
    query = upstream.received[0].query
    assert query["timeMin"] == ["2026-11-23T00:00:00+01:00"]
    assert query["timeMax"] == ["2026-11-24T00:00:00+01:00"]
    assert query["timeZone"] == ["Europe/Berlin"]


@pytest.mark.parametrize(
    "broken",
    [
        {"htmlLink": "javascript:alert(1)"},
        {"start": {}},
        {"start": {"dateTime": "2026-11-23T09:00:00"}},
        {"start": {"date": "2026-11-23", "dateTime": "2026-11-23T09:00:00Z"}},
    ],
)
async def test_an_event_of_another_shape_makes_the_answer_unusable(agenda: Any, broken: dict[str, Any]) -> None:
    with pytest.raises(ToolFailedError) as caught:
        await agenda(_event("A", "09:00", "10:00") | broken)
    assert caught.value.code == "upstream_unavailable"


@pytest.mark.parametrize(("reason", "is_named"), [("accessNotConfigured", True), ("insufficientPermissions", False)])
async def test_an_api_that_the_project_did_not_enable_is_named(
    upstream: Upstream, open_http: Open, read_context: ReadContext, reason: str, is_named: bool
) -> None:
    """To connect anew would not help there."""
    upstream.tell(PATH, told({"error": {"code": 403, "errors": [{"reason": reason}]}}, status=403))
    tool = TOOLS["calendar_agenda"]
    with pytest.raises(ToolFailedError) as caught, open_http("google-calendar", endpoints=tool.endpoints) as http:
        await tool.run(tool.arguments(), http, read_context)
    assert caught.value.code == "missing_scope"
    assert ("Google Cloud project" in caught.value.message) is is_named
    assert ("Reconnect" in caught.value.message) is not is_named
