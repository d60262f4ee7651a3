"""`manage.py audit_erase_user user:1`: destroys the key of what is personal in somebody's events. It cannot be undone.

Deleting an account does so by itself; this is for who was deleted while the audit was away, and for who asks for it.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import erasure
from audit.errors import AuditUnavailableError


class Command(BaseCommand):
    """Erase a person from the audit."""

    help = "Make what is personal in somebody's audit events unreadable for good. Their events stay, and still verify."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("user", metavar="user:ID", help="whose events")
        parser.add_argument("--yes", action="store_true", help="do it; without it nothing is done")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command."""
        user = options["user"]
        kind, _, number = user.partition(":")
        if kind != "user" or not (number.isascii() and number.isdigit()):
            raise CommandError("A person is named as user:ID.")
        if not options["yes"]:
            raise CommandError(f"Nobody can undo this. To erase {user}, add --yes.")
        try:
            erasure.erase(user)
        except AuditUnavailableError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{user} is erased.")
