"""Calendar's events: bounds, paging, zones, masks, and Google's refusals."""

from typing import Any

import pytest

from tests.sandbox.harness import CALENDAR_SCOPE, Visitor, bearer

DAY = {
    "timeMin": "2026-11-18T00:00:00Z",
    "timeMax": "2026-11-19T00:00:00Z",
    "singleEvents": "true",
    "orderBy": "startTime",
}


async def _token(visitor: Visitor, **overrides: str) -> str:
    token: str = (await visitor.connect("google-calendar", **overrides))["access_token"]
    return token


async def _list(visitor: Visitor, **values: str) -> dict[str, Any]:
    answer = await visitor.events(await _token(visitor), **values)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def test_a_day_comes_in_order_with_every_kind_of_event(visitor: Visitor) -> None:
    items = (await _list(visitor, **DAY))["items"]
    starts = [item["start"]["dateTime"] for item in items if "dateTime" in item["start"]]
    assert starts == sorted(starts)
    assert {item["eventType"] for item in items} == {"default", "workingLocation", "focusTime"}
    by_summary = {item["summary"]: item for item in items}
    mine = {
        name: next((guest["responseStatus"] for guest in item.get("attendees", []) if guest.get("self")), None)
        for name, item in by_summary.items()
    }
    assert mine["Vendor demo: tax engine"] == "declined"
    assert mine["Interview debrief"] == "needsAction"
    assert by_summary["Release week: Harbor 24"]["start"] == {"date": "2026-11-16"}
    review, debrief = by_summary["Design review: invoice retry states"], by_summary["Interview debrief"]
    assert review["start"]["dateTime"] < debrief["start"]["dateTime"] < review["end"]["dateTime"]


async def test_tomorrow_has_events_and_an_absence(visitor: Visitor) -> None:
    body = await _list(visitor, **{**DAY, "timeMin": "2026-11-19T00:00:00Z", "timeMax": "2026-11-20T00:00:00Z"})
    assert {"Team standup", "Quarter planning", "Out of office"} <= {item["summary"] for item in body["items"]}


async def test_time_min_bounds_the_end_and_time_max_the_start(visitor: Visitor) -> None:
    running = await _list(visitor, timeMin="2026-11-18T11:45:00Z", timeMax="2026-11-18T11:50:00Z", eventTypes="default")
    names = {item["summary"] for item in running["items"]}
    assert names == {"Design review: invoice retry states", "Interview debrief", "Release week: Harbor 24"}
    touching = await _list(visitor, timeMin="2026-11-18T12:00:00Z", timeMax="2026-11-18T12:30:00Z")
    assert {"Interview debrief", "Focus time"}.isdisjoint({item["summary"] for item in touching["items"]})


async def test_pages_add_up(visitor: Visitor) -> None:
    whole = [item["id"] for item in (await _list(visitor, **DAY))["items"]]
    paged: list[str] = []
    token = ""
    while True:
        body = await _list(visitor, **DAY, maxResults="3", **({"pageToken": token} if token else {}))
        assert len(body["items"]) <= 3
        paged += [item["id"] for item in body["items"]]
        token = body.get("nextPageToken", "")
        if not token:
            break
    assert paged == whole


async def test_the_zone_of_the_answer_is_the_one_asked_for(visitor: Visitor) -> None:
    body = await _list(visitor, **DAY, timeZone="America/New_York", q="go / no-go")
    assert body["timeZone"] == "America/New_York"
    assert body["items"][0]["start"] == {"dateTime": "2026-11-18T09:00:00-05:00", "timeZone": "America/New_York"}


async def test_without_single_events_a_series_comes_once(visitor: Visitor) -> None:
    standups = [item for item in (await _list(visitor))["items"] if item["summary"] == "Team standup"]
    assert len(standups) == 1
    assert standups[0]["recurrence"] == ["RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"]
    instances = [item for item in (await _list(visitor, singleEvents="true"))["items"] if "recurringEventId" in item]
    assert len(instances) > 5


async def test_more_guests_than_asked_for_leaves_only_me(visitor: Visitor) -> None:
    body = await _list(visitor, **DAY, maxAttendees="2", q="standup")
    assert body["items"][0]["attendeesOmitted"] is True
    assert [guest["self"] for guest in body["items"][0]["attendees"]] == [True]


