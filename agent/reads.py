"""The reads that a run makes by itself when the model answers without having read anything."""

from typing import Any

from agent.toolkit import Toolkit


def default_reads(toolkit: Toolkit) -> list[tuple[str, dict[str, Any]]]:
    """Return the calls, as (tool, arguments), of what every question about work can be answered from.

    They reach from the last working day to today, in the user's time zone, and leave out tools that the run lacks.
    """
    week = toolkit.context.week
    today = toolkit.context.now.astimezone(week.time_zone).date()
    since = week.last_working_day(today).isoformat()
    reads: dict[str, dict[str, Any]] = {
        "github_activity": {"since": since},
        "calendar_agenda": {"start": since, "end": today.isoformat()},
        "slack_mentions": {"since": since},
    }
    return [(name, arguments) for name, arguments in reads.items() if name in toolkit.names]
