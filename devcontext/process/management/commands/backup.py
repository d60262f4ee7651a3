"""`manage.py backup FOLDER`: copies this process's SQLite databases while they are in use. It never copies a key.

PostgreSQL has its own tools: docs/operations.md.
"""

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import Error, connections

# The audit comes last: it then knows of everything that the other copies hold, and of every actor token that was used.
_ORDER = ("vault", "default", "audit")


class Command(BaseCommand):
    """Copy the SQLite databases of this process into a new folder."""

    help = "Copy the SQLite databases of this process, while they are used, into a new folder. Keys are not copied."
    # An installation that the checks refuse can be backed up all the same.
    requires_system_checks = []  # noqa: RUF012  (Django declares it so)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("folder", type=Path, help="where the copies go; must not exist yet")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command."""
        names = [name for name in _ORDER if name in settings.DATABASES and connections[name].vendor == "sqlite"]
        if not names:
            raise CommandError("No database of this process is SQLite. Back PostgreSQL up with pg_dump.")
        folder: Path = options["folder"]
        try:
            folder.mkdir(mode=0o700, parents=True)
            for name in names:
                _copy(name, to=folder / f"{name}.sqlite3")
        except (OSError, Error) as error:
            # What is there of it may be half a copy: it is left for its owner to remove, never taken for a whole one.
            raise CommandError(f"The backup is not complete ({type(error).__name__}). Do not use {folder}.") from error
        self.stdout.write(f"Copied {', '.join(names)} into {folder}. The keys are not part of it.")


def _copy(name: str, *, to: Path) -> None:
    """Source: https://www.sqlite.org/lang_vacuum.html#vacuuminto: one consistent state, without erased rows."""
    # SQLite accepts an empty file: made here, it is its owner's alone from the first byte.
    to.touch(mode=0o600, exist_ok=False)
    with connections[name].cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(to)])
    for path, flags in ((to, os.O_RDONLY), (to.parent, os.O_RDONLY | os.O_DIRECTORY)):
        descriptor = os.open(path, flags)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
