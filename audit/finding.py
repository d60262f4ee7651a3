"""Searches of the timeline: a page of events that fit, and where the next one begins. Never reads without an end.

What an index answers (`audit.query`) is found however old it is. What none does, such as a tool or a word, is looked
for in so many rows at a time; the page says how far it looked, and the next one goes on from there.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet

from audit import personal, query, timeline, turned_off
from audit.events import Outcome
from audit.meanings import rows_saying
from audit.models import AuditEvent
from audit.pairs import find_pairs
from audit.query import EVERYBODY
from audit.search import Search

# Some 30 ms on SQLite with every row read from the file, which is what one page may take.
SCANNED_ROWS = 20_000
# Their ids, runs and users are asked for at once, and SQLite before 3.32 takes no more than 999 values in a statement.
_EXCHANGES_AT_ONCE = 200
# Of an export at a time: a few hundred kilobytes in memory.
_CHUNK_ROWS = 500


@dataclass(frozen=True, slots=True)
class Found:
    """Events by falling id; `next_cursor` is where to go on, None at the end.

    `looked_back_to` is how far was looked where fewer were found than a page holds and there is more to look through.
    """

    events: tuple[AuditEvent, ...]
    next_cursor: int | None
    looked_back_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Bounds:
    """The ids that the days of a search leave: those below `before`, down to `after`, which is included."""

    before: int | None
    after: int


def find_events(search: Search, *, user: str, before: int | None = None, limit: int = 50) -> Found:
    """Return the newest `limit` events of `user`, or of `EVERYBODY`, that fit `search`, with ids below `before`.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    with timeline.reading():
        found = _find(search, user=_whose(search, user=user), before=before, limit=limit)
        # SECURITY: who looks at everybody's events sees nothing personal of anybody.
        (personal.hide_all if user == EVERYBODY else personal.open_all)(found.events)
    return found


def list_page(search: Search, *, user: str, before: int | None = None, limit: int = 50) -> timeline.Page:
    """Return likewise the rows of a page of the timeline."""
    found = find_events(search, user=user, before=before, limit=limit)
    return timeline.Page(rows_of(found.events, user=user), found.next_cursor, looked_back_to=found.looked_back_to)


def rows_of(events: Collection[AuditEvent], *, user: str) -> tuple[timeline.TimelineRow, ...]:
    """Return found events of `user`, or of `EVERYBODY`, as the timeline lists them.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    with timeline.reading():
        turned_off.tell_all(events, user=user)
    return tuple(timeline.row_of(event) for event in events)


def find_row(event_id: int, *, user: str) -> timeline.TimelineRow | None:
    """Return an event of `user` with all that is shown of it; None for another's, and where there is none.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    with timeline.reading():
        event = AuditEvent.objects.filter(user=user, id=event_id).first()
        if event is None:
            return None
        personal.open_all([event])
        turned_off.tell_all([event], user=user)
        return timeline.row_of(event, pairs=find_pairs(event, user=user))


def find_newer(search: Search, *, user: str, after: int, limit: int = 50) -> Found:
    """Return the newest `limit` events of `user` that fit `search`, with ids above `after`.

    `next_cursor` is set where there are more of them.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    with timeline.reading():
        # An exchange that is older than `after` may be read under since then.
        floor = 0 if search.value("token") else after + 1
        found = _find(search, user=user, before=None, limit=limit, floor=floor)
        newer = tuple(event for event in found.events if event.id > after)
        personal.open_all(newer)
    # A look that ended for its length, with nothing left out, has no next page to speak of.
    is_cut = found.looked_back_to is None and len(newer) == len(found.events)
    return Found(newer, next_cursor=found.next_cursor if is_cut else None)


def find_start(day: datetime, *, user: str) -> int:
    """Return the cursor of the page that begins with the last event of a day, given by its midnight.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    with timeline.reading():
        return _id_at(day + timedelta(days=1), user=user)


def list_chunks(search: Search, *, user: str, before: int | None = None) -> Iterator[tuple[AuditEvent, ...]]:
    """Yield all events that fit, chunk by chunk, the newest first; each chunk is asked for when it is taken.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    cursor = before
    while True:
        found = find_events(search, user=user, before=cursor, limit=_CHUNK_ROWS)
        yield found.events
        if found.next_cursor is None:
            return
        cursor = found.next_cursor


def find_first_day(*, user: str) -> date | None:
    """Return the day of the first event of `user`, or of `EVERYBODY`, UTC; None before there is any.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    with timeline.reading():
        first = query.select(user=user).order_by("id").values_list("occurred_at", flat=True).first()
    return first.date() if first else None


