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
from audit import group_commit
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from vault.client import Asker

# The agenda, with the kinds of its events; it needs no scope that a briefing does not.
TOOL = "calendar_agenda"
_ABSENT = "out_of_office"


async def is_out_of_office(asker: Asker, *, agent: str, occurrence: str, at: datetime, week: WorkingWeek) -> bool:
    """Tell whether an out-of-office event of the owner's own calendar holds at an instant.

    The gate, the vault and the audit see it as a tool call of `occurrence`, which begins as a run does: an exchange
    that nobody began would be taken for one that the vault's process made up.
    """
    user = asker["user"]
    begun = Entry(event=Event.AGENT_RUN_STARTED, user=user, run=occurrence, client=agent, reason="schedule")
    try:
        await group_commit.record(begun)
    except AuditUnavailableError:
        # No audit row, no action: nothing is looked at.
        return False
    day = at.astimezone(week.time_zone).date().isoformat()
    toolkit = Toolkit(
        tools=TOOLS,
        credentials=RunCredentials(**asker, run=occurrence, agent=agent),
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
