"""The timeline's queries: one user's events by falling id, each answered in the order of an index, without a sort.

Whatever is filtered, an index leads to the rows of one user, and where few of these may fit, to those few.
"""

from datetime import datetime

from django.db.models import BooleanField, F, QuerySet, TextField, Value
from django.db.models.expressions import RawSQL
from django.db.models.functions import Coalesce

from audit.events import Outcome
from audit.models import AuditEvent

# Both repeat the conditions of indexes (`audit.models`) word for word: SQLite uses a partial index for no other query,
# and for none whose condition is a parameter. Source: https://www.sqlite.org/partialindex.html, section 3.
_NOT_GRANTED = RawSQL("NOT (audit_event.outcome = 'granted')", (), output_field=BooleanField())
_IN_A_RUN = RawSQL("NOT (audit_event.run = '')", (), output_field=BooleanField())


def select(
    *, user: str, provider: str = "", outcome: str = "", run: str = "", event: str = "", before: int | None = None
) -> QuerySet[AuditEvent]:
    """Return the events of `user` that fit every filter, with ids below `before`, the newest first; "" filters nothing.

    Lazy: it costs what is taken of it.
    """
    events = AuditEvent.objects.filter(user=user).order_by("-id")
    if run:
        events = events.filter(_IN_A_RUN, run=run)
    wanted = {"provider": provider, "outcome": outcome, "event": event}
    for column, value in wanted.items():
        if value:
            events = _narrow(events, column=column, value=value, is_run_known=bool(run))
    return events if before is None else events.filter(id__lt=before)


def find_id_before(at: datetime, *, user: str) -> int | None:
    """Return the id of the user's last event before the instant `at`, None if there is none.

    It is where a page begins that jumps to a date. Clocks may have stepped back: events are ordered by id, not by time.
    """
    events = AuditEvent.objects.filter(user=user, occurred_at__lt=at).order_by("-occurred_at", "-id")
    return events.values_list("id", flat=True).first()


def _narrow(events: QuerySet[AuditEvent], *, column: str, value: str, is_run_known: bool) -> QuerySet[AuditEvent]:
    if is_run_known:
        # A run has few events. As a call the column matches no index, so none can be preferred to that of the run.
        name = f"no_index_{column}"
        return events.alias(**{name: Coalesce(F(column), Value(""), output_field=TextField())}).filter(**{name: value})
    if column == "outcome" and value != Outcome.GRANTED:
        events = events.filter(_NOT_GRANTED)
    return events.filter(**{column: value})
