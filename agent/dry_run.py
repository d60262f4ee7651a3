"""What a recipe would read now, service by service, without reading it: the answer to "what would you read?".

It is the very plan that a run follows (`agent.briefing.recipes`). It asks no service and no model.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from agent.briefing.recipes import Recipe, open_window
from agent.briefing.types import Read
from agent.briefing.working_week import WorkingWeek
from agent.tools import TOOLS
from permissions import scopes
from permissions.accounts import word_of
from permissions.policy import Mode
from permissions.types import ServiceStatus
from vault.client import ConnectionState


@dataclass(frozen=True, slots=True)
class PlannedRead:
    """One tool call: what it reads, in words, and the arguments that limit it, as the tool gets them.

    `scopes` say in words what the exchange asks for, none where the service has none; `mode` is what the user lets the
    tool do.
    """

    words: str
    limits: tuple[str, ...]
    scopes: tuple[str, ...]
    mode: Mode


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """What would be read of one service; `is_read` is False where it would be refused, and says so in the answer.

    `state` is a `ConnectionState` and `word` the user's word for it. `obstacle` says why a schedule would not read a
    service that its owner could, or is "".
    """

    name: str
    state: str
    word: str
    account: str
    is_read: bool
    reads: tuple[PlannedRead, ...]
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A dry run: from when on things count, in the user's zone, and what each service is asked."""

    since: datetime
    time_zone: str
    services: tuple[ServicePlan, ...]


def make_plan(
    recipe: Recipe,
    *,
    statuses: Iterable[ServiceStatus],
    modes: Mapping[str, Mode],
    week: WorkingWeek,
    now: datetime,
    last_at: datetime | None = None,
    granted: Collection[str] | None = None,
) -> Plan:
    """Return what `recipe` would read at `now` for somebody with this week, these services and these tools.

    `last_at` is when their last briefing by it was made, before today; None where there was none. `granted` are the
    tools of the schedule that would read while they are away; None while they are there.
    """
    window = open_window(recipe, now=now, week=week, last_at=last_at)
    reads = [read for read in recipe.plan(window) if granted is None or read.tool in granted]
    services = tuple(_service_plan(status, reads=reads, modes=modes, granted=granted) for status in statuses)
    return Plan(since=window.start, time_zone=str(week.time_zone), services=services)


def _service_plan(
    status: ServiceStatus, *, reads: Iterable[Read], modes: Mapping[str, Mode], granted: Collection[str] | None
) -> ServicePlan:
    provider = status.service.slug
    obstacle = "" if granted is None else _obstacle(status, granted=granted)
    return ServicePlan(
        name=status.service.name,
        state=status.state.value,
        word=word_of(status),
        account=status.account,
        is_read=status.state is ConnectionState.CONNECTED and not status.reconnect_reason and not obstacle,
        obstacle=obstacle,
        reads=tuple(
            PlannedRead(
                words=gettext(TOOLS[read.tool].reads),
                limits=_limits(read.arguments),
                scopes=tuple(
                    gettext(scopes.words_of(one, provider=provider)) for one in TOOLS[read.tool].scope.split()
                ),
                mode=modes.get(read.tool, Mode.ALLOW),
            )
            for read in reads
            if TOOLS[read.tool].provider == provider
        ),
    )


def _obstacle(status: ServiceStatus, *, granted: Collection[str]) -> str:
    """Return why a schedule with these tools reads nothing of a service, "" if it may."""
    if all(TOOLS[name].provider != status.service.slug for name in granted):
        return gettext("not granted to this schedule")
    return "" if status.is_away_allowed else gettext("not allowed while you are away")


def _limits(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name.replace('_', ' ')}: {_said(value)}" for name, value in arguments.items())


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
