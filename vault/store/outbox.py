"""Audit events in the tables that wait for the audit to answer again. Each is recorded at least once, in order."""

from collections.abc import Callable
from dataclasses import asdict

from django.db import transaction

from audit.events import Entry, Event
from vault.database import ALIAS
from vault.models import OutboxEvent


def add(entry: Entry) -> None:
    """Keep `entry` in the caller's transaction: it is there if, and only if, the change it tells of is."""
    OutboxEvent.objects.using(ALIAS).create(entry=asdict(entry))


def drain(record: Callable[[Entry], int]) -> None:
    """Pass every waiting entry to `record`, oldest first, and delete it once that returned; stops at what it raises."""
    while True:
        with transaction.atomic(using=ALIAS):
            row = OutboxEvent.objects.using(ALIAS).order_by("id").select_for_update().first()
            if row is None:
                return
            record(Entry(**row.entry | {"event": Event(row.entry["event"])}))
            row.delete(using=ALIAS)
