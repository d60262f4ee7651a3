"""Where a briefing begins when a person chooses it themselves: what the chat page offers them. Reads nothing."""

from dataclasses import dataclass
from datetime import datetime, time

from agent.briefing.working_week import WorkingWeek
from agent.opening import LONGEST_WINDOW

# What somebody missed begins where they left, and no rule knows that.
_RECIPE = "catch-up"


@dataclass(frozen=True, slots=True)
class Beginning:
    """The choice that the card of `recipe` has.

    `offered` is the start of the last working day as a browser's field writes it, a wall time without a zone.
    `time_zone` is the one that its user chose; "" where the browser's counts, whose day may be another than that of
    `offered`. A window reaches back `longest_days` at most.
    """

    recipe: str
    offered: str
    time_zone: str
    longest_days: int


def offer(week: WorkingWeek, *, now: datetime, has_zone: bool) -> Beginning:
    """Return what to offer at `now` to somebody with this week; `has_zone` tells whether its zone is their choice."""
    day = week.last_working_day(now.astimezone(week.time_zone).date())
    return Beginning(
        recipe=_RECIPE,
        offered=datetime.combine(day, time.min).isoformat(timespec="minutes"),
        time_zone=week.time_zone.key if has_zone else "",
        longest_days=LONGEST_WINDOW.days,
    )
