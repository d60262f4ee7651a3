"""Whether the owner of a schedule is out of office, as their calendar says: read under the same checks as a briefing.

What cannot be read says nothing: the briefing is made, and says itself what it could not read.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from agent.briefing.working_week import WorkingWeek
from agent.credentials import RunCredentials
from agent.tool import ReadContext, ServiceFact
from agent.toolkit import Toolkit
from agent.tools import TOOLS
from vault.client import Asker

# The agenda, with the kinds of its events; it needs no scope that a briefing does not.
TOOL = "calendar_agenda"
_ABSENT = "out_of_office"


async def is_out_of_office(asker: Asker, *, agent: str, occurrence: str, at: datetime, week: WorkingWeek) -> bool:
    """Tell whether an out-of-office event of the owner's own calendar holds at an instant.

    The gate, the vault and the audit see it as a look outside of any run, under an id of its own.
    """
    day = at.astimezone(week.time_zone).date().isoformat()
    toolkit = Toolkit(
        tools=TOOLS,
        credentials=RunCredentials(**asker, run=run_of(occurrence), agent=agent, look="schedule"),
        context=ReadContext(
            now=timezone.now().astimezone(week.time_zone),
            week=week,
            report_progress=lambda _done, _total: None,
            list_services=_no_services,
        ),
        on_refused=_nothing_to_refuse,
    )
    arguments = {"start": day, "end": day}
    read = await toolkit.dispatch(call_id="absence", name=TOOL, arguments=arguments, emit=lambda _event: None)
    return read.reading is not None and any(holds_at(entry, at=at, week=week) for entry in read.reading.entries)


def run_of(occurrence: str) -> str:
    """Return what stands for a run in the look for an occurrence: no run has this id, so that no page links to one."""
    return f"absence-{occurrence}"


def holds_at(entry: Mapping[str, Any], *, at: datetime, week: WorkingWeek) -> bool:
    """Tell whether an entry of the agenda is an absence that holds at an instant; its days end before their `end`."""
    if entry.get("kind") != _ABSENT:
        return False
    start, end = str(entry["start"]), str(entry["end"])
    if entry.get("all_day"):
        return date.fromisoformat(start) <= at.astimezone(week.time_zone).date() < date.fromisoformat(end)
    return datetime.fromisoformat(start) <= at < datetime.fromisoformat(end)


async def _no_services() -> tuple[ServiceFact, ...]:
    return ()


async def _nothing_to_refuse(_name: str, _reason: str, _tool_call: str) -> None:
    return
