"""The timeline's queries: one user's events by falling id, each answered in the order of an index, without a sort.

Whatever is filtered, an index leads to the rows of one user, and where few of these may fit, to those few.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import BooleanField, F, Q, QuerySet, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from audit.events import BEGINNINGS, SCHEDULE_PREFIX, Event, Outcome
from audit.models import AuditEvent

# Both repeat the conditions of indexes (`audit.models`) word for word: SQLite uses a partial index for no other query,
# and for none whose condition is a parameter. Source: https://www.sqlite.org/partialindex.html, section 3.
_NOT_GRANTED = RawSQL("NOT (audit_event.outcome = 'granted')", (), output_field=BooleanField())
_IN_A_RUN = RawSQL("NOT (audit_event.run = '')", (), output_field=BooleanField())
_WITH_A_TOKEN = RawSQL("NOT (audit_event.token_fingerprint = '')", (), output_field=BooleanField())

# More events than all users together write while one run lasts.
RUN_SPAN = 20_000
_OPERATORS = (
    *(Event.ACCOUNT_TOKEN_ISSUED, Event.AUDIT_AUDITOR_APPOINTED, Event.AUDIT_AUDITOR_DISMISSED),
    *(Event.AUDIT_KEY_ROTATED, Event.PERMISSION_ACCESS_WITHDRAWN),
    Event.AUDIT_PERSONAL_ROTATED,
    *(Event.AUDIT_RETENTION_FAILED, Event.AUDIT_RETENTION_STARTED, Event.AUDIT_RETENTION_SUCCEEDED),
    *(Event.VAULT_CLIENT_CREATED, Event.VAULT_CLIENT_DISABLED, Event.VAULT_CLIENT_ENABLED, Event.VAULT_CLIENT_ROTATED),
    *(Event.VAULT_ROTATION_FAILED, Event.VAULT_ROTATION_STARTED, Event.VAULT_ROTATION_SUCCEEDED),
)
# Of a copy that is saved on a page the reason is another.
_EXPORTED_BY_AN_OPERATOR = Q(event=Event.AUDIT_EVENTS_EXPORTED, reason__in=("operator", "operator_all"))

# What a person does: signing in and out, saying what may be read, connecting, taking a copy.
_OWN = tuple(
    event
    for event in Event
    if event.startswith(("account:", "permission:", "vault:connection:")) or event.endswith(":exported")
    if event not in _OPERATORS
)

# Stands for all users, for an auditor alone: no subject is called so.
EVERYBODY = "*"


def select(
    *,
    user: str,
    provider: str = "",
    outcome: str = "",
    run: str = "",
    event: str = "",
    token: str = "",
    before: int | None = None,
) -> QuerySet[AuditEvent]:
    """Return the events of `user` that fit every filter, with ids below `before`, the newest first; "" filters nothing.

    Lazy: it costs what is taken of it. Of `EVERYBODY` only `token` has an index; the rest is looked for by falling id.
    """
    # A run has few events and a token is exchanged by one user: what else is asked for needs no index then.
    is_few = bool(run or token)
    events = AuditEvent.objects.order_by("-id")
    if token:
        events = events.filter(_WITH_A_TOKEN, token_fingerprint=token)
    if user != EVERYBODY:
        events = _plain(events, column="user", value=user) if token else events.filter(user=user)
    if run:
        events = _plain(events, column="run", value=run) if token else events.filter(_IN_A_RUN, run=run)
    wanted = {"provider": provider, "outcome": outcome, "event": event}
    for column, value in wanted.items():
        if value:
            events = _narrow(events, column=column, value=value, is_few=is_few)
    return events if before is None else events.filter(id__lt=before)


def list_exchanged(exchanges: Sequence[AuditEvent]) -> tuple[QuerySet[AuditEvent], QuerySet[AuditEvent]]:
    """Return some exchanges anew, and what was read under them: a run's reads have the id of their exchange."""
    again = AuditEvent.objects.filter(id__in=[one.id for one in exchanges])
    reads = AuditEvent.objects.filter(
        _IN_A_RUN,
        user__in={one.user for one in exchanges},
        run__in={one.run for one in exchanges},
        exchange__in={one.exchange for one in exchanges},
        token_fingerprint="",
    )
    return again, reads


def list_of_exchange(event: AuditEvent, *, user: str) -> QuerySet[AuditEvent]:
    """Return all events of `user` that have the exchange of this one, which is of a run, the newest first."""
    return AuditEvent.objects.filter(_IN_A_RUN, user=user, run=event.run, exchange=event.exchange).order_by("-id")


