"""What a user's schedules are called. The agent knows and says so; this app does not import it."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from vault.client import Grant


@dataclass(frozen=True, slots=True)
class ScheduleName:
    """One schedule as other pages name it."""

    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class ScheduleReading:
    """A schedule that may read a service until an instant, or might until then."""

    schedule: ScheduleName
    until: datetime
    has_expired: bool


# The schedules of a user, a subject, by the agent that acts for each; and those that began runs, by the runs' ids.
Names = Callable[[str], Mapping[str, ScheduleName]]
Beginners = Callable[[str, Collection[str]], Mapping[str, ScheduleName]]

_names: list[Names] = []
_beginners: list[Beginners] = []


def register_schedules(names: Names, *, beginners: Beginners) -> None:
    """Take names from `names`, and who began runs from `beginners`, each time they are asked for."""
    _names.append(names)
    _beginners.append(beginners)


def list_readings(user: str, *, grants: Iterable[Grant], provider: str) -> tuple[ScheduleReading, ...]:
    """Return which of the user's schedules hold a grant for a service. Sync, since it may read a table."""
    known = {agent: name for names in _names for agent, name in names(user).items()}
    now = timezone.now()
    return tuple(
        ScheduleReading(known[grant.agent], grant.expires_at, has_expired=grant.expires_at <= now)
        for grant in grants
        if provider in grant.providers and grant.agent in known
    )


def list_beginners(user: str, *, runs: Collection[str]) -> dict[str, ScheduleName]:
    """Return the user's schedules by the runs that they began; none for those that they asked for. Sync."""
    return {run: name for beginners in _beginners for run, name in beginners(user, runs).items()} if runs else {}
