"""`manage.py audit_rotate_personal_key`: seals the keys of what is personal in the audit with a new AUDIT_PERSONAL_KEY.

Exit code 1 when a key does not open: until it does, the old AUDIT_PERSONAL_KEY has to stay.
"""

import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from audit import personal_rotation
from audit.errors import AuditUnavailableError


class Command(BaseCommand):
    """Move the subjects' keys to the current key."""

    help = (
        "Seal the keys of what is personal in the audit with the first key of AUDIT_PERSONAL_KEY. Run it again at will."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run the command."""
        try:
            report = personal_rotation.rotate()
        except (AuditUnavailableError, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from None
        except Error as error:
            raise CommandError(f"The audit does not let its keys be changed ({type(error).__name__}).") from error
        self.stdout.write(f"{report.rewrapped} keys were sealed with the first key of AUDIT_PERSONAL_KEY.")
        for user in report.broken:
            self.stderr.write(f"does not open: the key of {user}")
        if report.broken:
            sys.exit(1)
        self.stdout.write("No key needs an earlier one any more.")
