"""Writes one instance of a calendar file as an event of the sandbox: its times, its guests, its call."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from devcontext.sandbox.types import Attendee, Event, Person
from devcontext.sandbox.world.tidewater.pen import stable_id

# Google keeps about this much of a description (NOT VERIFIED); a longer one is somebody's paste.
_MAX_DESCRIPTION = 8192
_MAX_LINE = 1024
# RFC 5545 section 3.2.12. Who delegated does not come. What is not known was not answered.
_RESPONSES: Mapping[str, str] = {
    "ACCEPTED": "accepted",
    "DECLINED": "declined",
    "TENTATIVE": "tentative",
    "DELEGATED": "declined",
}
# CONFERENCE is RFC 7986 section 5.11; Google and Microsoft write properties of their own.
_CALLS = ("CONFERENCE", "X-GOOGLE-CONFERENCE", "X-MICROSOFT-SKYPETEAMSMEETINGURL")
_CALL_LINK = re.compile(
    r"https://(?:meet\.google\.com|(?:[\w-]+\.)?zoom\.us/(?:j|my)|teams\.(?:microsoft|live)\.com|[\w-]+\.webex\.com"
    r"|meet\.jit\.si|whereby\.com)/[^\s<>\"\\]{1,500}"
)
_NOBODY = Person("", "", "", 0)

Component = Any


@dataclass(frozen=True, slots=True)
class Guests:
    """Tells the people of a file apart: `me` has the `addresses`, everybody else is who the file says."""

    addresses: frozenset[str]
    me: Person = _NOBODY

    def person(self, address: Component) -> Person:
        """Return the person of an ATTENDEE or ORGANIZER; without a name, the address's local part."""
        email = _email(address)
        if email in self.addresses:
            return self.me
        name = str(address.params.get("CN", "")).strip() or email.partition("@")[0] or "somebody"
        return Person(name[:_MAX_LINE], email, email, stable_id(email))

    def names_in(self, instance: Component) -> Iterator[str]:
        """Yield the names that an instance gives to these addresses."""
        for address in (*_addresses(instance, "ATTENDEE"), *_addresses(instance, "ORGANIZER")):
            name = str(address.params.get("CN", "")).strip()
            if _email(address) in self.addresses and name and "@" not in name:
                yield name


def event_of(instance: Component, *, guests: Guests, zone: ZoneInfo, rule: str, is_alone: bool) -> Event:
    """Return the event; `rule` is its series' RRULE or "", `is_alone` says that no other instance has its UID."""
    uid = text_of(instance, "UID")
    series = _identifier(uid)
    start, end = _times(instance, zone)
    call = _call(instance)
    organizer = next((guests.person(one) for one in _addresses(instance, "ORGANIZER")), guests.me)
    return Event(
        id=series if is_alone and not rule and uid else f"{series}{_identifier(_original(instance))[:16]}",
        summary=text_of(instance, "SUMMARY")[:_MAX_LINE],
        start=start,
        end=end,
        organizer=organizer,
        description=text_of(instance, "DESCRIPTION")[:_MAX_DESCRIPTION],
        location=text_of(instance, "LOCATION")[:_MAX_LINE],
        attendees=_attendees(instance, guests),
        is_transparent=text_of(instance, "TRANSP").upper() == "TRANSPARENT",
        has_call=bool(call),
        call_url=call,
        series=series if rule else "",
        rule=rule,
    )


def text_of(component: Component, name: str) -> str:
    """Return a property as text; the first, where a file repeats one that may stand once."""
    value = component.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value).strip()


def _times(instance: Component, zone: ZoneInfo) -> tuple[datetime | date, datetime | date]:
    start, end = instance["DTSTART"].dt, instance["DTEND"].dt
    if isinstance(start, datetime):
        start = _at_zone(start, zone)
        return start, max(start, _at_zone(end, zone)) if isinstance(end, datetime) else start
    # An all-day end is exclusive, RFC 5545 section 3.6.1.
    last = end.date() if isinstance(end, datetime) else end
    return start, max(last, start + timedelta(days=1))


def _at_zone(at: datetime, zone: ZoneInfo) -> datetime:
    return (at if at.tzinfo else at.replace(tzinfo=zone)).astimezone(zone)


def _attendees(instance: Component, guests: Guests) -> tuple[Attendee, ...]:
    found = {}
    for address in _addresses(instance, "ATTENDEE"):
        # Rooms and things are invited as people are: RFC 5545 section 3.2.3.
        if str(address.params.get("CUTYPE", "")).upper() not in ("ROOM", "RESOURCE"):
            response = _RESPONSES.get(str(address.params.get("PARTSTAT", "")).upper(), "needsAction")
            found[_email(address)] = Attendee(guests.person(address), response)
    return tuple(found.values())


def _call(instance: Component) -> str:
    for name in _CALLS:
        if (url := text_of(instance, name)).startswith("https://"):
            return url[:_MAX_LINE]
    match = _CALL_LINK.search(f"{text_of(instance, 'LOCATION')} {text_of(instance, 'DESCRIPTION')}")
    return match[0] if match else ""


def _addresses(instance: Component, name: str) -> list[Component]:
    value = instance.get(name, [])
    listed = value if isinstance(value, list) else [value]
    return [address for address in listed if hasattr(address, "params")]


def _email(address: Component) -> str:
    text = str(address.params.get("EMAIL") or address).strip().lower()
    return text.removeprefix("mailto:")


def _original(instance: Component) -> str:
    return f"{instance['RECURRENCE-ID'].dt.isoformat()} {text_of(instance, 'SUMMARY') * (not text_of(instance, 'UID'))}"


def _identifier(text: str) -> str:
    """Return an id as Google makes them, of the characters 0 to 9 and a to v, which tells nothing of the text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
