"""`manage.py content_generate_key`: prints a new key for `CONTENT_KEYS`. It changes none and stores none."""

from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from agent import content_keys


class Command(BaseCommand):
    """Print a new key, with a number that no configured key has."""

    help = "Print a new key that seals conversations, for CONTENT_KEYS or the file that CONTENT_KEYS_FILE names."
    # The checks refuse an installation without keys, which is what this command is for.
    requires_system_checks = []  # noqa: RUF012  (Django declares it so)

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run the command."""
        try:
            numbers = content_keys.parse(settings.CONTENT_KEYS) if settings.CONTENT_KEYS else {0: b""}
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        # SECURITY: the one place where a key is shown, once, since nobody but the caller can put it where it belongs.
        self.stdout.write(content_keys.new_entry(max(numbers) + 1))
        self.stderr.write(
            "Keep this line secret and safe. Put it before the other keys in CONTENT_KEYS, leave those there, and "
            "start every web process and worker again."
            if settings.CONTENT_KEYS
            else "Keep this line secret and safe: it is CONTENT_KEYS. Without it no conversation can be opened."
        )
