"""Reads a person's calendar file: one file of bounded size, the instances of a bounded window, as they are written.

Nothing is guessed: a date that cannot be read, a zone that nobody knows or a rule without end refuses the whole file.
"""

import re
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import recurring_ical_events
from icalendar import Calendar

from devcontext.sandbox.types import Event, Person
from devcontext.sandbox.world.calendar_events import Guests, event_of, text_of
from devcontext.sandbox.world.errors import WorldError

# Ten years of a full calendar. Parsing all of it takes half a minute on two busy cores, and a start waits for one; so
# events that are long past are left out before (`_near`), which makes it seconds.
_MAX_BYTES = 10 * 1024 * 1024
# A month of looking back and two of planning; the tools themselves ask for days.
_BACK, _AHEAD = timedelta(days=30), timedelta(days=60)
# Fifty events a day.
_MAX_INSTANCES = 4500
# A rule that never comes true is searched for until the year 9999; one such takes 13 s on a busy core.
_MAX_SECONDS = 20
# Zones differ by 26 hours at most.
_SLACK = timedelta(days=2)
_DATED = re.compile(rb"DT(?:START|END)[;:]", re.IGNORECASE)
_DATE = re.compile(rb"DT(?:START|END)[;:](?:.*[:=])?(\d{8})(?:T\d{6}Z?)?\s*", re.IGNORECASE)
_LASTING = re.compile(rb"(?:RRULE|RDATE|RECURRENCE-ID|DURATION)[;:]", re.IGNORECASE)
_TOO_FAST = frozenset({"SECONDLY", "MINUTELY", "HOURLY"})
# What decides when an event is; anything else that is broken in it is left out.
_TIMES = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID"})
_NOT_DATES = (ValueError, KeyError, TypeError, AttributeError, OverflowError)

# A component of `icalendar`: a mapping of property names to values whose types depend on the file.
Component = Any


@dataclass(frozen=True, slots=True)
class CalendarFile:
    """The instances of one file around the moment it was read; `rules` has each series' RRULE by its UID."""

    name: str
    instances: Sequence[Component]
    rules: dict[str, str]
    zone: ZoneInfo

    def name_of(self, addresses: frozenset[str]) -> str:
        """Return the name that the file gives to one of these addresses, or ""."""
        guests = Guests(addresses)
        return next((name for one in self.instances for name in guests.names_in(one)), "")

    def events(self, me: Person, *, addresses: frozenset[str]) -> tuple[Event, ...]:
        """Return the events, seen by `me`, who has these addresses; cancelled ones are left out."""
        guests, repeated = Guests(addresses, me), Counter(text_of(one, "UID") for one in self.instances)
        return tuple(
            event_of(
                one,
                guests=guests,
                zone=self.zone,
                rule=self.rules.get(text_of(one, "UID"), ""),
                is_alone=repeated[text_of(one, "UID")] == 1,
            )
            for one in self.instances
            if text_of(one, "STATUS").upper() != "CANCELLED"
        )


def read_calendar(path: Path, *, now: datetime, zone: ZoneInfo) -> CalendarFile:
    """Return what the iCalendar file at `path` (RFC 5545) holds from a month before `now` to two months after it.

    Times without a zone are of the zone that the file names (`X-WR-TIMEZONE`), or of `zone`.

    Raises:
        WorldError: The file cannot be read, is too large, is broken, or repeats without measure.
    """
    calendar = _parse(_read(path), path, start=now - _BACK, end=now + _AHEAD)
    zone = _zone(calendar, path, zone=zone)
    events = calendar.walk("VEVENT")
    for event in events:
        _require_times(event, path)
    rules = {text_of(event, "UID"): _rule(event) for event in events if "RRULE" in event or "RDATE" in event}
    instances = tuple(_instances(calendar, path, start=now - _BACK, end=now + _AHEAD))
    return CalendarFile(name=path.name, instances=instances, rules=rules, zone=zone)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_BYTES + 1)
    except OSError:
        raise WorldError(f"{path} is no file that this user may read.") from None
    if len(data) > _MAX_BYTES:
        raise WorldError(f"{path} is larger than {_MAX_BYTES // 1024**2} MiB, the largest calendar that is read.")
    return data


