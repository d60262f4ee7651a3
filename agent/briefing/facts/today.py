"""The user's day: what is still to come, what wants the same time, and how much of it is free."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import combinations

from agent.briefing.facts.items import Item, Items, elapsed, number_of, oldest_first
from agent.briefing.facts.types import Fact, NextStep, Rule, Today

_KINDS: Mapping[str, Rule] = {
    "meeting": Rule.MEETING,
    "event": Rule.EVENT,
    "from_mail": Rule.EVENT,
    "focus_time": Rule.FOCUS_TIME,
    "out_of_office": Rule.ABSENCE,
}


def today(items: Items) -> Today:
    """Return what of today is not over, and the free slots that were found; no slots where nobody looked."""
    day = items.window.today
    events = oldest_first(fact for item in _still_to_come(items) if (fact := _event(item, items=items, day=day)))
    # On a day off nobody has working hours; that none of them are free would say something else.
    if not items.has_read("calendar_free_slots") or not items.window.week.is_working(day):
        return Today(events=events)
    free = _free(items, day=day)
    return Today(events=events, free=free, free_minutes=sum(slot.minutes or 0 for slot in free))


def next_day(items: Items) -> tuple[Fact, ...]:
    """Return the events of the next working day, as far as it was read."""
    day = items.window.week.next_working_day(items.window.today)
    found = (_event(item, items=items, day=day) for item in items.of("calendar_agenda"))
    return oldest_first(fact for fact in found if fact)


def double_bookings(items: Items) -> Iterator[Fact]:
    """Yield each pair of events still to come that want the same time."""
    timed = [
        (item, start, end)
        for item in _still_to_come(items)
        if (start := items.at(item, "start")) and (end := items.at(item, "end")) and _takes_time(item)
    ]
    for (first, begins, ends), (second, starts, stops) in combinations(timed, 2):
        if begins.timestamp() < stops.timestamp() and starts.timestamp() < ends.timestamp():
            earlier, later = sorted((first, second), key=lambda item: (_start(item, items=items), item["id"]))
            yield Fact(
                id=earlier["id"],
                rule=Rule.DOUBLE_BOOKING,
                since=max(begins, starts, key=lambda at: at.timestamp()),
                next_step=NextStep.CHOOSE_ONE,
                related=(later["id"],),
            )


def _still_to_come(items: Items) -> Iterator[Item]:
    for item in items.of("calendar_agenda"):
        end = items.at(item, "end")
        if end is None or elapsed(items.window.end, end).total_seconds() > 0:
            yield item


def _event(item: Item, *, items: Items, day: date) -> Fact | None:
    """Return an event of `day`, None for one of another day and for what is no commitment."""
    rule = _KINDS.get(str(item.get("kind")))
    start, end = items.at(item, "start"), items.at(item, "end")
    if rule is None or not _touches(item, day=day, start=start, end=end):
        return None
    is_open = item.get("my_response") == "needsAction"
    return Fact(
        id=item["id"],
        rule=rule,
        since=start,
        next_step=NextStep.ANSWER_INVITATION if is_open else None,
        minutes=round(elapsed(start, end).total_seconds() / 60) if start and end else None,
    )


def _touches(item: Item, *, day: date, start: datetime | None, end: datetime | None) -> bool:
    if start:
        # What ends at midnight is over with the day before; what takes no time stands at its begin.
        last = max(start, end - timedelta.resolution) if end else start
        return start.date() <= day <= last.date()
    # A whole day ends with the date after it.
    return str(item.get("start", "")) <= day.isoformat() < str(item.get("end", ""))


def _takes_time(item: Item) -> bool:
    return not item.get("is_free") and not item.get("all_day") and item.get("kind") in _KINDS


def _free(items: Items, *, day: date) -> tuple[Fact, ...]:
    slots = {item["start"]: item for item in items.by_tool["calendar_free_slots"] if item.get("start")}
    found = ((items.at(item, "start"), item) for item in slots.values())
    # A day without events has free time and nothing to cite.
    return oldest_first(
        Fact(id=str(item.get("id", "")), rule=Rule.FREE_SLOT, since=start, minutes=number_of(item, "minutes"))
        for start, item in found
        if start and start.date() == day
    )


def _start(item: Item, *, items: Items) -> float:
    start = items.at(item, "start")
    return start.timestamp() if start else 0.0
