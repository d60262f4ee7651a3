"""`manage.py audit_export --user user:1 | --all`: writes events, proofs and checkpoints as lines of JSON.

Lines hold what the audit holds of a person: names, accounts, times. Who is given the whole log is given everybody's.
Each export is on record before its first line, with the person whose events it is of.
"""

from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from audit import export, log_keys, pin
from audit.errors import AuditError, AuditUnavailableError
from audit.events import Entry, Event
from audit.record import record


class Command(BaseCommand):
    """Export the audit for `tools/verify_audit.py`."""

    help = "Write audit events with their proofs to standard output, for tools/verify_audit.py."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        whose = parser.add_mutually_exclusive_group(required=True)
        whose.add_argument("--user", default="", metavar="user:ID", help="one person's events, each with its proof")
        whose.add_argument("--all", action="store_true", help="everybody's events, and every checkpoint")
        parser.add_argument("--pin", type=Path, help="a checkpoint kept elsewhere, from which the log must go on")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command."""
        user = options["user"]
        if not options["all"] and not user.startswith("user:"):
            raise CommandError("A person is named as user:ID.")
        try:
            pinned = self._read(options["pin"])
            keys = log_keys.current()
            # SECURITY: no copy without its row.
            record(Entry(event=Event.AUDIT_EVENTS_EXPORTED, user=user, reason="operator" if user else "operator_all"))
            for line in export.lines(keys, user=user, pinned=pinned):
                self.stdout.write(line, ending="")
        except AuditUnavailableError as error:
            raise CommandError("Nothing is exported: the audit database does not take the event of it.") from error
        except (AuditError, ImproperlyConfigured, Error) as error:
            raise CommandError(f"The export is not complete ({type(error).__name__}).") from error

    def _read(self, path: Path | None) -> list[str]:
        note = pin.find(path) if path else None
        if path and note is None:
            raise CommandError(f"There is no {path}.")
        return [note] if note else []