async def test_a_mask_keeps_what_it_names(visitor: Visitor) -> None:
    mask = "items(id,start/dateTime,attendees(self,responseStatus)),nextPageToken"
    body = await _list(visitor, **DAY, q="standup", fields=mask)
    assert set(body) == {"items"}
    item = body["items"][0]
    assert set(item) == {"id", "start", "attendees"}
    assert set(item["start"]) == {"dateTime"}
    assert all(set(guest) <= {"self", "responseStatus"} for guest in item["attendees"])


@pytest.mark.parametrize(
    "values",
    [
        {"timeMin": "2026-11-18"},
        {"timeMin": "2026-11-18T00:00:00"},
        {"timeMax": "soon"},
        {"maxResults": "0"},
        {"maxResults": "many"},
        {"maxAttendees": "-1"},
        {"singleEvents": "perhaps"},
        {"orderBy": "startTime"},
        {"orderBy": "size", "singleEvents": "true"},
        {"timeZone": "Mars/Olympus"},
        {"timeZone": "../../etc/passwd"},
        {"eventTypes": "party"},
        {"pageToken": "nonsense"},
        {"pageToken": "page-1"},
        {"colour": "red"},
        {"fields": "items(id"},
        {"fields": "items(id))"},
        {"fields": "items(,)"},
        {"fields": "items;drop"},
    ],
)
async def test_a_malformed_parameter_is_400_and_named(visitor: Visitor, values: dict[str, str]) -> None:
    answer = await visitor.events(await _token(visitor), **values)
    assert answer.status_code == 400
    assert answer.json()["error"]["errors"][0]["location"] in values


async def test_an_empty_range_has_its_own_reason(visitor: Visitor) -> None:
    answer = await visitor.events(await _token(visitor), timeMin="2026-11-18T10:00:00Z", timeMax="2026-11-18T10:00:00Z")
    assert answer.status_code == 400
    assert answer.json()["error"]["errors"][0]["reason"] == "timeRangeEmpty"


async def test_a_sync_token_is_gone(visitor: Visitor) -> None:
    answer = await visitor.events(await _token(visitor), syncToken="old")
    assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (410, "fullSyncRequired")


async def test_a_missing_scope_is_403_as_google_writes_it(visitor: Visitor) -> None:
    answer = await visitor.events(await _token(visitor, scope="openid email"))
    assert answer.status_code == 403
    error = answer.json()["error"]
    assert error["errors"][0]["reason"] == "insufficientPermissions"
    assert error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


async def test_a_stranger_is_401(visitor: Visitor) -> None:
    assert (await visitor.events("ya29.unknown")).status_code == 401


async def test_one_event_can_be_read_and_others_are_404(visitor: Visitor) -> None:
    headers = bearer(await _token(visitor, scope=CALENDAR_SCOPE))
    path = "/google/calendar/v3/calendars/primary/events"
    found = await visitor.http.get(f"{path}/gonogo", headers=headers)
    assert found.json()["summary"] == "Invoice backfill: go / no-go"
    assert "http://127.0.0.1:8001/github/web/tidewater/ledger/pull/88" in found.json()["description"]
    for missing in (
        f"{path}/nothing",
        "/google/calendar/v3/calendars/other@x.example/events",
        "/google/calendar/v3/colors",
    ):
        answer = await visitor.http.get(missing, headers=headers)
        assert (answer.status_code, answer.json()["error"]["errors"][0]["reason"]) == (404, "notFound")


async def test_a_series_and_its_instance_are_two_events(visitor: Visitor) -> None:
    headers = bearer(await _token(visitor))
    path = "/google/calendar/v3/calendars/primary/events"
    series = (await visitor.http.get(f"{path}/standup", headers=headers)).json()
    instance = (await visitor.http.get(f"{path}/standup_20261118?maxAttendees=1", headers=headers)).json()
    assert (series["id"], series["recurrence"]) == ("standup", ["RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"])
    assert (instance["recurringEventId"], "recurrence" in instance) == ("standup", False)
    assert instance["originalStartTime"] == instance["start"]
    assert [guest["self"] for guest in instance["attendees"]] == [True]


@pytest.mark.parametrize("query", ["maxAttendees=0", "timeZone=Mars/Olympus", "timeMin=2026-11-18T00:00:00Z"])
async def test_a_malformed_parameter_of_one_event_is_400(visitor: Visitor, query: str) -> None:
    path = f"/google/calendar/v3/calendars/primary/events/standup?{query}"
    answer = await visitor.http.get(path, headers=bearer(await _token(visitor)))
    assert answer.status_code == 400
    assert answer.json()["error"]["errors"][0]["location"] == query.partition("=")[0]
