"""What a word of a sentence stands for in the table: rows hold codes, and a sentence is written in a reader's language.

So a word is looked for in our sentences, and the rows are asked for the codes of those that have it.
"""

from collections.abc import Iterable, Iterator

from django.db.models import Q
from django.utils.translation import gettext

from audit import turned_off, vocabulary
from audit.events import Event
from audit.models import AuditEvent
from audit.wording import reasons, sentence_of

# What a reason makes other words of than any other would.
_BY_REASON = (
    (Event.AUDIT_EVENTS_EXPORTED, "operator"),
    (Event.AUDIT_EVENTS_EXPORTED, "operator_all"),
    (Event.VAULT_CLIENT_LIMITED, "invalid_client"),
    (Event.VAULT_EXCHANGE_GRANTED, "schedule"),
)
# No code and no word that anybody looks for.
_UNKNOWN = "\0"


def rows_saying(word: str) -> Q:
    """Return the condition of events whose sentence has `word` in it, whatever its case.

    A sentence may quote a path or a program's id, which are looked for as well. Names of accounts are not: they are
    sealed.
    """
    folded = word.casefold()
    found = Q(event__in=_having(folded, _sentences()))
    for event, reason in _BY_REASON:
        if folded in _sentence(event, reason=reason).casefold():
            found |= Q(event=event, reason=reason)
    found |= Q(reason__in=_having(folded, reasons().items()))
    if _having(folded, (("", text) for text in turned_off.texts())):
        # By which switch is looked up for a page alone: who looks for any of these words finds all of them.
        found |= Q(reason__in=turned_off.REASONS)
    found |= Q(tool__in=_having(folded, ((name, gettext(text)) for name, text in vocabulary.reads().items())))
    found |= Q(provider__in=_having(folded, vocabulary.services().items()))
    for column in ("path", "client"):
        found |= Q(**{f"{column}__icontains": word})
    return found


def _sentences() -> Iterator[tuple[str, str]]:
    """Yield each event with its sentences as they are without names: a reason and a tool may choose other words."""
    for event in Event:
        yield event.value, f"{_sentence(event)} {_sentence(event, reason=_UNKNOWN)}"


def _sentence(event: Event, *, reason: str = "") -> str:
    tool = _UNKNOWN if reason else ""
    return sentence_of(AuditEvent(event=event.value, outcome=event.outcome.value, reason=reason, tool=tool))


def _having(folded: str, texts: Iterable[tuple[str, str]]) -> list[str]:
    return [code for code, text in texts if folded in text.casefold()]
