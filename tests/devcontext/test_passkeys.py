"""A passkey that does not fit opens nothing and is on record: after a password, alone, and where one says it again."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

from audit.models import AuditEvent
from tests.devcontext.soft_passkey import SoftPasskey
from tests.vault.conftest import broken_audit

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

PASSWORD = "correct horse battery"
SECOND = "/accounts/2fa/authenticate/"
ALONE = "/accounts/2fa/webauthn/login/"
AGAIN = "/accounts/2fa/webauthn/reauthenticate/"


@pytest.fixture(autouse=True)
def no_attempts() -> Iterator[None]:
    """All tests come from one address, whose attempts are counted for a minute."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice", "alice@example.org", PASSWORD)


@pytest.fixture
def passkey(alice: User) -> SoftPasskey:
    """The one that alice's account knows."""
    one = SoftPasskey(alice)
    one.add()
    return one


@pytest.fixture
def asked(client: Client, passkey: SoftPasskey) -> Client:
    """A browser where alice's password was given."""
    client.post("/accounts/login/", {"login": passkey.user.email, "password": PASSWORD})
    return client


def challenge_of(client: Client, page: str) -> str:
    """Open a page and return what it has a device sign."""
    client.get(page, headers={"x-requested-with": "XMLHttpRequest"})
    return str(client.session["mfa.webauthn.state"]["challenge"])


def signed_in(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def denied() -> list[tuple[str, ...]]:
    """Return user and reason of each event of something that was wrong."""
    found = AuditEvent.objects.filter(event="account:factor:denied", outcome="denied")
    return list(found.order_by("id").values_list("user", "reason"))


def test_the_passkey_of_the_account_signs_in_and_nothing_is_said_to_be_wrong(
    asked: Client, passkey: SoftPasskey
) -> None:
    asked.post(SECOND, passkey.answer(challenge_of(asked, SECOND)))
    assert signed_in(asked) == str(passkey.user.pk)
    assert denied() == []


def test_another_passkey_after_the_password_opens_nothing_and_is_on_record(asked: Client, alice: User) -> None:
    asked.post(SECOND, SoftPasskey(alice).answer(challenge_of(asked, SECOND)))
    assert signed_in(asked) is None
    assert denied() == [(f"user:{alice.pk}", "webauthn")]


def test_an_answer_that_was_signed_for_another_page_is_on_record(asked: Client, passkey: SoftPasskey) -> None:
    """A phishing page may have asked the device earlier."""
    earlier = challenge_of(asked, SECOND)
    challenge_of(asked, SECOND)
    asked.post(SECOND, passkey.answer(earlier))
    assert signed_in(asked) is None
    assert denied() == [(f"user:{passkey.user.pk}", "webauthn")]


def test_a_passkey_opens_nothing_while_the_audit_is_away_and_breaks_no_page(asked: Client, alice: User) -> None:
    challenge = challenge_of(asked, SECOND)
    with broken_audit():
        answer = asked.post(SECOND, SoftPasskey(alice).answer(challenge))
    assert answer.status_code == 200
    assert signed_in(asked) is None


def test_what_no_device_answers_is_refused_and_fills_no_audit(asked: Client) -> None:
    asked.get(SECOND)
    for text in ("{}", '{"rawId": 7}', "nothing"):
        assert asked.post(SECOND, {"credential": text}).status_code == 200
    assert signed_in(asked) is None
    assert denied() == []


def test_what_comes_too_often_to_be_looked_at_is_not_on_record(asked: Client, alice: User) -> None:
    for _ in range(12):
        asked.post(SECOND, SoftPasskey(alice).answer(challenge_of(asked, SECOND)))
    assert 0 < len(denied()) < 12


def test_the_passkey_alone_signs_in(client: Client, passkey: SoftPasskey) -> None:
    client.post(ALONE, passkey.answer(challenge_of(client, ALONE)))
    assert signed_in(client) == str(passkey.user.pk)
    assert denied() == []


def test_the_accounts_own_passkey_with_a_wrong_signature_is_on_record(client: Client, passkey: SoftPasskey) -> None:
    forged = SoftPasskey(passkey.user)
    forged.id = passkey.id
    client.post(ALONE, forged.answer(challenge_of(client, ALONE)))
    assert signed_in(client) is None
    assert denied() == [(f"user:{passkey.user.pk}", "webauthn")]


def test_who_only_names_an_account_leaves_no_event_in_its_timeline(client: Client, passkey: SoftPasskey) -> None:
    """The number of an account is no secret: mallory could fill everybody's timeline."""
    mallory = User.objects.create_user("mallory", "mallory@example.org", PASSWORD)
    own = SoftPasskey(mallory)
    own.add()
    client.post(ALONE, own.answer(challenge_of(client, ALONE), of=passkey.user))
    assert signed_in(client) is None
    assert denied() == [("", "webauthn")]


def test_a_passkey_of_nobody_leaves_an_event_of_no_user(client: Client) -> None:
    nobody = SoftPasskey(User(pk=4711))
    client.post(ALONE, nobody.answer(challenge_of(client, ALONE)))
    assert denied() == [("", "webauthn")]


def test_a_wrong_passkey_of_who_says_it_again_is_on_record(client: Client, passkey: SoftPasskey) -> None:
    client.force_login(passkey.user)
    client.post(AGAIN, SoftPasskey(passkey.user).answer(challenge_of(client, AGAIN)))
    assert "confirmed_at" not in client.session
    assert denied() == [(f"user:{passkey.user.pk}", "webauthn")]
    client.post(AGAIN, passkey.answer(challenge_of(client, AGAIN)))
    assert "confirmed_at" in client.session
    assert len(denied()) == 1
