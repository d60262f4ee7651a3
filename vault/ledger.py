"""The vault's audit events: what must be recorded before anything leaves, and what must not wait for the audit.

Widening (an exchange, a restore) is refused when it cannot be recorded; narrowing (a revoke, a disconnect) happens
all the same, and its event waits in the outbox. Sync; called on a database thread.
"""

import logging

from django.db import DatabaseError, connections, transaction

from audit.errors import AuditUnavailableError
from audit.events import Entry
from audit.record import Recorded, append, record
from vault.database import ALIAS
from vault.errors import VaultUnavailableError
from vault.store import outbox

logger = logging.getLogger(__name__)


class _Outbox:
    """Whether this process should look into the outbox; True at start, since the last process may have left events."""

    may_hold_events = True


def require(entry: Entry) -> Recorded:
    """Commit `entry` to the audit and return its row.

    Raises:
        VaultUnavailableError: It could not be committed: what it tells of must not happen.
        audit.errors.ActorTokenReplayedError: The entry's actor token was recorded before.
    """
    try:
        return append(entry)
    except AuditUnavailableError:
        raise VaultUnavailableError from None


def note(entry: Entry) -> None:
    """Commit `entry` to the audit, or to the outbox in the caller's transaction when the audit does not take it."""
    try:
        record(entry)
    except AuditUnavailableError:
        logger.warning("vault.audit.deferred", extra={"audit_event": entry.event.value})
        promise(entry)


def promise(entry: Entry) -> None:
    """Keep `entry` in the caller's transaction for `drain`: a process that dies after it leaves the event to others."""
    outbox.add(entry)
    transaction.on_commit(_expect_events, using=ALIAS)


def drain() -> None:
    """Record what waits in the outbox, if anything may; called outside transactions, after the audit answered."""
    if not _Outbox.may_hold_events:
        return
    _Outbox.may_hold_events = False
    try:
        outbox.drain(record)
    except AuditUnavailableError:
        _expect_events()
    except DatabaseError:
        # What the caller did is committed and must not be answered as if it were not; the events wait on.
        connections[ALIAS].close_if_unusable_or_obsolete()
        _expect_events()


def _expect_events() -> None:
    _Outbox.may_hold_events = True