def _parse(data: bytes, path: Path, *, start: datetime, end: datetime) -> Component:
    lines = data.removeprefix(b"\xef\xbb\xbf").splitlines()
    count = sum(line.strip().upper() == b"BEGIN:VCALENDAR" for line in lines)
    if count != 1:
        raise WorldError(f"{path} holds {count or 'no'} calendars; one BEGIN:VCALENDAR is needed.")
    if lines[-1].strip().upper() != b"END:VCALENDAR" and not any(b"END:VCALENDAR" in line.upper() for line in lines):
        raise WorldError(f"{path} ends before its END:VCALENDAR.")
    for number, line in enumerate(lines, 1):
        if line.strip() and line[:1] not in b" \t" and b":" not in line and b";" not in line:
            raise WorldError(f"{path} is broken: line {number} is no property.")
    try:
        with warnings.catch_warnings():
            # The library tells where it guesses, as at Thunderbird's names of zones; it guesses well.
            warnings.simplefilter("ignore")
            return Calendar.from_ical(b"\r\n".join(_near(lines, start=start, end=end)))
    except _NOT_DATES:
        raise WorldError(f"{path} is broken: its components do not close, or a property has no value.") from None


def _near(lines: Sequence[bytes], *, start: datetime, end: datetime) -> Iterator[bytes]:
    """Yield the lines without single events that surely lie outside the window; what is in doubt stays."""
    first, last = (f"{at:%Y%m%d}".encode() for at in (start - _SLACK, end + _SLACK))
    event: list[bytes] = []
    for line in lines:
        word = line.strip().upper()
        if event or word == b"BEGIN:VEVENT":
            event.append(line)
        else:
            yield line
        if event and word == b"END:VEVENT":
            if not _is_outside(event, first=first, last=last):
                yield from event
            event = []
    yield from event


def _is_outside(event: Sequence[bytes], *, first: bytes, last: bytes) -> bool:
    dated = [line for line in event if _DATED.match(line)]
    dates = [match[1] for line in dated if (match := _DATE.fullmatch(line))]
    if not dates or len(dates) < len(dated) or any(_LASTING.match(line) for line in event):
        return False
    return max(dates) < first or min(dates) > last


def _zone(calendar: Component, path: Path, *, zone: ZoneInfo) -> ZoneInfo:
    name = text_of(calendar, "X-WR-TIMEZONE")
    if not name:
        return zone
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise WorldError(f"{path} is in the time zone {name}, which is not known here.") from None


def _require_times(event: Component, path: Path) -> None:
    told = f"{path} is broken: the event “{text_of(event, 'SUMMARY')[:60] or 'without a title'}”"
    broken = next((name for name, _ in event.errors if name in _TIMES), "")
    if broken:
        raise WorldError(f"{told} has a {broken} that cannot be read.")
    start = event.get("DTSTART")
    if start is None or isinstance(start, list):
        raise WorldError(f"{told} has {'several DTSTART' if start else 'no DTSTART'}.")
    if (zone := start.params.get("TZID")) and getattr(start.dt, "tzinfo", True) is None:
        raise WorldError(f"{told} is in the time zone {zone}, which the file does not define and nobody here knows.")
    for rule in filter(None, _rules(event)):
        frequency = str(next(iter(rule.get("FREQ", [])), ""))
        if not frequency or frequency in _TOO_FAST:
            raise WorldError(f"{told} repeats {frequency or 'without a FREQ'}, which is not read.")


def _rules(event: Component) -> list[Component]:
    rules = event.get("RRULE", [])
    return rules if isinstance(rules, list) else [rules]


def _rule(event: Component) -> str:
    return next((f"RRULE:{rule.to_ical().decode()}" for rule in _rules(event) if rule), "RDATE" * ("RDATE" in event))


def _instances(calendar: Component, path: Path, *, start: datetime, end: datetime) -> Iterator[Component]:
    count, deadline = 0, time.monotonic() + _MAX_SECONDS
    try:
        for series in recurring_ical_events.of(calendar).series:
            for occurrence in series.between(start, end):
                yield occurrence.as_component(keep_recurrence_attributes=False)
                count += 1
                if count > _MAX_INSTANCES:
                    raise WorldError(f"{path} has more than {_MAX_INSTANCES} events in these three months.")
            if time.monotonic() > deadline:
                raise WorldError(f"{path} repeats its events in ways that take too long to work out.")
    except _NOT_DATES:
        raise WorldError(f"{path} is broken: one of its events repeats in a way that cannot be worked out.") from None
