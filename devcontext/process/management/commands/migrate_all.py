"""`manage.py migrate_all`: brings every database of this process up to date; safe while another process does the same.

A database that needs nothing is only read, so a role without rights on its tables may run this.
"""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import ProgrammingError, connections
from django.db.migrations.exceptions import MigrationSchemaMissing

from devcontext.process import migration_lock

# The vault process has no `default`: Django wants the name and gets a database that refuses everything.
_NO_DATABASE = "django.db.backends.dummy"


class Command(BaseCommand):
    """Migrate default, vault and audit, as far as this process has them."""

    help = "Apply the migrations of every configured database."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run the command."""
        for database, configured in settings.DATABASES.items():
            if configured["ENGINE"] != _NO_DATABASE:
                _migrate(database)


def _migrate(database: str) -> None:
    # `vault` and `audit` hold the app of their name. Django would also note there which migrations of all other apps
    # make no table, and web and vault know different apps.
    apps = [] if database == "default" else [database]
    try:
        with migration_lock.held(connections[database]):
            call_command("migrate", *apps, database=database, verbosity=0, interactive=False)
    except (MigrationSchemaMissing, ProgrammingError) as error:
        if not _is_forbidden(error):
            raise
        raise CommandError(
            f"The role of this process may not change the tables of {database}. Migrate it as its owner first."
        ) from None


def _is_forbidden(error: Exception) -> bool:
    """Tell whether PostgreSQL refused for want of rights (insufficient_privilege)."""
    causes = (error.__cause__, error.__context__ and error.__context__.__cause__)
    return any(getattr(cause, "sqlstate", "") == "42501" for cause in causes)
