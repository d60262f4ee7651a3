"""What a user's schedules are called. The agent knows and says so; this app imports it not."""

from collections.abc import Callable, Iterable, Mapping
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


# The schedules of a user, a subject, by the agent that acts for each; and the one that began a run, by the run's id.
Names = Callable[[str], Mapping[str, ScheduleName]]
Beginner = Callable[[str, str], ScheduleName | None]

_names: list[Names] = []
_beginners: list[Beginner] = []


def register_schedules(names: Names, *, beginner: Beginner) -> None:
    """Take names from `names`, and who began a run from `beginner`, each time they are asked for."""
    _names.append(names)
    _beginners.append(beginner)


def list_readings(user: str, *, grants: Iterable[Grant], provider: str) -> tuple[ScheduleReading, ...]:
    """Return which of the user's schedules hold a grant for a service. Sync, since it may read a table."""
    known = {agent: name for names in _names for agent, name in names(user).items()}
    now = timezone.now()
    return tuple(
        ScheduleReading(known[grant.agent], grant.expires_at, has_expired=grant.expires_at <= now)
        for grant in grants
        if provider in grant.providers and grant.agent in known
    )


def find_beginner(user: str, *, run: str) -> ScheduleName | None:
    """Return the user's schedule that began a run; None where they asked themselves, or it is deleted. Sync."""
    found = (beginner(user, run) for beginner in _beginners)
    return next((one for one in found if one is not None), None)
