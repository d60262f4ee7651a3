"""`manage.py audit_verify`: checks every event against the signed log. It reads and never writes.

Exit code 1 when something was changed, 2 when it could not be checked.
"""

import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error

from audit import log, log_keys, pin, verify
from audit.errors import LogBrokenError
from audit.progress import Progress
from audit.verify import MAX_FINDINGS, Report


class Command(BaseCommand):
    """Verify the audit."""

    help = "Check every audit event against the signed log, and the log against the checkpoint pinned in a file."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument(
            "--pin",
            type=Path,
            action="append",
            default=[],
            help="a checkpoint that was kept elsewhere; beside AUDIT_PIN_FILE, and may be given more than once",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command."""
        try:
            report = self._verify(options["pin"])
        except (ImproperlyConfigured, LogBrokenError) as error:
            raise CommandError(str(error), returncode=2) from None
        except Error as error:
            raise CommandError(f"The audit cannot be read ({type(error).__name__}).", returncode=2) from error
        self._tell(report)
        if report.findings:
            sys.exit(1)

    def _verify(self, paths: list[Path]) -> Report:
        keys, last = log_keys.current(), log.find_last_leaf()
        progress = Progress(sys.stderr, total=last.position + 1 if last else 0, what="events")
        report = verify.verify(keys, pinned=self._read_pins(paths), show=progress.show)
        progress.end()
        return report

    def _read_pins(self, paths: list[Path]) -> list[str]:
        own: Path | None = getattr(settings, "AUDIT_PIN_FILE", None)
        found = pin.find(own) if own else None
        if found is None:
            self.stderr.write("No checkpoint is pinned here: a log that was replaced whole would not be noticed.")
        notes = [found] if found else []
        for path in paths:
            note = pin.find(path)
            if note is None:
                raise CommandError(f"There is no {path}.", returncode=2)
            notes.append(note)
        return notes

    def _tell(self, report: Report) -> None:
        for finding in report.findings:
            self.stderr.write(finding)
        if len(report.findings) == MAX_FINDINGS:
            self.stderr.write("There may be more.")
        verdict = f"{len(report.findings)} findings" if report.findings else "nothing was changed"
        waiting = f", {report.unsealed} newer events are not sealed yet" if report.unsealed else ""
        gone = f", {report.removed} of them removed for their age" if report.removed else ""
        self.stdout.write(f"{report.leaves} sealed events{gone}, {report.checkpoints} checkpoints{waiting}: {verdict}.")
        if not report.findings:
            self.stdout.write(report.newest_note, ending="")
