"""Tells people by e-mail what happened to a connection of theirs: it was added, it may read more, or it broke.

A mail names the service and the account, and never a token, a scope as the provider writes it, or anything that was
read. One that cannot be sent is logged, and nothing waits for it to be sent again.
"""

import logging
from smtplib import SMTPException

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import send_mail
from django.db import DatabaseError
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop

from permissions import connections, store
from permissions.services import SERVICES
from permissions.subjects import user_id_of
from permissions.types import ServiceStatus
from vault.client import Asker, Connection, VaultError

logger = logging.getLogger(__name__)

_ADDED = gettext_noop(
    "{account} at {service} was connected to your DevContext account. What it lets the AI read, and the switch that "
    "stops it, are here:\n\n{page}\n\nIf this was not you, disconnect it there, change your password and sign out "
    "everywhere."
)
_WIDENED = gettext_noop(
    "{account} at {service} now lets the AI read more than before. What that is, and the switch that stops it, are "
    "here:\n\n{page}\n\nIf this was not you, disconnect it there, change your password and sign out everywhere."
)
_BROKEN = gettext_noop(
    "{service} no longer honours the connection of {account}, so briefings go without it and say so. Connect it again "
    "here:\n\n{page}\n\nYou are told this once."
)


async def tell_connected(user: str, *, connection: Connection, before: tuple[ServiceStatus, ...]) -> None:
    """Tell of a connection that was confirmed, if it is new or may read more than `before`."""
    known = {account.connection: account for status in before for account in status.accounts}
    old = known.get(connection.id)
    if old is None or old.account != connection.account:
        subject, body = gettext("{service} was connected"), gettext(_ADDED)
    elif set(connection.granted_scope.split()) - set(old.granted_scope.split()):
        subject, body = gettext("{service} may be read more widely"), gettext(_WIDENED)
    else:
        subject, body = "", ""
    await sync_to_async(store.forget_told)(user, connection=connection.id)
    if subject:
        await _send(user, provider=connection.provider, account=connection.account, subject=subject, body=body)


async def tell_broken(asker: Asker, *, provider: str) -> None:
    """Tell, once until it is connected again, that a connection has to be made anew; raises nothing."""
    try:
        status = await connections.load_status(**asker, provider=provider)
        is_news = status.connection and await sync_to_async(store.note_told)(
            asker["user"], connection=status.connection
        )
    except (VaultError, DatabaseError):
        # It is told at the next read that meets the same.
        logger.exception("permissions.notice_not_made", extra={"provider": provider})
        return
    if is_news:
        subject, body = gettext("{service} has to be connected again"), gettext(_BROKEN)
        await _send(asker["user"], provider=provider, account=status.account, subject=subject, body=body)


async def _send(user: str, *, provider: str, account: str, subject: str, body: str) -> None:
    told = {
        "service": SERVICES[provider].name,
        "account": account or SERVICES[provider].name,
        "page": f"{settings.APP_URL}{reverse('permissions:page')}#{provider}",
    }
    title = f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{subject.format(**told)}"
    try:
        if address := await sync_to_async(find_address)(user_id_of(user)):
            # A thread of its own: database work waits for no mail server.
            await sync_to_async(send_mail, thread_sensitive=False)(title, body.format(**told), None, [address])
    except (SMTPException, OSError, DatabaseError):
        logger.exception("permissions.notice_not_sent", extra={"provider": provider})


def find_address(user: int) -> str:
    """Return the mail address of an account, "" if it has none that somebody reads."""
    person = get_user_model().objects.filter(pk=user, is_active=True).first()
    # The demo user's address is invented, and nobody reads its mail.
    if person is None or (settings.IS_DEMO and not person.has_usable_password()):
        return ""
    return str(person.email)
