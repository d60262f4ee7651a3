"""Selects events as `events.list` does and writes them as Calendar's API writes them."""

from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from devcontext.sandbox.google_calendar.query import EventQuery, SingleQuery, page_token
from devcontext.sandbox.links import Links
from devcontext.sandbox.types import Attendee, Event, Person, Snapshot


def list_events(snapshot: Snapshot, query: EventQuery, *, links: Links) -> dict[str, Any]:
    """Return the answer of `events.list` for one page."""
    found = [event for event in snapshot.events if _matches(event, query)]
    if not query.is_single:
        found = _without_instances(found)
    # The unspecified order is stable, and the sandbox makes it the start time too.
    found.sort(key=lambda event: (_instant(event.start, query.zone), event.id))
    end = query.page_start + query.max_results
    items = [
        event_body(
            event,
            snapshot=snapshot,
            zone=query.zone,
            links=links,
            max_attendees=query.max_attendees,
            is_instance=query.is_single,
        )
        for event in found[query.page_start : end]
    ]
    following = {"nextPageToken": page_token(end)} if end < len(found) else {}
    return {
        "kind": "calendar#events",
        "etag": f'"{len(found)}"',
        "summary": snapshot.me.email,
        "description": "",
        "updated": _stamp(snapshot.now),
        "timeZone": query.zone.key,
        "accessRole": "owner",
        "defaultReminders": [{"method": "popup", "minutes": 10}],
        **following,
        "items": items,
    }


def find_event(snapshot: Snapshot, event_id: str, *, query: SingleQuery, links: Links) -> dict[str, Any] | None:
    """Return the answer of `events.get`: an event or instance by its id, a series by its own, or None."""
    for event in snapshot.events:
        if event_id in (event.id, event.series):
            return event_body(
                event,
                snapshot=snapshot,
                zone=query.zone,
                links=links,
                max_attendees=query.max_attendees,
                is_instance=event_id == event.id,
            )
    return None


def event_body(
    event: Event,
    *,
    snapshot: Snapshot,
    zone: ZoneInfo,
    links: Links,
    max_attendees: int | None = None,
    is_instance: bool = True,
) -> dict[str, Any]:
    """Return one event.

    Source: https://developers.google.com/workspace/calendar/api/v3/reference/events#resource
    """
    identity = event.id if is_instance or not event.series else event.series
    description = links.spell_out(event.description, snapshot=snapshot, link=lambda url, words: f"{words} <{url}>")
    stamp = _stamp(_instant(event.start, zone))
    body = {
        "kind": "calendar#event",
        "etag": f'"{identity}"',
        "id": identity,
        "status": "confirmed",
        "htmlLink": links.event(event),
        "created": stamp,
        "updated": stamp,
        "summary": event.summary,
        "description": description,
        "location": event.location,
        "creator": _actor(event.organizer, snapshot),
        "organizer": _actor(event.organizer, snapshot),
        "start": _moment(event.start, zone),
        "end": _moment(event.end, zone),
        "transparency": "transparent" if event.is_transparent else "",
        "iCalUID": f"{identity}@tidewater.example",
        "sequence": 0,
        **_guests(event, snapshot, max_attendees),
        "hangoutLink": links.call(event) if event.has_call else "",
        "reminders": {"useDefault": True},
        "eventType": event.kind,
        **_kind_properties(event),
        **_series(event, zone, is_instance=is_instance),
    }
    # Google leaves out what is empty.
    return {name: value for name, value in body.items() if value != ""}


def _matches(event: Event, query: EventQuery) -> bool:
    """`timeMin` bounds the end and `timeMax` the start, both exclusive: an event in progress is in."""
    if query.time_min and _instant(event.end, query.zone) <= query.time_min:
        return False
    if query.time_max and _instant(event.start, query.zone) >= query.time_max:
        return False
    if query.kinds and event.kind not in query.kinds:
        return False
    people = " ".join(f"{guest.person.name} {guest.person.email}" for guest in event.attendees)
    return query.text.lower() in f"{event.summary} {event.description} {event.location} {people}".lower()


def _without_instances(events: list[Event]) -> list[Event]:
    """Return each series once, as the recurring event itself."""
    seen: set[str] = set()
    kept = []
    for event in events:
        if event.series not in seen:
            kept.append(event)
        if event.series:
            seen.add(event.series)
    return kept


def _instant(moment: datetime | date, zone: ZoneInfo) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time(), tzinfo=zone)


def _moment(moment: datetime | date, zone: ZoneInfo) -> dict[str, str]:
    if isinstance(moment, datetime):
        return {"dateTime": moment.astimezone(zone).isoformat(), "timeZone": zone.key}
    return {"date": moment.isoformat()}


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _actor(person: Person, snapshot: Snapshot) -> dict[str, Any]:
    actor: dict[str, Any] = {"email": person.email, "displayName": person.name}
    return actor | ({"self": True} if person == snapshot.me else {})


def _guests(event: Event, snapshot: Snapshot, max_attendees: int | None) -> dict[str, Any]:
    if not event.attendees:
        return {}
    guests = list(event.attendees)
    if max_attendees is not None and len(guests) > max_attendees:
        guests = [guest for guest in guests if guest.person == snapshot.me]
        return {"attendees": [_guest(guest, event, snapshot) for guest in guests], "attendeesOmitted": True}
    return {"attendees": [_guest(guest, event, snapshot) for guest in guests]}


def _guest(guest: Attendee, event: Event, snapshot: Snapshot) -> dict[str, Any]:
    body = _actor(guest.person, snapshot) | {"responseStatus": guest.response}
    return body | ({"organizer": True} if guest.person == event.organizer else {})


def _kind_properties(event: Event) -> dict[str, Any]:
    if event.kind == "workingLocation":
        return {"workingLocationProperties": {"type": "homeOffice", "homeOffice": {}}, "visibility": "public"}
    if event.kind == "outOfOffice":
        return {"outOfOfficeProperties": {"autoDeclineMode": "declineOnlyNewConflictingInvitations"}}
    if event.kind == "focusTime":
        return {"focusTimeProperties": {"autoDeclineMode": "declineNone", "chatStatus": "doNotDisturb"}}
    return {}


def _series(event: Event, zone: ZoneInfo, *, is_instance: bool) -> dict[str, Any]:
    if not event.series:
        return {}
    if not is_instance:
        return {"recurrence": [event.rule]}
    return {"recurringEventId": event.series, "originalStartTime": _moment(event.start, zone)}
