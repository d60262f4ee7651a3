"""`manage.py migrate_all`: brings every database of this process up to date, in one go."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Migrate default, vault and audit."""

    help = "Apply the migrations of every configured database."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run the command."""
        for database in settings.DATABASES:
            call_command("migrate", database=database, verbosity=0, interactive=False)
