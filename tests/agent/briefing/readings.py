"""Readings as tools give them, for tests of facts: a Monday morning in Berlin, with ids that say what they are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from agent.briefing.facts.types import Fact, Window
from agent.briefing.types import Reading
from agent.briefing.working_week import WorkingWeek
from agent.tools import TOOLS

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = WorkingWeek(time_zone=BERLIN)
NOW = datetime(2026, 11, 23, 9, 12, tzinfo=BERLIN)
FRIDAY = datetime(2026, 11, 20, tzinfo=BERLIN)
WINDOW = Window(start=FRIDAY, end=NOW, week=WEEK, days_off=WEEK.days_off(FRIDAY.date(), end=NOW.date()))


def reading(tool: str, *entries: Mapping[str, Any], **fields: Any) -> Reading:
    """Return what `tool` gave; `fields` are those of `Reading`."""
    return Reading(tool, TOOLS[tool].provider, fields.pop("arguments", {}), entries=entries, **fields)


def pull_request(evidence: str, number: int = 1, **fields: Any) -> dict[str, Any]:
    """Return an open pull request of the user that waits for a review since an hour."""
    head = {"id": evidence, "title": f"#{number} Something", "repo": "tidewater/harbor-api", "number": number}
    return head | {"opened_at": "2026-11-23T08:12+01:00", "next_step": "wait_for_review", "ci": "passing"} | fields


def request(evidence: str, number: int = 2, **fields: Any) -> dict[str, Any]:
    """Return a review that was asked of the user an hour ago."""
    head = {"id": evidence, "title": f"#{number} Else", "repo": "tidewater/harbor-api", "number": number}
    size = {"additions": 30, "deletions": 12, "ci": "passing"}
    return head | {"author": "jonas", "my_request": "user", "opened_at": "2026-11-23T08:12+01:00"} | size | fields


def mention(evidence: str, text: str, **fields: Any) -> dict[str, Any]:
    """Return a message on Slack of five hours ago that mentions the user."""
    place = {"title": "Priya in #harbor", "channel": "#harbor", "author": "Priya", "time": "2026-11-23T04:12+01:00"}
    return {"id": evidence} | place | {"text": text} | fields


def event(evidence: str, start: str, end: str, **fields: Any) -> dict[str, Any]:
    """Return a meeting that the user accepted; `start` and `end` are clock times of today or whole instants."""
    whole = [at if "T" in at else f"2026-11-23T{at}+01:00" for at in (start, end)]
    about = {"title": "Planning, Mon 10:00", "kind": "meeting", "my_response": "accepted"}
    return {"id": evidence} | about | {"start": whole[0], "end": whole[1], "all_day": False} | fields


def told(facts: Sequence[Fact]) -> list[tuple[str, str]]:
    """Return id and rule of each fact."""
    return [(fact.id, fact.rule.value) for fact in facts]
