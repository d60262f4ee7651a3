"""What the search field offers to complete: the qualifiers and, where there are few, their values in words of ours."""

from collections.abc import Iterable, Mapping

from django.utils.translation import gettext, gettext_noop

from audit import vocabulary
from audit.events import Event
from audit.search import ACTORS, AUDITOR_QUALIFIERS, QUALIFIERS
from audit.wording import OUTCOME_NAMES, reasons

_HINTS: Mapping[str, str] = {
    "actor": gettext_noop("who set it off"),
    "after": gettext_noop("from a day on, as 2026-11-01"),
    "before": gettext_noop("until the day before, as 2026-11-01"),
    "event": gettext_noop("what happened, or how it begins or ends"),
    "outcome": gettext_noop("how it ended"),
    "reason": gettext_noop("why, as a code"),
    "run": gettext_noop("one question and its answer, by its id"),
    "service": gettext_noop("which service"),
    "token": gettext_noop("what a token was exchanged for, by its fingerprint"),
    "tool": gettext_noop("what read, by its name"),
    "user": gettext_noop("whose, by the user's number"),
}
_ACTOR_HINTS: Mapping[str, str] = {
    "agent": gettext_noop("in a run"),
    "operator": gettext_noop("who runs this installation"),
    "schedule": gettext_noop("while you were away"),
    "you": gettext_noop("on a page, by hand"),
}


def completions(*, is_auditor: bool = False) -> dict[str, list[tuple[str, str]]]:
    """Return (value, hint) pairs by qualifier; under "" the qualifiers themselves."""
    return {
        "": [(f"{name}:", gettext(_HINTS[name])) for name in (AUDITOR_QUALIFIERS if is_auditor else QUALIFIERS)],
        "service": list(vocabulary.services().items()),
        "outcome": [(value.value, gettext(name)) for value, name in OUTCOME_NAMES.items()],
        "actor": [(name, gettext(_ACTOR_HINTS[name])) for name in ACTORS],
        "event": [(name, "") for name in _event_names()],
        "tool": [(name, gettext(words)) for name, words in vocabulary.reads().items()],
        "reason": list(reasons().items()),
    }


def _event_names() -> Iterable[str]:
    """Return the beginnings that several events share, and the events."""
    beginnings = dict.fromkeys(event.rpartition(":")[0] for event in Event)
    return [*beginnings, *(event.value for event in Event)]
