"""Moves the subjects' keys to a new AUDIT_PERSONAL_KEY, while events go on being recorded under them. No event changes.

Old and new are both in the setting meanwhile, the new one first. It can be cut off and run again.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import connections

from audit import overwriting, personal, personal_keys
from audit.events import Entry, Event
from audit.record import DATABASE, record

_BATCH = 200


@dataclass(frozen=True, slots=True)
class Report:
    """How many keys were sealed anew, and whose no key in AUDIT_PERSONAL_KEY opens."""

    rewrapped: int
    broken: tuple[str, ...]


def rotate() -> Report:
    """Seal every subject's key with the current key, on record. Sync.

    Raises:
        AuditUnavailableError: It could not be recorded: no key was moved.
        django.core.exceptions.ImproperlyConfigured: There is no key to seal with.
        django.db.Error: The database failed, or does not let this process's role do it.
    """
    personal_keys.parse(settings.AUDIT_PERSONAL_KEY)
    record(Entry(event=Event.AUDIT_PERSONAL_ROTATED, user=""))
    rewrapped, after = 0, ""
    broken: list[str] = []
    while batch := personal.rewrap_batch(after=after, limit=_BATCH):
        rewrapped, after = rewrapped + batch.rewrapped, batch.last
        broken += batch.broken
    overwriting.cut_write_ahead_log(connections[DATABASE])
    return Report(rewrapped, tuple(broken))