def _whose(search: Search, *, user: str) -> str:
    """SECURITY: only who may see everybody's events chooses whose to see."""
    chosen = search.value("user")
    return f"user:{chosen}" if chosen and user == EVERYBODY else user


def _find(search: Search, *, user: str, before: int | None, limit: int, floor: int = 0) -> Found:
    bounds = _bounds(search, user=user, before=before, floor=floor)
    if search.value("token"):
        return _find_of_token(search, user=user, bounds=bounds, limit=min(limit, _EXCHANGES_AT_ONCE))
    led = {name: search.value(name) for name in ("outcome", "run")} | {"provider": search.value("service")}
    scanned = _find_floor(search, user=user, bounds=bounds) or 0
    since = max(scanned, bounds.after)
    events = query.select(user=user, before=bounds.before, **led).filter(id__gte=since)
    # One more than shown tells whether there is a next page, without counting the table.
    found = list(_narrow(events, search=search, user=user, since=since)[: limit + 1])
    if len(found) > limit:
        return Found(tuple(found[:limit]), next_cursor=found[limit - 1].id)
    # Below what was scanned there is more to look through, unless the days end before.
    further = scanned if scanned > bounds.after else None
    return Found(tuple(found), next_cursor=further, looked_back_to=_instant_of(further, user=user))


def _find_of_token(search: Search, *, user: str, bounds: _Bounds, limit: int) -> Found:
    """Find what was done with a token: its exchanges and what was read under each, in pages of exchanges."""
    of_token = query.select(user=user, token=search.value("token"), before=bounds.before).filter(id__gte=bounds.after)
    found = list(of_token[: limit + 1])
    wanted = {"outcome": search.value("outcome"), "run": search.value("run"), "provider": search.value("service")}
    fits = Q(**{name: value for name, value in wanted.items() if value})
    if until := search.day("before"):
        # The bound of the exchanges may be the page's instead, and what was read under one came after it.
        fits &= Q(id__lt=_id_at(until, user=user))
    events = [
        event
        for rows in query.list_exchanged(found[:limit])
        for event in _narrow(rows.filter(fits), search=search, user=user, since=bounds.after)
    ]
    events.sort(key=lambda event: -event.id)
    return Found(tuple(events), next_cursor=found[limit - 1].id if len(found) > limit else None)


def _find_floor(search: Search, *, user: str, bounds: _Bounds) -> int | None:
    if not _needs_scan(search, user=user):
        return None
    led = {"provider": search.value("service"), "outcome": search.value("outcome")}
    return query.find_floor(user=user, before=bounds.before, rows=SCANNED_ROWS, **led)


def _needs_scan(search: Search, *, user: str) -> bool:
    """Tell whether rows have to be looked at that may not fit, without a bound of their number."""
    if search.value("run") and user != EVERYBODY:
        return False
    unled = {"actor", "event", "reason", "tool", ""} | ({"service", "outcome", "run"} if user == EVERYBODY else set())
    return search.value("outcome") == Outcome.GRANTED or any(part.name in unled for part in search.parts)


def _narrow(events: QuerySet[AuditEvent], *, search: Search, user: str, since: int) -> QuerySet[AuditEvent]:
    """Add what no index answers."""
    wanted = {"tool": search.value("tool"), "reason": search.value("reason")}
    fits = Q(**{name: value for name, value in wanted.items() if value})
    if search.events:
        fits &= Q(event__in=search.events)
    if actor := search.value("actor"):
        fits &= query.made_by(actor, user=user, since=since)
    for word in search.words:
        fits &= rows_saying(word)
    return events.filter(fits)


def _bounds(search: Search, *, user: str, before: int | None, floor: int) -> _Bounds:
    until, since = search.day("before"), search.day("after")
    ends = [one for one in (before, _id_at(until, user=user) if until else None) if one is not None]
    return _Bounds(min(ends, default=None), max(floor, _id_at(since, user=user) if since else 0))


def _id_at(at: datetime, *, user: str) -> int:
    """Return the first id that no event of `user` before the instant has: clocks that step back aside, by time."""
    return (query.find_id_before(at, user=user) or 0) + 1


def _instant_of(event_id: int | None, *, user: str) -> datetime | None:
    if event_id is None:
        return None
    later = query.select(user=user).filter(id__gte=event_id).order_by("id")
    return later.values_list("occurred_at", flat=True).first()
