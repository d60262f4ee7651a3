"""`manage.py audit_retain --older-than DAYS`: removes expired audit events. It cannot be undone.

Whole sealed segments alone, from the log's beginning: a segment that holds one younger event stays. Where web and vault
have roles of their own, it runs in the vault's place as the role that may remove (docs/deployment.md).
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from audit import log_keys, retention
from audit.errors import AuditError


class Command(BaseCommand):
    """Remove what has expired."""

    help = "Remove sealed segments of the audit whose events are all older than so many days. The log still verifies."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument(
            "--older-than",
            type=int,
            default=getattr(settings, "AUDIT_RETENTION_DAYS", 0),
            metavar="DAYS",
            help="AUDIT_RETENTION_DAYS, if it is set",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command."""
        days = options["older_than"]
        if days < 1:
            raise CommandError("Say with --older-than how many days events are kept: 1 or more.")
        try:
            removed = retention.remove_older(log_keys.current(), days=days)
        except Error as error:
            raise CommandError(f"The audit lets nothing be removed ({type(error).__name__}).") from error
        except (AuditError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{removed.events} events were removed.")
