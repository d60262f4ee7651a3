"""The vault as a Django app: its tables live in the database `vault`, its checks run with Django's."""

import os
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate


class VaultConfig(AppConfig):
    """Registers the system checks and refuses to start with malformed keys."""

    name = "vault"

    def ready(self) -> None:
        """Register the checks, and parse the keys: a server that runs no checks must not start with bad ones."""
        from vault import checks, keyring  # noqa: F401, PLC0415  (checks register on import, once apps are ready)

        post_migrate.connect(_name_installation, sender=self)
        # Without any key, commands that need none still run; every exchange is refused, and a check says why.
        if settings.VAULT_KEYS or os.path.lexists(settings.VAULT_KEYS_FILE):
            keyring.current().sealing_version()


def _name_installation(using: str, **_kwargs: Any) -> None:
    from vault import database  # noqa: PLC0415  (models can be imported once apps are ready)
    from vault.store import secrets  # noqa: PLC0415

    if using == database.ALIAS:
        secrets.name_installation()
