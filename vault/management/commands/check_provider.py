"""`manage.py check_provider`: tests client id, secret, reach and clock of one provider, and changes nothing.

Exit code 1 when something is wrong.
"""

import sys
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from vault import probe
from vault.findings import Verdict
from vault.providers import registry


class Command(BaseCommand):
    """Check how one provider is configured."""

    help = "Test a provider's client id and secret, that it can be reached, and this machine's clock."
    # A configuration that is not complete yet is what it is for.
    requires_system_checks = []  # noqa: RUF012  (Django declares it so)

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the command line."""
        parser.add_argument("provider", help=f"one of {', '.join(registry.names())}")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command."""
        provider = options["provider"]
        _require_configured(provider)
        findings = async_to_sync(probe.check)(provider)
        for finding in findings:
            self.stdout.write(f"{finding.verdict}: {finding.sentence}")
        if any(finding.verdict is Verdict.WRONG for finding in findings):
            sys.exit(1)


def _require_configured(provider: str) -> None:
    if provider not in registry.names():
        raise CommandError(f"There is no such provider. There are: {', '.join(registry.names())}.")
    if provider not in settings.PROVIDERS:
        raise CommandError(f"{provider} is not configured here. docs/ has a page connect-… for each provider.")
