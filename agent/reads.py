"""The reads that a run makes by itself when the model answers without having read anything."""

from datetime import date, timedelta
from typing import Any

from agent.toolkit import Toolkit

_SATURDAY = 5


def default_reads(toolkit: Toolkit) -> list[tuple[str, dict[str, Any]]]:
    """Return the calls, as (tool, arguments), of what every question about work can be answered from.

    They reach from the last working day to today, in the user's time zone, and leave out tools that the run lacks.
    """
    today = toolkit.context.now.astimezone(toolkit.context.time_zone).date()
    since = last_working_day(today).isoformat()
    reads: dict[str, dict[str, Any]] = {
        "github_activity": {"since": since},
        "calendar_agenda": {"start": since, "end": today.isoformat()},
        "slack_mentions": {"since": since},
    }
    return [(name, arguments) for name, arguments in reads.items() if name in toolkit.names]


def last_working_day(today: date) -> date:
    """Return the last day before `today` that is neither a Saturday nor a Sunday."""
    day = today - timedelta(days=1)
    while day.weekday() >= _SATURDAY:
        day -= timedelta(days=1)
    return day
