"""A mail to the account's own address, as HTML and as text. It loads nothing, and one click ends it.

Source: RFC 8058, one-click unsubscribe; RFC 3834, mails that no person sent.
"""

import smtplib
from email.utils import parseaddr
from html import escape

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core import signing
from django.core.mail import EmailMultiAlternatives, get_connection
from django.urls import reverse
from django.utils.translation import gettext

from agent.briefing.renderings import html, text
from agent.delivery.errors import NeverError, TryAgainError, UnknownOutcomeError
from agent.delivery.types import Channel, Failure, Letter
from permissions.notices import find_address

# Mail programs keep what an element says of itself and drop sheets. No colours: a program in the dark brings its own.
_HEAD = '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">'
_BODY = "font: 16px/1.5 system-ui, sans-serif; max-width: 44em; margin: 0 auto; padding: 1em; overflow-wrap: anywhere"
_HEADING = "font-size: 1.5em; margin: 0"
_SALT = "agent.delivery.unsubscribe"
_MAX_TITLE_CHARACTERS = 120
# Replies of a mail server from here on mean never. Source: RFC 5321 section 4.2.1.
_PERMANENT = 500


async def send(channel: Channel, *, letter: Letter) -> None:
    """Send the letter; a mail server that breaks off after it took the letter leaves nobody knowing.

    Raises:
        NeverError: The account has no address, or the mail server refuses for good.
        TryAgainError: The mail server cannot be reached, or cannot take it now.
        UnknownOutcomeError: The mail server broke off.
    """
    to = await sync_to_async(find_address)(channel.user)
    if not to:
        raise NeverError(Failure.NO_ADDRESS)
    # A thread of its own: database work waits for no mail server.
    await sync_to_async(_send, thread_sensitive=False)(_message(channel, letter=letter, to=to))


def channel_of_token(token: str) -> str:
    """Return the id of the channel that a link to unsubscribe is of.

    Raises:
        django.core.signing.BadSignature: We did not make it.
    """
    return str(signing.loads(token, salt=_SALT))


def unsubscribe_url(channel: Channel) -> str:
    """Return the address that ends this channel without a sign-in; it can do nothing else."""
    return f"{settings.APP_URL}{reverse('agent:unsubscribe', args=(signing.dumps(str(channel.id), salt=_SALT),))}"


def _message(channel: Channel, *, letter: Letter, to: str) -> EmailMultiAlternatives:
    unsubscribe = unsubscribe_url(channel)
    # A line break in a name would begin a header of its own.
    title = " ".join("".join(sign if sign.isprintable() else " " for sign in letter.title).split())
    subject = f"{settings.ACCOUNT_EMAIL_SUBJECT_PREFIX}{title[:_MAX_TITLE_CHARACTERS]}"
    host = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    message = EmailMultiAlternatives(
        subject=subject,
        body=_text(letter, unsubscribe=unsubscribe),
        to=[to],
        headers={
            # The same at each try.
            "Message-ID": f"<briefing.{letter.id.hex}@{host}>",
            "List-Unsubscribe": f"<{unsubscribe}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Auto-Submitted": "auto-generated",
        },
    )
    message.attach_alternative(_html(letter, unsubscribe=unsubscribe), "text/html")
    return message


def _send(message: EmailMultiAlternatives) -> None:
    connection = get_connection(timeout=settings.EMAIL_TIMEOUT)
    message.connection = connection
    try:
        connection.open()
    except (smtplib.SMTPException, OSError):
        # A wrong password is the operator's to mend, and may be mended before the last try.
        raise TryAgainError(Failure.UNREACHABLE) from None
    try:
        message.send()
    except smtplib.SMTPRecipientsRefused as error:
        raise _refusal(max(code for code, _ in error.recipients.values())) from None
    except smtplib.SMTPResponseException as error:
        raise _refusal(error.smtp_code) from None
    except (smtplib.SMTPException, OSError):
        raise UnknownOutcomeError from None
    finally:
        connection.close()


def _refusal(code: int) -> NeverError | TryAgainError:
    return NeverError(Failure.REFUSED) if code >= _PERMANENT else TryAgainError(Failure.UNREACHABLE)


def _labels(letter: Letter) -> list[str]:
    label = gettext("Simulated: invented data from the sandbox.")
    return [*([label] if letter.is_simulated else []), *([letter.notice] if letter.notice else [])]


def _text(letter: Letter, *, unsubscribe: str) -> str:
    foot = gettext("Open in DevContext: {page}\nNo more mails of this schedule: {unsubscribe}").format(
        page=letter.page, unsubscribe=unsubscribe
    )
    told = [text.render(letter.document)] if letter.document else []
    return "\n\n".join([*_labels(letter), *told, f"-- \n{foot}"])


def _html(letter: Letter, *, unsubscribe: str) -> str:
    labels = "".join(f"<p><strong>{escape(label)}</strong></p>" for label in _labels(letter))
    told = html.render(letter.document) if letter.document else ""
    links = " · ".join(
        f'<a href="{escape(url)}">{escape(words)}</a>'
        for url, words in (
            (letter.page, gettext("Open in DevContext")),
            (unsubscribe, gettext("No more mails of this schedule")),
        )
    )
    title = escape(letter.title)
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">{_HEAD}<title>{title}</title></head>'
        f'<body style="{_BODY}"><h1 style="{_HEADING}">{title}</h1>{labels}{told}<hr><p>{links}</p></body></html>'
    )
