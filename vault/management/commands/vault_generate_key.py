"""`manage.py vault_generate_key`: makes a new key-encryption key. It never changes or removes one."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from vault.keys import environment, file, local


class Command(BaseCommand):
    """Add a key to the key file, or print one for the environment."""

    help = "Make a new key-encryption key: in the file VAULT_KEYS_FILE, or on stdout for VAULT_KEYS."
    # The checks refuse an installation without keys, which is what this command is for.
    requires_system_checks = []  # noqa: RUF012  (Django declares it so)

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run the command."""
        try:
            if settings.VAULT_KEYS_FILE and not settings.VAULT_KEYS:
                self._add_to_file(Path(settings.VAULT_KEYS_FILE))
            else:
                self._print()
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None

    def _add_to_file(self, path: Path) -> None:
        version = 1 if file.ensure(path) else file.append(path)
        self.stdout.write(f"Key version {version} is in the key file, and new secrets are sealed with it.")
        if version > 1:
            self.stderr.write("Back the key file up, then move what older keys sealed: vault_rotate_key")

    def _print(self) -> None:
        versions = environment.load(settings.VAULT_KEYS).versions() if settings.VAULT_KEYS else (0,)
        # SECURITY: the one place where a key is shown, once, since nobody but the caller can put it where it belongs.
        self.stdout.write(local.new_entry(versions[-1] + 1))
        self.stderr.write(
            "Keep this line secret and safe. Add it to VAULT_KEYS, after a comma, start every vault process again, "
            "then move what older keys sealed: vault_rotate_key"
            if settings.VAULT_KEYS
            else "Keep this line secret and safe: it is VAULT_KEYS. Without it no stored token can be opened."
        )
