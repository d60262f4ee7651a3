"""When and by whom a service was switched off that was not read: its owner for good or for a while, or an operator.

The rows of what was refused say only that it was; the switch has an event of its own, which is looked for.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.utils.dateformat import format as format_date
from django.utils.translation import gettext, gettext_noop

from audit import query, vocabulary
from audit.events import Event, Outcome
from audit.models import AuditEvent
from audit.query import EVERYBODY

# The causes of the vault and of the gate that mean a switch.
REASONS = ("access_paused", "revoked")

# On the same day, and on another one.
_WORDS: Mapping[str, tuple[str, str]] = {
    Event.PERMISSION_ACCESS_PAUSED: (
        gettext_noop("you paused it at {at} until {until}"),
        gettext_noop("you paused it on {at} until {until}"),
    ),
    Event.PERMISSION_ACCESS_REVOKED: (gettext_noop("you revoked it at {at}"), gettext_noop("you revoked it on {at}")),
    Event.PERMISSION_ACCESS_WITHDRAWN: (
        gettext_noop("an operator turned it off at {at}"),
        gettext_noop("an operator turned it off on {at}"),
    ),
}
_SWITCHES = (*_WORDS, Event.PERMISSION_ACCESS_RESTORED, Event.PERMISSION_ACCESS_RESUMED)
# What a switch that was off already says of what it changed: nothing.
_NO_CHANGE = "revoked → revoked"
# As the vault writes it (`vault.store.connections.tell_switch`).
_UNTIL = re.compile(r"→ paused until (\d{4}-\d{2}-\d{2} \d{2}:\d{2}) UTC")
# Each asks once; of one page more is told by the code alone.
_MAX_ASKED = 10


def texts() -> Iterable[str]:
    """Return what a sentence may say of a switch, in the reader's language."""
    return (gettext(text) for pair in _WORDS.values() for text in pair)


def is_told_by(event: AuditEvent) -> bool:
    """Tell whether an event was refused since a switch was off."""
    return bool(event.provider) and event.reason in REASONS and event.outcome in (Outcome.DENIED, Outcome.FAILED)


def find_switch(event: AuditEvent, *, user: str) -> AuditEvent | None:
    """Return what had switched off the account that an event was refused for, or the service if it names none.

    None where the record does not go back to it, or tells of another switch since.

    Raises:
        django.db.Error: The database failed.
    """
    found = _find_last(event, user=user)
    return found if found and found.event in _WORDS else None


def tell_all(events: Iterable[AuditEvent], *, user: str) -> None:
    """Put into words, in place, why those of `events` were refused that a switch was off for; nothing of `EVERYBODY`.

    One query for each service and switch on a page, none where nothing was refused for one.

    Raises:
        django.db.Error: The database failed.
    """
    refused = [event for event in events if is_told_by(event)] if user != EVERYBODY else []
    found = list(_switches_of(refused, user=user))
    # Asked for only where it is needed: it is a table of another database.
    if found:
        zone = vocabulary.zone_of(user)
        for event, switch in found:
            event.because = words_of(switch, refused_at=event.occurred_at, zone=zone)


def _switches_of(refused: Iterable[AuditEvent], *, user: str) -> Iterator[tuple[AuditEvent, AuditEvent]]:
    """Yield each event with what had switched it off, where that is known, the newest first."""
    last: dict[tuple[str, str], tuple[int, AuditEvent | None]] = {}
    asked = 0
    for event in sorted(refused, key=lambda one: -one.id):
        place = (event.provider, event.connection)
        since, switch = last.get(place, (event.id, None))
        # All that was refused after a switch has it for its last; what was before needs another look.
        if event.id <= since:
            if asked == _MAX_ASKED:
                return
            asked += 1
            switch = _find_last(event, user=user)
            last[place] = (switch.id if switch else 0, switch)
        if switch and switch.event in _WORDS:
            yield event, switch


def words_of(switch: AuditEvent, *, refused_at: datetime, zone: ZoneInfo) -> str:
    """Return `you revoked it at 08:59`, in the user's zone, with the day where it is another than `refused_at`'s.

    The page's other times are in UTC, so that any other zone is named.
    """
    until = _UNTIL.search(switch.reason)
    if switch.event == Event.PERMISSION_ACCESS_PAUSED and until is None:
        return gettext("you paused it")
    on_the_day, on_another = _WORDS[switch.event]
    is_same_day = switch.occurred_at.astimezone(zone).date() == refused_at.astimezone(zone).date()
    told = {"at": _told(switch.occurred_at, refused_at=refused_at, zone=zone)}
    if until:
        ends_at = datetime.strptime(until[1], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
        told["until"] = _told(ends_at, refused_at=refused_at, zone=zone)
    return gettext(on_the_day if is_same_day else on_another).format(**told)


def _told(at: datetime, *, refused_at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    clock = gettext("H:i") if not local.utcoffset() else gettext("H:i T")
    is_same_day = local.date() == refused_at.astimezone(zone).date()
    return format_date(local, clock if is_same_day else f"{gettext('j F Y')}, {clock}")


def _find_last(event: AuditEvent, *, user: str) -> AuditEvent | None:
    """Return what last switched the account of an event on or off before it; of one that names none, the service."""
    noted = query.select(user=user, provider=event.provider, outcome=Outcome.NOTED, before=event.id)
    switches = noted.filter(event__in=_SWITCHES).exclude(reason=_NO_CHANGE)
    return (switches.filter(connection=event.connection) if event.connection else switches).first()
