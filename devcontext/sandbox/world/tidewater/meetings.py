"""Tidewater's calendar as Maya sees it: yesterday's, today's and tomorrow's meetings, one overlap and one refusal."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from devcontext.sandbox.types import Attendee, Event, Person
from devcontext.sandbox.world.days import Days, is_working_day
from devcontext.sandbox.world.tidewater.team import AIKO, JONAS, MAYA, NOOR, PEOPLE, PRIYA, SAM, TOMAS

_WEEKDAYS = "RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"
_REACH = 7


def events(days: Days) -> tuple[Event, ...]:
    """Return the events from a week ago to a week ahead."""
    return (*_standups(days), *_yesterday(days), *_today(days), *_tomorrow(days), _release_week(days))


def _standups(days: Days) -> Iterator[Event]:
    for offset in range(-_REACH, _REACH + 1):
        day = days.today + timedelta(days=offset)
        if is_working_day(day) or offset in (0, 1):
            yield _meeting(
                f"standup_{day:%Y%m%d}",
                "Team standup",
                *_between(days, day, "09:30", "09:45"),
                organizer=TOMAS,
                attendees=_guests(*PEOPLE),
                description="Yesterday, today, blockers. Two minutes each.",
                series="standup",
                rule=_WEEKDAYS,
            )


def _yesterday(days: Days) -> Iterator[Event]:
    day = days.working_day(1)
    yield _meeting(
        "retro",
        "INC-31 review",
        *_between(days, day, "13:00", "13:30"),
        organizer=PRIYA,
        attendees=_guests(MAYA, TOMAS, PRIYA, SAM),
        description="What billed harbours twice, and what keeps it from coming back: {harbor-api#412}, {infra#57}.",
    )


def _today(days: Days) -> Iterator[Event]:
    day = days.today
    yield Event(
        id="home",
        summary="Home",
        start=day,
        end=day + timedelta(days=1),
        organizer=MAYA,
        kind="workingLocation",
        is_transparent=True,
    )
    yield _meeting(
        "oneonone",
        "Maya / Tomás",
        *_between(days, day, "10:00", "10:30"),
        organizer=TOMAS,
        attendees=_guests(MAYA, TOMAS),
    )
    yield _meeting(
        "designreview",
        "Design review: invoice retry states",
        *_between(days, day, "11:00", "12:00"),
        organizer=AIKO,
        attendees=_guests(AIKO, MAYA, JONAS, SAM),
        description="Wording and badge for {harbor-web#231}. Maya: which states can the API tell apart?",
    )
    yield _meeting(
        "debrief",
        "Interview debrief",
        *_between(days, day, "11:30", "12:00"),
        organizer=SAM,
        attendees=(*_guests(SAM, TOMAS), Attendee(MAYA, "needsAction")),
    )
    yield Event(
        id="focus",
        summary="Focus time",
        start=days.on(day, "12:30"),
        end=days.on(day, "14:00"),
        organizer=MAYA,
        kind="focusTime",
    )
    yield _meeting(
        "gonogo",
        "Invoice backfill: go / no-go",
        *_between(days, day, "14:00", "14:30"),
        organizer=TOMAS,
        attendees=_guests(TOMAS, MAYA, PRIYA, SAM),
        description="Decide whether {ledger#88} runs tonight. Needs a green integration check and the list of refunds "
        "from {ledger#84}.",
    )
    yield _meeting(
        "vendor",
        "Vendor demo: tax engine",
        *_between(days, day, "15:00", "16:00"),
        organizer=SAM,
        attendees=(*_guests(SAM, TOMAS), Attendee(MAYA, "declined")),
    )
    yield _meeting(
        "handover",
        "On-call handover",
        *_between(days, day, "16:00", "16:20"),
        organizer=PRIYA,
        attendees=(*_guests(PRIYA, NOOR), Attendee(MAYA, "tentative")),
        description="Maya takes the pager. New alert: {infra#57}.",
    )


def _tomorrow(days: Days) -> Iterator[Event]:
    day = days.today + timedelta(days=1)
    yield _meeting(
        "planning",
        "Quarter planning",
        *_between(days, day, "10:30", "12:00"),
        organizer=SAM,
        attendees=_guests(*PEOPLE),
    )
    yield Event(
        id="dentist",
        summary="Out of office",
        start=days.on(day, "15:00"),
        end=days.on(day, "17:00"),
        organizer=MAYA,
        kind="outOfOffice",
    )


def _release_week(days: Days) -> Event:
    monday = days.today - timedelta(days=days.today.weekday())
    return Event(
        id="releaseweek",
        summary="Release week: Harbor 24",
        start=monday,
        end=monday + timedelta(days=7),
        organizer=SAM,
        attendees=_guests(SAM, MAYA),
        is_transparent=True,
    )


def _between(days: Days, day: date, start: str, end: str) -> tuple[datetime, datetime]:
    return days.on(day, start), days.on(day, end)


def _guests(*people: Person) -> tuple[Attendee, ...]:
    return tuple(Attendee(person) for person in people)


def _meeting(
    event_id: str,
    summary: str,
    start: datetime,
    end: datetime,
    *,
    organizer: Person,
    attendees: tuple[Attendee, ...],
    description: str = "",
    series: str = "",
    rule: str = "",
) -> Event:
    return Event(
        id=event_id,
        summary=summary,
        start=start,
        end=end,
        organizer=organizer,
        attendees=attendees,
        description=description,
        has_call=True,
        series=series,
        rule=rule,
    )
