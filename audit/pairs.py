"""What belongs to one exchange: the event that handed a token out, and what was read with it, by the exchange's id."""

from audit import query, timeline
from audit.events import Event
from audit.models import AuditEvent
from audit.timeline import Paired
from audit.wording import sentence_of

_EVENTS = (Event.VAULT_EXCHANGE_GRANTED, Event.AGENT_CALL_SUCCEEDED, Event.AGENT_CALL_FAILED)
# A token is read with a few times; of more, the newest are told.
_MAX_ROWS = 100


def find_pairs(event: AuditEvent, *, user: str) -> tuple[Paired, ...]:
    """Return what belongs to the exchange of an event of `user`, the oldest first; nothing without a run.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    if not event.exchange or not event.run:
        return ()
    with timeline.reading():
        found = list(query.list_of_exchange(event, user=user).filter(event__in=_EVENTS)[:_MAX_ROWS])
    return tuple(
        Paired(one.id, sentence_of(one), is_issued=one.event == Event.VAULT_EXCHANGE_GRANTED) for one in found[::-1]
    )
