"""The read side of the audit: one user's events, newest first, in plain sentences. It never reads another user's."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from django.db import Error
from django.utils.translation import get_language, gettext, gettext_noop

from audit import log, proofs, turned_off
from audit.errors import AuditUnavailableError, BrokenProofError
from audit.events import Outcome
from audit.models import AuditEvent
from audit.proofs import Proof
from audit.wording import OUTCOME_NAMES, sentence_of, size_of, surplus_of

# The largest id a row can have, on both databases.
MAX_ID = 2**63 - 1

_DETAILS = (
    (gettext_noop("Reason"), "reason"),
    (gettext_noop("Tool"), "tool"),
    (gettext_noop("Account"), "account"),
    (gettext_noop("Scopes asked for"), "scope_asked"),
    (gettext_noop("Scopes granted"), "scope_granted"),
    (gettext_noop("Method"), "method"),
    (gettext_noop("Path"), "path"),
    (gettext_noop("Exchange"), "exchange"),
    (gettext_noop("Connection"), "connection"),
    (gettext_noop("Client"), "client"),
    (gettext_noop("Run"), "run"),
    (gettext_noop("Tool call"), "tool_call"),
    (gettext_noop("Token fingerprint"), "token_fingerprint"),
    (gettext_noop("Request id of the service"), "provider_request_id"),
)


@dataclass(frozen=True, slots=True)
class Paired:
    """An event of an exchange: its number, its sentence, and whether it handed the token out or was read with it."""

    id: int
    sentence: str
    is_issued: bool


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """One event as the timeline shows it; `details` are (label, value) pairs of what is known.

    `pairs` are the events of its exchange, itself among them, where one event was asked for (`audit.finding.find_row`).
    `is_switched_off` tells whether it was refused since a switch was off: then `audit.why` tells which.
    """

    id: int
    user: str
    occurred_at: datetime
    event: str
    outcome: Outcome
    outcome_name: str
    provider: str
    run: str
    tool: str
    token: str
    exchange: str
    sentence: str
    details: tuple[tuple[str, str], ...]
    pairs: tuple[Paired, ...] = ()
    is_switched_off: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Rows by falling id; `next_cursor` is the `before` of the next page, or None on the last.

    `looked_back_to` is as in `audit.finding.Found`.
    """

    rows: tuple[TimelineRow, ...]
    next_cursor: int | None
    looked_back_to: datetime | None = None


def find_sealed_to() -> int:
    """Return the id of the last event in the signed log, 0 before the first.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    with reading():
        last = log.find_last_leaf()
    return last.event_id if last else 0


def find_proof(event_id: int, *, user: str) -> Proof | None:
    """Return what shows an event of `user` to be in the log; None if it is not theirs, not sealed, or not provable.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    with reading(), suppress(BrokenProofError):
        return proofs.find_proof(event_id, user=user)
    return None


@contextmanager
def reading() -> Iterator[None]:
    """Turn what the database raises into this app's error, wherever rows are read for a page."""
    try:
        yield
    except Error as error:
        raise AuditUnavailableError("The audit database does not answer.") from error


def row_of(event: AuditEvent, *, pairs: tuple[Paired, ...] = ()) -> TimelineRow:
    """Return an event as the timeline shows it, with the events of its exchange."""
    return TimelineRow(
        id=event.id,
        user=event.user,
        occurred_at=event.occurred_at,
        event=event.event,
        outcome=Outcome(event.outcome),
        outcome_name=gettext(OUTCOME_NAMES[Outcome(event.outcome)]),
        provider=event.provider,
        run=event.run,
        tool=event.tool,
        token=event.token_fingerprint,
        exchange=event.exchange,
        sentence=sentence_of(event),
        details=_details(event),
        pairs=pairs,
        is_switched_off=turned_off.is_told_by(event),
    )


@lru_cache(maxsize=8)
def _labels(_language: str | None) -> tuple[tuple[str, str], ...]:
    """Return the labels in the language that is spoken: a page would ask for their words a thousand times."""
    return tuple((gettext(label), name) for label, name in _DETAILS)


def _details(event: AuditEvent) -> tuple[tuple[str, str], ...]:
    texts = [(label, value) for label, name in _labels(get_language()) if (value := getattr(event, name))]
    if " → " in event.reason:
        # The reason comes first.
        texts[0] = (gettext("Changed"), event.reason)
    if surplus := surplus_of(event):
        texts.append((gettext("Beyond what was asked"), surplus))
    if event.status is not None:
        texts.append((gettext("Status"), str(event.status)))
    if event.size_bytes is not None:
        texts.append((gettext("Size"), size_of(event.size_bytes)))
    if event.duration_ms is not None:
        texts.append((gettext("Duration"), gettext("{ms} ms").format(ms=event.duration_ms)))
    return tuple(texts)
