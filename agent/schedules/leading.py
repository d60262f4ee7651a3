"""Which process looks for what is due, and whether any does: a row that whoever looks renews. Sync and short."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from agent.schedule_models import Leader, Occurrence
from agent.schedules.types import OccurrenceState

# After two looks of a minute each that it missed, another process leads; where there is none, nothing is made.
LEASE = timedelta(minutes=3)
_TASK = "schedules"


@dataclass(frozen=True, slots=True)
class Attendance:
    """Whether anybody runs the schedules; `seen_at` is when somebody last looked for what is due, if it is known."""

    is_attended: bool
    seen_at: datetime | None


def lead(*, owner: str, now: datetime) -> bool:
    """Take or keep the task of looking for what is due, which one does at a time; False while another one does it."""
    rows = Leader.objects.filter(name=_TASK)
    if rows.filter(Q(owner=owner) | Q(until__lt=now)).update(owner=owner, until=now + LEASE):
        return True
    _, is_new = rows.get_or_create(name=_TASK, defaults={"owner": owner, "until": now + LEASE})
    return is_new


def resign(*, owner: str) -> None:
    """Leave the task to whoever asks next."""
    Leader.objects.filter(name=_TASK, owner=owner).delete()


def find_attendance(*, now: datetime) -> Attendance:
    """Return whether somebody looked lately, or runs a briefing now: workers that are all at one look for no other."""
    until = Leader.objects.filter(name=_TASK).values_list("until", flat=True).first()
    going_on = Occurrence.objects.filter(state=OccurrenceState.RUNNING, lease_until__gte=now)
    is_attended = (until is not None and until >= now) or going_on.exists()
    return Attendance(is_attended, seen_at=until - LEASE if until else None)
