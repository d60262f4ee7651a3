"""What takes the user's time leaves gaps, in working hours, on every day of the year."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from agent.briefing.working_week import WorkingWeek
from agent.errors import ToolFailedError
from agent.tool import ReadContext, ToolResult
from agent.tools import TOOLS
from tests.agent.api.fixtures import Open
from tests.agent.api.upstream import Upstream, told

PATH = "/api/calendars/primary/events"
TUESDAY = {"start": "2026-11-24"}
Find = Callable[..., Awaitable[ToolResult]]


def _event(name: str, start: str, end: str, **fields: Any) -> dict[str, Any]:
    def when(text: str) -> dict[str, str]:
        if "T" in text:
            return {"dateTime": text}
        return {"dateTime": f"2026-11-24T{text}:00+01:00"} if ":" in text else {"date": text}

    link = f"https://www.google.com/calendar/event?eid={name}"
    return {"id": name, "summary": name, "htmlLink": link, "start": when(start), "end": when(end), **fields}


@pytest.fixture
def find(upstream: Upstream, open_http: Open, read_context: ReadContext) -> Find:
    """Find free time between these events."""

    async def run(*events: dict[str, Any], more: str = "", context: ReadContext = read_context, **asked: Any) -> Any:
        upstream.tell(PATH, told({"items": list(events)} | ({"nextPageToken": more} if more else {})))
        tool = TOOLS["calendar_free_slots"]
        with open_http("google-calendar", endpoints=tool.endpoints) as http:
            return await tool.run(tool.arguments(**(asked or TUESDAY)), http, context)

    return run


def _slots(result: ToolResult) -> list[str]:
    """Return `Tue 09:00-17:00` for each slot."""
    return [item.title.removeprefix("Free ") for item in result.items]


async def test_gaps_lie_between_meetings_and_inside_working_hours(find: Find) -> None:
    result = await find(_event("Early", "08:00", "09:30"), _event("A", "10:30", "11:00"), _event("B", "16:00", "18:00"))
    assert _slots(result) == ["Tue 09:30-10:30", "Tue 11:00-16:00"]
    first, second = result.items
    assert dict(first.fields) == {
        "start": "2026-11-24T09:30+01:00",
        "minutes": 60,
        "after": ["Early"],
        "before": ["A"],
    }
    assert first.url == "https://www.google.com/calendar/event?eid=A#free-20261124T0930+0100"
    assert second.url.startswith("https://www.google.com/calendar/event?eid=B#")
    assert not result.is_truncated


async def test_overlapping_and_nested_meetings_are_one(find: Find) -> None:
    long, inside, across = _event("L", "09:00", "12:00"), _event("I", "10:00", "10:30"), _event("X", "11:30", "13:00")
    assert _slots(await find(long, inside, across)) == ["Tue 13:00-17:00"]


async def test_short_gaps_are_left_out(find: Find) -> None:
    events = _event("A", "09:20", "10:00"), _event("B", "10:30", "17:00")
    assert _slots(await find(*events, **TUESDAY, min_minutes=30)) == ["Tue 10:00-10:30"]
    assert _slots(await find(*events, **TUESDAY, min_minutes=31)) == []
    assert _slots(await find(*events, **TUESDAY, min_minutes=20)) == ["Tue 09:00-09:20", "Tue 10:00-10:30"]


@pytest.mark.parametrize(
    "free",
    [
        {"transparency": "transparent"},
        {"status": "cancelled"},
        {"attendees": [{"self": True, "responseStatus": "declined"}]},
        {"eventType": "workingLocation"},
        {"eventType": "birthday"},
        {"start": {"date": "2026-11-24"}, "end": {"date": "2026-11-25"}, "transparency": "transparent"},
    ],
    ids=str,
)
async def test_what_takes_no_time_leaves_the_day_free(find: Find, free: dict[str, Any]) -> None:
    (item,) = (await find(_event("X", "10:00", "11:00") | free)).items
    assert (item.title, item.url) == ("Free Tue 09:00-17:00", "")


@pytest.mark.parametrize(
    "busy",
    [
        {"eventType": "outOfOffice"},
        {"eventType": "focusTime"},
        {"eventType": "fromGmail"},
        {"attendees": [{"self": True, "responseStatus": "needsAction"}]},
        {"attendees": [{"self": True, "responseStatus": "tentative"}]},
    ],
    ids=str,
)
async def test_what_takes_time_is_not_free(find: Find, busy: dict[str, Any]) -> None:
    assert _slots(await find(_event("X", "09:00", "16:00") | busy)) == ["Tue 16:00-17:00"]


async def test_a_whole_day_that_is_busy_has_no_gap_and_ends_at_the_users_midnight(find: Find) -> None:
    day = _event("Offsite", "2026-11-24", "2026-11-25")
    result = await find(day, start="2026-11-24", end="2026-11-25", work_hours="00:00-24:00")
    assert _slots(result) == ["Wed 00:00-00:00"]
    assert result.items[0].fields["minutes"] == 1440


async def test_an_event_without_length_takes_none(find: Find) -> None:
    assert _slots(await find(_event("Reminder", "10:00", "10:00"))) == ["Tue 09:00-17:00"]


async def test_weekends_are_free_only_for_those_who_work_then(find: Find) -> None:
    week = {"start": "2026-11-27", "end": "2026-11-30"}
    assert _slots(await find(**week)) == ["Fri 09:00-17:00", "Mon 09:00-17:00"]
    sundays = await find(**week, work_days=["sun"], work_hours="10:00-14:00")
    assert _slots(sundays) == ["Sun 10:00-14:00"]


async def test_the_users_own_working_days_count_unless_told(find: Find, read_context: ReadContext) -> None:
    """A week from Sunday to Thursday; and 7 December 2026, a Monday, is a holiday in Spain."""
    sunday_on = replace(read_context.week, weekdays=(6, 0, 1, 2, 3))
    weekend = {"start": "2026-11-27", "end": "2026-11-30"}
    own = await find(**weekend, context=replace(read_context, week=sunday_on))
    assert _slots(own) == ["Sun 09:00-17:00", "Mon 09:00-17:00"]
    spanish = replace(read_context, week=replace(read_context.week, country="ES", subdivision="MD"))
    bridge = {"start": "2026-12-07", "end": "2026-12-09"}
    assert _slots(await find(**bridge, context=spanish)) == ["Wed 09:00-17:00"]
    assert _slots(await find(**bridge, work_days=["mon"], context=spanish)) == ["Mon 09:00-17:00"]


async def test_nothing_before_now_is_free(find: Find, read_context: ReadContext) -> None:
    """It is 09:12:30 on Monday in Berlin."""
    late = replace(read_context, now=datetime(2026, 11, 23, 8, 12, 30, tzinfo=UTC))
    assert _slots(await find(start="2026-11-23", context=late)) == ["Mon 09:13-17:00"]
    assert _slots(await find(start="2026-11-23")) == ["Mon 09:12-17:00"]


async def test_a_window_that_is_over_is_refused(find: Find) -> None:
    with pytest.raises(ToolFailedError) as caught:
        await find(start="2026-11-20")
    assert caught.value.code == "bad_arguments"


@pytest.mark.parametrize(
    ("zone", "day", "hours", "minutes"),
    [
        ("Europe/Berlin", "2027-03-28", "00:00-24:00", 23 * 60),
        ("Europe/Berlin", "2026-10-25", "00:00-24:00", 25 * 60),
        ("America/New_York", "2027-03-14", "00:00-24:00", 23 * 60),
        ("Australia/Lord_Howe", "2027-04-04", "00:00-24:00", 24 * 60 + 30),
        # 02:30 does not exist that night; the clocks that should show it show 03:30.
        ("Europe/Berlin", "2027-03-28", "02:30-04:00", 30),
        ("Europe/Berlin", "2027-03-28", "09:00-17:00", 8 * 60),
    ],
)
async def test_a_day_when_clocks_change_has_its_own_length(
    find: Find, read_context: ReadContext, *, zone: str, day: str, hours: str, minutes: int
) -> None:
    context = replace(read_context, now=datetime(2026, 10, 1, tzinfo=UTC), week=WorkingWeek(time_zone=ZoneInfo(zone)))
    result = await find(start=day, work_hours=hours, work_days=["sun"], context=context)
    assert [item.fields["minutes"] for item in result.items] == [minutes]


async def test_a_meeting_across_the_hour_that_comes_twice_takes_both(find: Find, read_context: ReadContext) -> None:
    context = replace(read_context, now=datetime(2026, 10, 1, tzinfo=UTC))
    night = _event("Deploy", "2026-10-25T02:00:00+02:00", "2026-10-25T02:30:00+01:00")
    result = await find(night, start="2026-10-25", work_hours="02:00-04:00", work_days=["sun"], context=context)
    assert [(item.fields["start"], item.fields["minutes"]) for item in result.items] == [("2026-10-25T02:30+01:00", 90)]


async def test_working_hours_are_the_users_wherever_the_event_was_made(find: Find, read_context: ReadContext) -> None:
    tokyo = replace(read_context, week=WorkingWeek(time_zone=ZoneInfo("Asia/Tokyo")))
    meeting = _event("Call", "2026-11-23T18:00:00-08:00", "2026-11-23T19:00:00-08:00")
    result = await find(meeting, start="2026-11-24", context=tokyo)
    assert [item.fields["start"] for item in result.items] == ["2026-11-24T09:00+09:00", "2026-11-24T12:00+09:00"]


async def test_days_behind_the_last_event_that_was_read_are_not_called_free(find: Find, upstream: Upstream) -> None:
    result = await find(_event("A", "10:00", "11:00"), _event("B", "12:00", "13:00"), more="x", **TUESDAY)
    assert _slots(result) == ["Tue 09:00-10:00", "Tue 11:00-12:00"]
    assert result.is_truncated
    assert len(upstream.received) == 2


async def test_more_slots_than_anyone_chooses_from_are_said(find: Find) -> None:
    def clock(minute: int) -> str:
        return f"{minute // 60:02}:{minute % 60:02}"

    events = [_event(f"E{n}", clock(n * 10), clock(n * 10 + 5)) for n in range(140)]
    result = await find(*events, start="2026-11-24", min_minutes=5, work_hours="00:00-24:00")
    assert (len(result.items), result.is_truncated) == (50, True)
    assert len({item.url for item in result.items}) == 50


async def test_only_what_decides_is_asked_for(find: Find, upstream: Upstream) -> None:
    await find()
    query = upstream.received[0].query
    assert query["maxAttendees"] == ["1"]
    assert not any(name in query["fields"][0] for name in ("description", "location", "displayName", "email"))
