"""What people are told by e-mail of their connections: once each, and nothing that opens or tells anything."""

import pytest
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from pytest_django.fixtures import Settings

from permissions import notices
from permissions.subjects import user_id_of
from tests.permissions.conftest import DATABASES, Connect, Person, SignIn
from tests.vault.upstream import Upstream

pytestmark = pytest.mark.django_db(databases=DATABASES, transaction=True)

Outbox = list[EmailMessage]
ADDRESS = "alice@example.com"


async def give_address(person: Person) -> None:
    await User.objects.filter(pk=user_id_of(person.user)).aupdate(email=ADDRESS)


async def by_pages(person: Person, begin: Connect, provider: str = "slack") -> str:
    """Connect by the pages, as a person does, and return where they end."""
    address = await begin(person, provider)
    return str((await person.browser.get(address)).headers["location"])


async def test_a_new_connection_is_told_once_with_account_and_place_and_without_a_secret(
    alice: Person, begin: Connect, upstream: Upstream, mailoutbox: Outbox
) -> None:
    await give_address(alice)
    await by_pages(alice, begin)
    (mail,) = mailoutbox
    assert mail.to == [ADDRESS]
    assert mail.subject == "[DevContext] Slack was connected"
    text = f"{mail.subject}\n{mail.body}"
    assert "alice" in text
    assert "/settings/permissions/#slack" in text
    assert upstream.issued
    assert not any(secret in text for secret in (*upstream.issued, *upstream.codes, "channels:history", "nonce"))


async def test_connecting_again_with_the_same_rights_is_no_news(
    alice: Person, begin: Connect, mailoutbox: Outbox
) -> None:
    await give_address(alice)
    await by_pages(alice, begin)
    await by_pages(alice, begin)
    assert len(mailoutbox) == 1


@pytest.mark.parametrize("wider", ["channels:history,channels:read,search:read", "channels:read,search:read"])
async def test_a_wider_connection_is_told(
    alice: Person, begin: Connect, upstream: Upstream, mailoutbox: Outbox, wider: str
) -> None:
    """Also where it may at the same time no longer read something else."""
    await give_address(alice)
    upstream.scope = "channels:history,channels:read"
    await by_pages(alice, begin)
    upstream.scope = wider
    await by_pages(alice, begin)
    assert [mail.subject for mail in mailoutbox] == [
        "[DevContext] Slack was connected",
        "[DevContext] Slack may be read more widely",
    ]


async def test_a_break_is_told_once_until_it_is_connected_again(
    alice: Person, begin: Connect, mailoutbox: Outbox
) -> None:
    await give_address(alice)
    await by_pages(alice, begin)
    mailoutbox.clear()
    for _ in range(3):
        await notices.tell_broken(alice.asker, provider="slack")
    assert [mail.subject for mail in mailoutbox] == ["[DevContext] Slack has to be connected again"]
    await by_pages(alice, begin)
    await notices.tell_broken(alice.asker, provider="slack")
    assert len(mailoutbox) == 2


async def test_what_is_not_connected_cannot_break(alice: Person, mailoutbox: Outbox) -> None:
    await give_address(alice)
    await notices.tell_broken(alice.asker, provider="slack")
    assert mailoutbox == []


async def test_a_mail_that_cannot_be_sent_stops_nothing(alice: Person, begin: Connect, settings: Settings) -> None:
    await give_address(alice)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    # The discard port, where nothing runs: the connection is refused at once.
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    assert await by_pages(alice, begin) == "/settings/permissions/"


async def test_the_demo_user_and_who_has_no_address_get_none(
    alice: Person, sign_in: SignIn, begin: Connect, mailoutbox: Outbox
) -> None:
    await by_pages(alice, begin)
    await User.objects.acreate(username="maya", email=ADDRESS, password=make_password(None))
    await by_pages(await sign_in("maya"), begin)
    assert mailoutbox == []