def find_floor(*, user: str, provider: str, outcome: str, before: int | None, rows: int) -> int | None:
    """Return the id below which a search that no index answers does not look yet: after `rows` rows; None for no end.

    It skips entries of the index that leads to the rows, and reads none of them.
    """
    if user == EVERYBODY:
        newest = before or (AuditEvent.objects.order_by("-id").values_list("id", flat=True).first() or 0) + 1
        return newest - rows if newest > rows else None
    # The index of `user` alone holds no outcome: nearly all events are granted.
    led_by = "" if outcome == Outcome.GRANTED else outcome
    ids = select(user=user, provider=provider, outcome=led_by, before=before).values_list("id", flat=True)
    return next(iter(ids[rows - 1 : rows]), None)


def made_by(actor: str, *, user: str, since: int) -> Q:
    """Return the condition of events with ids from `since` on that an actor of `audit.search` set off."""
    if actor == "schedule":
        return Q(reason="schedule") | Q(event=Event.AGENT_SCHEDULE_SKIPPED) | Q(run__in=_scheduled(user, since=since))
    if actor == "operator":
        return Q(event__in=_OPERATORS) | _EXPORTED_BY_AN_OPERATOR
    if actor == "agent":
        # Not as the indexes say it: none of them is to lead here.
        return Q(run__gt="")
    if actor == "you":
        return Q(event__in=_OWN) & ~Q(run__gt="", event__startswith="permission:") & ~_EXPORTED_BY_AN_OPERATOR
    if actor.startswith(SCHEDULE_PREFIX):
        return Q(client=actor) | Q(run__in=_scheduled(user, since=since, agent=actor))
    return Q(client=actor)


def _scheduled(user: str, *, since: int, agent: str = "") -> RawSQL:
    """Return a query for the runs that a schedule asked for, in the order of an index, by columns of its own.

    With an `agent` those of its schedule alone.
    """
    whose = "TRUE" if user == EVERYBODY else 'begun."user" = %s'
    which = "begun.client = %s" if agent else "TRUE"
    return RawSQL(  # noqa: S611  (names of ours; what was asked for are parameters)
        f"""SELECT begun.run FROM audit_event begun WHERE {whose} AND begun.id >= %s AND begun.outcome = 'noted'
            AND NOT (begun.outcome = 'granted') AND begun.event IN (%s, %s) AND begun.reason = 'schedule'
            AND {which}""",  # noqa: S608
        # A run begins before its reads, which may stand on the other side of the bound.
        (*([] if user == EVERYBODY else [user]), since - RUN_SPAN, *BEGINNINGS, *([agent] if agent else [])),
    )


def find_id_before(at: datetime, *, user: str) -> int | None:
    """Return the id of the user's last event before the instant `at`, None if there is none.

    It is where a page begins that jumps to a date. Clocks may have stepped back: events are ordered by id, not by time.
    """
    if user == EVERYBODY:
        return _find_id_of_all_before(at)
    events = AuditEvent.objects.filter(user=user, occurred_at__lt=at).order_by("-occurred_at", "-id")
    return events.values_list("id", flat=True).first()


def _find_id_of_all_before(at: datetime) -> int | None:
    """Return what `find_id_before` does, of all users: halving the ids, since no index has all users' times."""
    events = AuditEvent.objects.order_by("-id")
    low, high = 0, events.values_list("id", flat=True).first() or 0
    while low < high:
        middle = (low + high + 1) // 2
        found = events.filter(id__lte=middle).values_list("id", "occurred_at").first()
        if found is None or found[1] < at:
            low = middle
        else:
            high = found[0] - 1
    return max(low, high) if high > 0 else None


def _narrow(events: QuerySet[AuditEvent], *, column: str, value: str, is_few: bool) -> QuerySet[AuditEvent]:
    if is_few:
        return _plain(events, column=column, value=value)
    if column == "outcome" and value != Outcome.GRANTED:
        events = events.filter(_NOT_GRANTED)
    return events.filter(**{column: value})


def _plain(events: QuerySet[AuditEvent], *, column: str, value: str) -> QuerySet[AuditEvent]:
    """Narrow few events: as a call the column matches no index, so none can be preferred to the one that leads."""
    name = f"no_index_{column}"
    return events.alias(**{name: Coalesce(F(column), Value(""), output_field=TextField())}).filter(**{name: value})
