"""`manage.py auditor`: who may see everybody's audit events, without anything personal. Put on record itself."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.management.base import BaseCommand, CommandError

from audit.access import AUDITOR_GROUP
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.record import record
from permissions.subjects import subject_of


class Command(BaseCommand):
    """Appoint, dismiss or list auditors."""

    help = "Appoint somebody as an auditor, end that, or list the auditors."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command line."""
        parser.add_argument("what", choices=["appoint", "dismiss", "list"])
        parser.add_argument("email", metavar="E-MAIL", nargs="?", default="")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command."""
        group, _ = Group.objects.get_or_create(name=AUDITOR_GROUP)
        if options["what"] == "list":
            for email in group.user_set.order_by("email").values_list("email", flat=True):
                self.stdout.write(email)
            return
        user = User.objects.filter(email__iexact=options["email"]).exclude(email="").first()
        if user is None:
            raise CommandError("No user has this e-mail address.")
        if options["what"] == "dismiss":
            # Narrowing waits for no row.
            group.user_set.remove(user)
            _record(Event.AUDIT_AUDITOR_DISMISSED, user=user)
        else:
            _record(Event.AUDIT_AUDITOR_APPOINTED, user=user)
            group.user_set.add(user)


def _record(event: Event, *, user: User) -> None:
    try:
        record(Entry(event=event, user=subject_of(user.pk)))
    except AuditUnavailableError:
        raise CommandError("The audit database does not answer, so this is not on record.") from None
