"""What belongs to one exchange: the event that handed a token out, and what was read with it, by the exchange's id."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from audit import query, timeline
from audit.events import Event
from audit.models import AuditEvent
from audit.timeline import Paired
from audit.wording import sentence_of

_EVENTS = (Event.VAULT_EXCHANGE_GRANTED, Event.AGENT_CALL_SUCCEEDED, Event.AGENT_CALL_FAILED)
# An exchange is read under a few times; a page of reads has as many exchanges as rows.
_MAX_ROWS = 500


def find_pairs(events: Iterable[AuditEvent], *, user: str) -> Mapping[str, tuple[Paired, ...]]:
    """Return by exchange what `events` of `user` belong to, the oldest first; one that nothing was read with is alone.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    exchanged = [one for one in events if one.exchange and one.run]
    if not exchanged:
        return {}
    found: dict[str, list[Paired]] = defaultdict(list)
    with timeline.reading():
        for one in query.list_of_exchanges(exchanged, user=user).filter(event__in=_EVENTS)[:_MAX_ROWS]:
            is_issued = one.event == Event.VAULT_EXCHANGE_GRANTED
            found[one.exchange].append(Paired(one.id, sentence_of(one), is_issued=is_issued))
    return {exchange: tuple(reversed(pairs)) for exchange, pairs in found.items()}
