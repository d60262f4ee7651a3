"""The timeline's two charts, as numbers that a template draws: lanes by service, and the hours of the week. Pure."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext, gettext_lazy

from audit.counting import Count
from audit.events import Outcome
from audit.wording import OUTCOME_NAMES

# A slot is as wide as a target has to be (WCAG 2.2, 2.5.8), in CSS pixels: the drawing is never scaled.
SLOT = 24
LANE = 40
HOURS = 24
# What is left above the grid for the hours.
HEAT_TOP = 24
_HEAT_LEVELS = 4
# Where the marks of a slot stand, by how many there are.
_PLACES: Mapping[int, tuple[tuple[float, float], ...]] = {
    1: ((12, 20),),
    2: ((12, 12), (12, 28)),
    3: ((6.5, 12), (17.5, 12), (12, 28)),
    4: ((6.5, 12), (17.5, 12), (6.5, 28), (17.5, 28)),
}
_SMALL, _MIDDLE, _LARGE = 3.0, 4.0, 5.0
_SOME, _MANY = 3, 20


@dataclass(frozen=True, slots=True)
class Span:
    """How far back the lanes go: `slots` slots of `hours` hours."""

    name: str
    label: object
    slots: int
    hours: int


SPANS = (
    Span("day", gettext_lazy("24 hours"), slots=24, hours=1),
    Span("week", gettext_lazy("7 days"), slots=28, hours=6),
    Span("month", gettext_lazy("30 days"), slots=30, hours=24),
)
DEFAULT_SPAN = SPANS[1]
# What both charts are drawn from.
COUNTED_DAYS = 30


@dataclass(frozen=True, slots=True)
class Mark:
    """The events of one outcome in a slot: where its sign stands in the drawing, and how large."""

    outcome: Outcome
    name: str
    number: int
    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Slot:
    """The events of a service in one slot; a page that begins below `before` begins with the newest of them."""

    began_at: datetime
    ended_at: datetime
    x: int
    y: int
    marks: tuple[Mark, ...]
    before: int


@dataclass(frozen=True, slots=True)
class Lane:
    """One service, or the app itself with `provider` ""; only slots in which something happened."""

    provider: str
    name: str
    y: int
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A place on the axis of time, and the instant it stands for."""

    x: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Lanes:
    """The lanes of a span of time; `width` and `height` in CSS pixels, `number` of all events in them."""

    span: Span
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    width: int
    height: int
    number: int


@dataclass(frozen=True, slots=True)
class Hour:
    """An hour of the week: how many events, and the square that stands for it, the smallest for none."""

    number: int
    x: float
    y: float
    size: int


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the week and its hours from midnight on."""

    name: object
    short_name: object
    hours: tuple[Hour, ...]


@dataclass(frozen=True, slots=True)
class Week:
    """When in the week events happen, in the reader's zone."""

    days: tuple[Day, ...]
    number: int
    most: int


def find_span(name: str) -> Span:
    """Return the span of that name, or the default."""
    return next((span for span in SPANS if span.name == name), DEFAULT_SPAN)


def draw_lanes(
    counts: Iterable[Count], *, services: Mapping[str, str], app: str, span: Span, now: datetime, zone: tzinfo
) -> Lanes:
    """Lay out the counts of the span that ends with `now`; what belongs to no known service is in the lane `app`."""
    length = timedelta(hours=span.hours)
    start = _end(now, span=span, zone=zone) - span.slots * length
    began_at = [(start + place * length).astimezone(zone) for place in range(span.slots + 1)]
    found = defaultdict[tuple[str, int], list[Count]](list)
    for count in counts:
        place = (count.began_at - start) // length
        if 0 <= place < span.slots:
            found[count.provider if count.provider in services else "", place].append(count)
    names = {**services, "": app}
    lanes = tuple(
        Lane(
            provider,
            name=name,
            y=row * LANE,
            slots=tuple(
                Slot(began_at[place], began_at[place + 1], x=place * SLOT, y=row * LANE, **_contents(here))
                for place in range(span.slots)
                if (here := found.get((provider, place)))
            ),
        )
        for row, (provider, name) in enumerate(names.items())
    )
    # The last label has room to stand in the drawing.
    ticks = tuple(Tick(place * SLOT, began_at[place]) for place in range(0, span.slots - 2, 4))
    number = sum(count.number for each in found.values() for count in each)
    return Lanes(span, lanes, ticks, width=span.slots * SLOT, height=len(names) * LANE, number=number)


def draw_week(counts: Iterable[Count], *, zone: tzinfo) -> Week:
    """Lay out the counts by day of the week and hour."""
    found = Counter[tuple[int, int]]()
    for count in counts:
        at = count.began_at.astimezone(zone)
        found[at.weekday(), at.hour] += count.number
    most = max(found.values(), default=0)
    days = tuple(
        Day(
            name,
            WEEKDAYS_ABBR[day],
            hours=tuple(_hour(found[day, hour], most=most, day=day, hour=hour) for hour in range(HOURS)),
        )
        for day, name in WEEKDAYS.items()
    )
    return Week(days, number=found.total(), most=most)


def _end(now: datetime, *, span: Span, zone: tzinfo) -> datetime:
    """Return the end of the last slot, in UTC: slots begin with the reader's days."""
    local = now.astimezone(zone)
    began_at = local.replace(hour=local.hour - local.hour % span.hours, minute=0, second=0, microsecond=0)
    # In UTC, since in a zone a difference of two times is one of clocks and not of hours.
    return (began_at + timedelta(hours=span.hours)).astimezone(UTC)


def _contents(counts: list[Count]) -> dict[str, Any]:
    """Return the marks of a slot, and where its page begins."""
    numbers = Counter[Outcome]()
    for count in counts:
        numbers[count.outcome] += count.number
    outcomes = [outcome for outcome in Outcome if numbers[outcome]]
    marks = tuple(
        Mark(outcome, gettext(OUTCOME_NAMES[outcome]), numbers[outcome], x=x, y=y, radius=_radius(numbers[outcome]))
        for outcome, (x, y) in zip(outcomes, _PLACES[len(outcomes)], strict=True)
    )
    return {"marks": marks, "before": max(count.newest_id for count in counts) + 1}


def _radius(number: int) -> float:
    return _SMALL if number < _SOME else _MIDDLE if number < _MANY else _LARGE


def _hour(number: int, *, most: int, day: int, hour: int) -> Hour:
    """Return an hour's square in its place; the busiest fills it, and one event can be seen."""
    size = 4 + 4 * math.ceil(_HEAT_LEVELS * number / most) if number else 4
    x, y = hour * SLOT + (SLOT - size) / 2, HEAT_TOP + day * SLOT + (SLOT - size) / 2
    return Hour(number, x, y, size)
