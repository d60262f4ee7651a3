"""`manage.py audit_key`: prints the public keys of the audit's log, for AUDIT_LOG_VERIFIERS and for who checks exports.

With `--new` it prints a new private key instead, for AUDIT_LOG_KEY, and with `--new-personal` one for
AUDIT_PERSONAL_KEY; it stores nothing.
"""

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import log_keys, personal_keys
from audit.checkpoint import new_pem


class Command(BaseCommand):
    """Print keys of the log."""

    help = "Print the public keys of the audit's log, or with --new a new private one. Nothing is stored."
    # A process whose key is missing needs the key before its checks pass.
    requires_system_checks = []  # noqa: RUF012  (Django declares it so)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        new = parser.add_mutually_exclusive_group()
        new.add_argument("--new-personal", action="store_true", help="print a new key for AUDIT_PERSONAL_KEY")
        new.add_argument("--new", action="store_true", help="print a new private key (PEM)")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command."""
        if options["new"]:
            self.stdout.write(new_pem(), ending="")
            return
        if options["new_personal"]:
            self.stdout.write(personal_keys.new_entry())
            return
        try:
            keys = log_keys.current()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        self.stdout.write(",".join(map(str, keys.verifiers)))
