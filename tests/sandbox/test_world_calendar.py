"""A person's calendar file as the calendar: what RFC 5545 can say of an event, and one sentence for what is wrong."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest

from devcontext.sandbox.app import create_app
from devcontext.sandbox.types import Event, Snapshot
from devcontext.sandbox.world import Sources, WorldError, own_world
from tests.sandbox.harness import BASE_URL

# A Wednesday; the clocks of Berlin went back on 25 October.
NOW = datetime(2026, 11, 18, 8, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
ME = "ann@corp.example"
# A zone of the file's own, an hour and a half east of Greenwich.
ZONE = """BEGIN:VTIMEZONE
TZID:Harbour Time
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0130
TZOFFSETTO:+0130
END:STANDARD
END:VTIMEZONE"""


def _event(*lines: str, uid: str = "one@corp.example") -> str:
    return "\n".join(("BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20261101T000000Z", *lines, "END:VEVENT"))


def _file(folder: Path, *parts: str, head: str = "PRODID:-//test") -> Path:
    path = folder / "me.ics"
    text = "\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", head, *parts, "END:VCALENDAR", ""))
    path.write_bytes(text.replace("\n", "\r\n").encode())
    return path


def _snapshot(path: Path, me: str = ME) -> Snapshot:
    return own_world(Sources(ics=path, me=me), clock=lambda: NOW, zone=BERLIN).now()


def _events(folder: Path, *parts: str, head: str = "PRODID:-//test") -> list[Event]:
    return sorted(_snapshot(_file(folder, *parts, head=head)).events, key=lambda one: str(one.start))


def _one(folder: Path, *lines: str) -> Event:
    (found,) = _events(folder, _event(*lines))
    return found


@pytest.mark.parametrize(
    ("start", "instant"),
    [
        ("DTSTART;TZID=Europe/London:20261118T100000", "2026-11-18T10:00+00:00"),
        ("DTSTART;TZID=W. Europe Standard Time:20261118T100000", "2026-11-18T09:00+00:00"),
        ("DTSTART;TZID=Harbour Time:20261118T100000", "2026-11-18T08:30+00:00"),
        ("DTSTART:20261118T100000Z", "2026-11-18T10:00+00:00"),
        ("DTSTART:20261118T100000", "2026-11-18T09:00+00:00"),
    ],
)
def test_a_start_is_of_its_zone_and_a_floating_one_of_the_calendars(tmp_path: Path, start: str, instant: str) -> None:
    (found,) = _events(tmp_path, ZONE, _event(start, "DURATION:PT45M"))
    assert isinstance(found.start, datetime)
    assert isinstance(found.end, datetime)
    assert found.start == datetime.fromisoformat(instant)
    assert found.end - found.start == timedelta(minutes=45)


def test_a_floating_time_is_of_the_zone_that_the_file_names(tmp_path: Path) -> None:
    head = "X-WR-TIMEZONE:America/New_York"
    (found,) = _events(tmp_path, _event("DTSTART:20261118T100000"), head=head)
    assert found.start == datetime(2026, 11, 18, 15, tzinfo=UTC)


def test_a_whole_day_is_a_date_with_an_exclusive_end(tmp_path: Path) -> None:
    found = _one(tmp_path, "DTSTART;VALUE=DATE:20261119", "TRANSP:TRANSPARENT", "SUMMARY:Away")
    assert (found.start, found.end) == (date(2026, 11, 19), date(2026, 11, 20))
    assert (found.summary, found.is_transparent) == ("Away", True)


def test_a_series_keeps_its_clock_across_a_change_and_loses_what_was_taken_out(tmp_path: Path) -> None:
    series = _event(
        "DTSTART;TZID=Europe/Berlin:20261021T093000",
        "DTEND;TZID=Europe/Berlin:20261021T094500",
        "RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=6",
        "EXDATE;TZID=Europe/Berlin:20261104T093000",
        "SUMMARY:Weekly",
    )
    moved = _event(
        "RECURRENCE-ID;TZID=Europe/Berlin:20261118T093000", "DTSTART;TZID=Europe/Berlin:20261119T110000", "SUMMARY:Late"
    )
    gone = _event(
        "RECURRENCE-ID;TZID=Europe/Berlin:20261111T093000",
        "DTSTART;TZID=Europe/Berlin:20261111T093000",
        "STATUS:CANCELLED",
    )
    found = _events(tmp_path, series, moved, gone)
    assert [f"{one.start:%m-%d %H:%M} {one.summary}" for one in found] == [
        "10-21 09:30 Weekly",
        "10-28 09:30 Weekly",
        "11-19 11:00 Late",
        "11-25 09:30 Weekly",
    ]
    assert len({one.id for one in found}) == 4
    assert {one.series for one in found} == {found[0].series} != {""}
    assert found[0].rule == "RRULE:FREQ=WEEKLY;COUNT=6;BYDAY=WE"


def test_only_three_months_are_read(tmp_path: Path) -> None:
    daily = _event("DTSTART:20200101T080000Z", "RRULE:FREQ=DAILY")
    days = [one.start for one in _events(tmp_path, daily)]
    assert (days[0], days[-1]) == (datetime(2026, 10, 19, 8, tzinfo=UTC), datetime(2027, 1, 16, 8, tzinfo=UTC))


def test_what_is_long_past_is_not_even_parsed(tmp_path: Path) -> None:
    """A calendar of ten years is parsed in seconds, and what is broken in it long ago keeps nobody from today."""
    past = _event("DTSTART:20200101T100000Z", "DTEND:20200101T110000Z", "GEO:broken", "RRULES:x", uid="past")
    long = _event("DTSTART;VALUE=DATE:20200101", "DTEND;VALUE=DATE:20270101", "SUMMARY:Years", uid="long")
    folded = _event("DTSTART;TZID=Europe/Berlin:2026", " 1118T100000", "SUMMARY:Folded", uid="folded")
    last = _event("DTSTART:20200101T100000Z", "DURATION:P2600D", "SUMMARY:Lasting", uid="lasting")
    found = {one.summary for one in _events(tmp_path, past, long, folded, last)}
    assert found == {"Years", "Folded", "Lasting"}


def test_a_cancelled_event_is_no_event(tmp_path: Path) -> None:
    assert _events(tmp_path, _event("DTSTART:20261118T100000Z", "STATUS:CANCELLED")) == []


@pytest.mark.parametrize(
    ("told", "response"),
    [
        ("DECLINED", "declined"),
        ("ACCEPTED", "accepted"),
        ("TENTATIVE", "tentative"),
        ("NEEDS-ACTION", "needsAction"),
        ("DELEGATED", "declined"),
        ("X-WHATEVER", "needsAction"),
    ],
)
def test_my_answer_is_my_attendees(tmp_path: Path, told: str, response: str) -> None:
    snapshot = _snapshot(
        _file(
            tmp_path,
            _event(
                "DTSTART:20261118T100000Z",
                "ORGANIZER;CN=Bo Li:MAILTO:bo@corp.example",
                f"ATTENDEE;CN=Ann Ng;PARTSTAT={told}:mailto:Ann@Corp.example",
                "ATTENDEE;CUTYPE=ROOM;CN=Pier 3;PARTSTAT=ACCEPTED:mailto:pier3@corp.example",
                "ATTENDEE;PARTSTAT=ACCEPTED:mailto:cy@corp.example",
            ),
        )
    )
    (found,) = snapshot.events
    guests = {guest.person.name: guest.response for guest in found.attendees}
    assert guests == {"Ann Ng": response, "cy": "accepted"}
    assert found.organizer.name == "Bo Li"
    assert snapshot.me in [guest.person for guest in found.attendees]
    assert (snapshot.me.name, snapshot.me.email) == ("Ann Ng", ME)


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ("CONFERENCE;VALUE=URI:https://meet.jit.si/pier", "https://meet.jit.si/pier"),
        ("X-GOOGLE-CONFERENCE:https://meet.google.com/abc-defg-hij", "https://meet.google.com/abc-defg-hij"),
        ("LOCATION:https://corp.zoom.us/j/123?pwd=x", "https://corp.zoom.us/j/123?pwd=x"),
        ("DESCRIPTION:Join: https://teams.microsoft.com/l/meetup-join/19 now", "https://teams.microsoft.com/l/meetup-join/19"),
        ("DESCRIPTION:See https://corp.example/wiki", ""),
        ("CONFERENCE;VALUE=URI:tel:+1-555", ""),
    ],
)  # fmt: skip
def test_a_call_is_found_where_calendars_write_it(tmp_path: Path, line: str, url: str) -> None:
    found = _one(tmp_path, "DTSTART:20261118T100000Z", line)
    assert (found.call_url, found.has_call) == (url, bool(url))


async def test_pages_and_health_say_whose_the_calendar_is(tmp_path: Path) -> None:
    path = _file(tmp_path, _event("DTSTART:20261118T100000Z", "SUMMARY:<b>Plan</b>", "LOCATION:https://zoom.us/j/1"))
    world = own_world(Sources(ics=path, me=ME), clock=lambda: NOW, zone=BERLIN)
    app = create_app(data=None, world=world, base_url=BASE_URL)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE_URL) as http:
        health = (await http.get("/health")).json()
        assert health["world"] == "GitHub: invented; Calendar: your file me.ics; Slack: invented"
        assert (health["is_own"], health["me"]) == (True, "ann")
        page = (await http.get(f"/google/web/event/{world.now().events[0].id}")).text
        assert "Your file me.ics, shown by the sandbox" in page
        assert "&lt;b&gt;Plan&lt;/b&gt;" in page
        assert "<dd>https://zoom.us/j/1</dd>" in page
        assert 'href="https://zoom.us' not in page
        assert "Sandbox: invented data" in (await http.get("/github/web/tidewater/ledger")).text


WHEN = "DTSTART:20261118T100000Z"


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ((_event("SUMMARY:Plan"),), "the event “Plan” has no DTSTART."),
        ((_event("DTSTART:soon", "SUMMARY:Plan"),), "the event “Plan” has a DTSTART that cannot be read."),
        ((_event(WHEN, "RRULE:FREQ=SOMETIMES"),), "the event “without a title” has a RRULE that cannot be read."),
        ((_event(WHEN, "RRULE:COUNT=3"),), "repeats without a FREQ, which is not read."),
        ((_event(WHEN, "RRULE:FREQ=SECONDLY"),), "repeats SECONDLY, which is not read."),
        ((_event("DTSTART;TZID=Mars/Olympus:20261118T100000"),), "is in the time zone Mars/Olympus"),
        ((_event(WHEN, "gibberish"),), "line 8 is no property."),
        (("BEGIN:VEVENT", "UID:x"), "its components do not close"),
        (("END:VCALENDAR", "BEGIN:VCALENDAR"), "holds 2 calendars"),
        (("X-WR-TIMEZONE:Mars/Olympus",), "is in the time zone Mars/Olympus, which is not known here."),
        (
            tuple(_event("DTSTART:20200101T080000Z", "RRULE:FREQ=DAILY", uid=f"{number}") for number in range(51)),
            "has more than 4500 events in these three months.",
        ),
    ],
)
def test_what_is_broken_or_without_measure_is_named_in_one_sentence(
    tmp_path: Path, parts: tuple[str, ...], sentence: str
) -> None:
    path = _file(tmp_path, *parts)
    with pytest.raises(WorldError) as refused:
        _snapshot(path)
    assert sentence in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "holds no calendars"),
        (b"\x00\xff", "holds no calendars"),
        (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n", "ends before its END:VCALENDAR."),
        (b"x" * (10 * 1024 * 1024 + 1), "is larger than 10 MiB"),
    ],
)
def test_what_is_no_calendar_file_is_refused(tmp_path: Path, data: bytes, sentence: str) -> None:
    path = tmp_path / "me.ics"
    path.write_bytes(data)
    with pytest.raises(WorldError, match=sentence):
        _snapshot(path)


def test_rules_that_never_come_true_end_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is searched for until the year 9999; without a bound a few of them keep the sandbox from starting."""
    monkeypatch.setattr("devcontext.sandbox.world.calendar_file._MAX_SECONDS", 0)
    never = _event(WHEN, "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
    with pytest.raises(WorldError, match="take too long to work out"):
        _snapshot(_file(tmp_path, never))


def test_who_i_am_needs_an_address(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="--me needs an e-mail address"):
        _snapshot(_file(tmp_path, _event(WHEN)), me="Ann Ng")


def test_several_addresses_are_one_person(tmp_path: Path) -> None:
    path = _file(tmp_path, _event(WHEN, "ATTENDEE;PARTSTAT=DECLINED:mailto:ann@corp.example"))
    (found,) = _snapshot(path, me="ann@home.example, ann@corp.example").events
    assert [guest.response for guest in found.attendees] == ["declined"]
    assert found.attendees[0].person.email == "ann@home.example"
