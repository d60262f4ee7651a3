"""`manage.py vault_subject_token`: one subject token of a user for a registered client, for operators and tests.

Nothing but the token goes to stdout. The user finds it in their timeline, with the operator's reason.
"""

import time
from argparse import ArgumentParser
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.record import record
from permissions.subjects import subject_of
from vault import tokens

_MAX_REASON_CHARACTERS = 200
_WARNING = (
    "For {minutes} minutes, this token lets {client} get {email}'s upstream tokens at {vault}, and nowhere else. Give "
    "it to nobody else, and keep it out of files and logs."
)


class Command(BaseCommand):
    """Print one subject token."""

    help = "Print a subject token by which a registered client may exchange for a user, and record why."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the command line."""
        parser.add_argument("--user", metavar="E-MAIL", required=True, help="in whose name")
        parser.add_argument("--client", metavar="ID", required=True, help="the registered client it is for, cli_…")
        parser.add_argument("--reason", metavar="TEXT", required=True, help="why; the user reads it")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Run the command."""
        if not settings.SUBJECT_SIGNING_KEY:
            raise CommandError("SUBJECT_SIGNING_KEY is not set, so no token can be signed here.")
        subject, client = subject_of(_load_user(options["user"]).pk), options["client"]
        _require_client(client)
        _record(subject=subject, client=client, reason=_clean(options["reason"]))
        # A session of its own kind, begun now; without `may_act` nobody has to act in it.
        token = tokens.mint_subject(
            user=subject, sid=f"cli:{uuid4().hex}", auth_time=time.time(), purpose="exchange", client=client
        )
        minutes = tokens.SUBJECT_TTL_SECONDS // 60
        # A vault under another address refuses it without saying why.
        warning = _WARNING.format(minutes=minutes, client=client, email=options["user"], vault=settings.VAULT_ISSUER)
        self.stderr.write(warning)
        self.stdout.write(token)


def _load_user(email: str) -> User:
    user = User.objects.filter(email__iexact=email, is_active=True).first()
    if user is None:
        raise CommandError("No active user has this e-mail address.")
    return user


def _require_client(client: str) -> None:
    """Refuse a client that is not registered; a vault elsewhere keeps its registry to itself, and refuses later."""
    if not settings.IS_VAULT_EMBEDDED:
        return
    from vault.store import clients  # noqa: PLC0415  (the vault's tables are in this process only if it is embedded)

    registration = clients.find(client)
    if registration is None or not registration.is_enabled:
        raise CommandError("No enabled client has this id. See: manage.py vault_client list")


def _clean(reason: str) -> str:
    text = " ".join(reason.split())
    if not text or len(text) > _MAX_REASON_CHARACTERS or not text.isprintable():
        raise CommandError(f"Say why, in 1 to {_MAX_REASON_CHARACTERS} printable characters: the user reads it.")
    return text


def _record(*, subject: str, client: str, reason: str) -> None:
    try:
        record(Entry(event=Event.ACCOUNT_TOKEN_ISSUED, user=subject, client=client, reason=reason))
    except AuditUnavailableError:
        raise CommandError("The audit timeline cannot be written right now, so no token is made.") from None
