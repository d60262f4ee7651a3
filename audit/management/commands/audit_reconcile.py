"""`manage.py audit_reconcile`: finds calls without an exchange, and exchanges of runs that never began. Reads only.

Exit code 1 when something does not fit, 2 when it could not be checked.
"""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from audit import reconcile


class Command(BaseCommand):
    """Compare the agent's events with the vault's."""

    help = "Find calls of the agent that the vault knows no exchange of, and exchanges of runs that never began."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("--after", type=int, default=0, metavar="ID", help="only events with a larger id")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command."""
        try:
            found = reconcile.find_mismatch(after=options["after"])
        except Error as error:
            raise CommandError(f"The audit cannot be read ({type(error).__name__}).", returncode=2) from error
        for event_id in found.calls_without_exchange:
            self.stderr.write(f"Event {event_id}: a call without an exchange.")
        for event_id in found.exchanges_without_run:
            self.stderr.write(f"Event {event_id}: an exchange of a run that never began.")
        if found.calls_without_exchange or found.exchanges_without_run:
            sys.exit(1)
        self.stdout.write("Every call has its exchange, and every exchange of a run has its run.")
