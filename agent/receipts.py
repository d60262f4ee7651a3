"""What became of the exchanges of a run, by the receipts that came with their tokens, for its page."""

from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext, gettext_noop

from agent.transcript import CallTold
from audit import log_keys, timeline
from audit.errors import AuditUnavailableError
from audit.receipt import Standing, find_standings

_WORDS = {
    Standing.SEALED: gettext_noop("Proved: its event is in the signed log."),
    Standing.WAITING: gettext_noop("Not sealed yet: that takes about a second."),
    Standing.REMOVED: gettext_noop("Removed: its event had expired, and a signed note says so."),
    Standing.BROKEN: gettext_noop(
        "Broken: the log lacks its event, or holds another one. Tell whoever runs this installation."
    ),
}
_NONE = gettext_noop("It is not a receipt of this log.")
_UNKNOWN = gettext_noop("Whether its event is in the signed log cannot be looked up right now.")


def look_up(calls: Iterable[CallTold]) -> None:
    """Say of each call with a receipt, in place, what became of its exchange's event; sync, two short reads each."""
    held = [call for call in calls if call.receipt]
    try:
        with timeline.reading():
            standings = find_standings([call.receipt for call in held], keys=log_keys.current())
    except (AuditUnavailableError, ImproperlyConfigured):
        told = [_UNKNOWN] * len(held)
    else:
        told = [_WORDS[standing] if standing else _NONE for standing in standings]
    for call, words in zip(held, told, strict=True):
        call.standing = gettext(words)
