"""Erases a person from the audit: what is personal in their events opens never again, and the log still verifies."""

from django.db import Error

from audit import personal
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.record import record


def erase(user: str) -> None:
    """Destroy the key of the subject `user`, on record. Sync; for good, and safe to repeat.

    Raises:
        AuditUnavailableError: It could not be recorded or done: nothing is erased.
    """
    record(Entry(event=Event.AUDIT_SUBJECT_ERASED, user=user))
    try:
        personal.erase(user)
    except Error as error:
        raise AuditUnavailableError("The audit database did not erase the key.") from error
