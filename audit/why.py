"""Why something was read, or was not: from the question to what the user allowed, as far as their own events tell."""

from collections.abc import Iterable
from dataclasses import dataclass

from audit import personal, query, timeline, turned_off
from audit.events import BEGINNINGS, Event, Outcome
from audit.models import AuditEvent
from audit.timeline import TimelineRow

# A tool makes a few reads, and a call that asks first some events more.
_MAX_STEPS = 100
# What lets a service be read, until the next of them.
_ALLOWING = (Event.VAULT_CONNECTION_CONNECTED, Event.PERMISSION_ACCESS_RESTORED, Event.PERMISSION_ACCESS_RESUMED)
_AWAY = (Event.PERMISSION_AWAY_ENABLED,)
_GRANTS = (Event.PERMISSION_GRANT_CREATED, Event.PERMISSION_GRANT_RENEWED, Event.PERMISSION_GRANT_NARROWED)


@dataclass(frozen=True, slots=True)
class Why:
    """How a read came to be: `steps` are its tool call's events, the oldest first.

    `begun` is the beginning of its run, or of the look outside of one.

    `allowing` are the last events before it that let the service be read; each of these may be older than the log.
    `switch` is what had switched it off, of an event that was refused for that.
    """

    event: TimelineRow
    begun: TimelineRow | None
    steps: tuple[TimelineRow, ...]
    allowing: tuple[TimelineRow, ...]
    switch: TimelineRow | None = None


def find_why(event_id: int, *, user: str) -> Why | None:
    """Return why an event of `user` came to be; None for another's, and for one that is in no run.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    with timeline.reading():
        event = AuditEvent.objects.filter(user=user, id=event_id).first()
        if event is None or not event.run:
            return None
        of_run = query.select(user=user, run=event.run)
        begun = of_run.filter(event__in=BEGINNINGS).first()
        steps = _steps(event, user=user)
        allowing = _allowing(event, user=user, is_away=bool(begun and begun.reason == "schedule"))
        switch = turned_off.find_switch(event, user=user) if turned_off.is_told_by(event) else None
        personal.open_all([event, *steps, *allowing, *([switch] if switch else [])])
        turned_off.tell_all([event, *steps], user=user)
    return Why(
        timeline.row_of(event),
        timeline.row_of(begun) if begun else None,
        _rows(steps),
        _rows(allowing),
        timeline.row_of(switch) if switch else None,
    )


def _steps(event: AuditEvent, *, user: str) -> list[AuditEvent]:
    """Return what belongs to the same tool call; a program's exchange is of none."""
    of_call = query.select(user=user, run=event.run).filter(tool=event.tool, tool_call=event.tool_call)
    return list(of_call[:_MAX_STEPS])[::-1] if event.tool else [event]


def _allowing(event: AuditEvent, *, user: str, is_away: bool) -> list[AuditEvent]:
    if not event.provider:
        return []
    found = [_last(_ALLOWING, event=event, user=user, provider=event.provider)]
    if is_away:
        found += [_last(_AWAY, event=event, user=user, provider=event.provider), _last(_GRANTS, event=event, user=user)]
    return [one for one in found if one]


def _last(events: Iterable[Event], *, event: AuditEvent, user: str, provider: str = "") -> AuditEvent | None:
    noted = query.select(user=user, provider=provider, outcome=Outcome.NOTED, before=event.id)
    return noted.filter(event__in=[one.value for one in events]).first()


def _rows(events: Iterable[AuditEvent]) -> tuple[TimelineRow, ...]:
    return tuple(timeline.row_of(event) for event in events)
