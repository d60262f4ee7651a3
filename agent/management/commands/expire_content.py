"""`manage.py expire_content`: deletes at once what was read too long ago, as web processes do every hour."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from agent.retention import expire_content


class Command(BaseCommand):
    """Delete tool results, steps, evidence and facts that are older than CONTENT_RETENTION_DAYS."""

    help = "Delete tool results, steps, evidence and facts that are older than CONTENT_RETENTION_DAYS."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Run the command."""
        expired = expire_content()
        self.stdout.write(
            f"Deleted what was read for {expired.runs} runs, {expired.evidence} items of evidence and "
            f"the facts of {expired.facts} briefings, all older than {settings.CONTENT_RETENTION_DAYS} days."
        )
