"""When each of a user's accounts was last read by a token, and which scopes that was for. It reads no other user's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Max, QuerySet

from audit.events import Event
from audit.models import AuditEvent
from audit.timeline import reading
from audit.wording import what_is_read


@dataclass(frozen=True, slots=True)
class LastUse:
    """When a token for an account was last given out, and what that was to read, as in `your activity on GitHub`.

    `run` is the run that read, "" where it was none: then `client` is the program that did.
    """

    used_at: datetime
    what: str
    run: str
    client: str


@dataclass(frozen=True, slots=True)
class Use:
    """What became of an account: its last use, None for never, and each scope that was asked for since an instant."""

    last: LastUse | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)


def list_uses(connected: Mapping[str, datetime], *, user: str, since: datetime) -> dict[str, Use]:
    """Return the use of each account of `user` that is asked for; three queries at most, however many these are.

    Args:
        connected: When each account was connected, by the id of its connection.
        user: The subject.
        since: The instant after which the scopes count. The last use may be older.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    granted = AuditEvent.objects.filter(
        user=user, event=Event.VAULT_EXCHANGE_GRANTED.value, connection__in=list(connected)
    )
    with reading():
        newest, scopes = _list_recent(granted.filter(occurred_at__gte=since))
        # Nothing was exchanged before there was a connection: who has been there for less is not looked for twice.
        older = [one for one, at in connected.items() if one not in newest and at < since]
        if older:
            first = min(connected[one] for one in older)
            newest |= _list_newest(granted.filter(connection__in=older, occurred_at__range=(first, since)))
        last = _load(newest.values())
    return {one: Use(last.get(one), frozenset(scopes.get(one, ()))) for one in connected}


def _list_recent(granted: QuerySet[AuditEvent]) -> tuple[dict[str, int], dict[str, set[str]]]:
    """Return the id of the newest event of each connection, and each scope that was asked for."""
    newest: dict[str, int] = {}
    scopes: dict[str, set[str]] = {}
    for connection, asked, last in granted.values_list("connection", "scope_asked").annotate(last=Max("id")):
        newest[connection] = max(last, newest.get(connection, 0))
        scopes.setdefault(connection, set()).update(asked.split())
    return newest, scopes


def _list_newest(granted: QuerySet[AuditEvent]) -> dict[str, int]:
    return dict(granted.values_list("connection").annotate(last=Max("id")))


def _load(ids: Iterable[int]) -> dict[str, LastUse]:
    return {
        event.connection: LastUse(
            event.occurred_at,
            what=what_is_read(provider=event.provider, tool=event.tool),
            run=event.run,
            client=event.client,
        )
        for event in AuditEvent.objects.filter(id__in=list(ids))
    }
