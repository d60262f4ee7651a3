"""`manage.py vault_rotate_key`: moves all sealed records to the newest key while the vault goes on serving.

Exit code 1 when a record did not open or an older key is still in use somewhere.
"""

import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.progress import Progress
from vault import keyring, rotation
from vault.errors import VaultError
from vault.rotation import Report
from vault.store import sealed


class Command(BaseCommand):
    """Rewrap data keys with the newest key-encryption key."""

    help = "Move everything that older key-encryption keys sealed to the newest one. Can be cut off and run again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("--dry-run", action="store_true", help="count the records by key version, change nothing")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command."""
        try:
            if options["dry_run"]:
                self._count()
            else:
                self._rotate()
        except (ImproperlyConfigured, VaultError) as error:
            raise CommandError(str(error)) from None

    def _count(self) -> None:
        newest = keyring.current().sealing_version()
        for version, count in sealed.count_by_version().items():
            state = "to be moved" if version < newest else "current" if version == newest else "newer"
            self.stdout.write(f"key version {version}: {count} records, {state}")

    def _rotate(self) -> None:
        progress = Progress(sys.stderr, total=rotation.count_unsettled(), what="records")
        report = rotation.rotate(show=progress.show)
        progress.end()
        self.stdout.write(f"{report.rewrapped} records moved to key version {report.version}.")
        if not report.is_complete:
            self._complain(report)
            sys.exit(1)

    def _complain(self, report: Report) -> None:
        for broken in report.broken:
            self.stderr.write(
                f"does not open: {broken.column} {broken.row}"
                f" (connection {broken.connection or '-'}, {broken.provider or '-'}, {broken.field})"
            )
        if report.broken:
            self.stderr.write("Such a service must be disconnected and connected again, unless a backup helps.")
        if report.left:
            self.stderr.write(
                f"{report.left} records are still of an older version: another process does not have the new key yet."
                " Start it again, then run this command again."
            )
