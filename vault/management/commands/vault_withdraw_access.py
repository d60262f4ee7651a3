"""`manage.py vault_withdraw_access`: turns the AI's access to every connection off; each user can restore theirs.

For the hour after a restore, when a switch may stand as it stood before its user revoked.
"""

from typing import Any

from django.core.management.base import BaseCommand

from vault import access


class Command(BaseCommand):
    """Revoke access for everybody."""

    help = "Turn the AI's access to every connection off. Users turn it on again in their settings."
    # Closing does not wait for a configuration to be put right.
    requires_system_checks = []  # noqa: RUF012  (Django declares it so)

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run the command."""
        self.stdout.write(f"Access was withdrawn from {access.withdraw_all()} connections.")
