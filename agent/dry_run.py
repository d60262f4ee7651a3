"""What a recipe would read now, service by service, without reading it: the answer to "what would you read?".

It is the very plan that a run follows (`agent.briefing.recipes`). It asks no service and no model.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.briefing.recipes import Recipe, open_window
from agent.briefing.working_week import WorkingWeek
from agent.tools import TOOLS
from permissions.types import ServiceStatus
from vault.client import ConnectionState


@dataclass(frozen=True, slots=True)
class PlannedRead:
    """One tool call: what it reads, in words, and the arguments that limit it, as the tool gets them."""

    words: str
    limits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ServicePlan:
    """What would be read of one service; `is_read` is False where it would be refused, and says so in the answer."""

    name: str
    state: str
    is_read: bool
    reads: tuple[PlannedRead, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A dry run: from when on things count, in the user's zone, and what each service is asked."""

    since: datetime
    time_zone: str
    services: tuple[ServicePlan, ...]


def make_plan(recipe: Recipe, *, statuses: Iterable[ServiceStatus], week: WorkingWeek, now: datetime) -> Plan:
    """Return what `recipe` would read at `now` for somebody with this week and these services, who never had one."""
    window = open_window(recipe, now=now, week=week)
    reads = recipe.plan(window)
    services = []
    for status in statuses:
        own = [read for read in reads if TOOLS[read.tool].provider == status.service.slug]
        planned = tuple(PlannedRead(TOOLS[read.tool].reads, _limits(read.arguments)) for read in own)
        is_read = status.state is ConnectionState.CONNECTED and not status.reconnect_reason
        services.append(ServicePlan(status.service.name, status.state.value, is_read, planned))
    return Plan(since=window.start, time_zone=str(week.time_zone), services=tuple(services))


def _limits(arguments: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(f"{name.replace('_', ' ')}: {_said(value)}" for name, value in arguments.items())


def _said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
