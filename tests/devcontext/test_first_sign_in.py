"""A new account begins with its first steps, where its address has to be confirmed first too, and only until then."""

import re
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.test import Client
from pytest_django.fixtures import Settings

from agent import memory
from agent.types import WeekSettings
from tests.agent.conftest import request_of, start

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

EMAIL, PASSWORD = "alice@example.org", "correct horse battery"
FIRST_STEPS = "/welcome/"


@pytest.fixture
def alice(transactional_db: None) -> User:
    return User.objects.create_user("alice", EMAIL, PASSWORD)


def sign_in(browser: Client, path: str = "/accounts/login/") -> str:
    """Sign in with the password, and return the address that this leads to."""
    return browser.post(path, {"login": EMAIL, "password": PASSWORD}).headers["location"]


def test_an_account_that_had_to_confirm_its_address_begins_with_the_first_steps(
    client: Client, settings: Settings, mailoutbox: list[EmailMessage]
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    answer = client.post("/accounts/signup/", {"email": EMAIL, "password1": PASSWORD})
    assert answer.headers["location"] == "/accounts/confirm-email/"
    (mail,) = mailoutbox
    found = re.search(r"https?://\S+/accounts/confirm-email/\S+", str(mail.body))
    assert found
    # It may be opened in another browser than the one that signed up.
    for browser in (Client(), client):
        page = urlsplit(found[0]).path
        assert "Confirm" in browser.get(page).content.decode()
    assert Client().post(page).headers["location"] == "/accounts/login/"
    assert sign_in(client) == FIRST_STEPS
    assert client.get(FIRST_STEPS).status_code == 200

    user = User.objects.get(email=EMAIL)
    memory.save_week_settings(user.pk, chosen=WeekSettings())
    assert sign_in(Client()) == "/"


def test_who_asked_something_goes_on_asking(client: Client, alice: User) -> None:
    assert sign_in(client) == FIRST_STEPS
    start(request_of(alice))
    assert sign_in(Client()) == "/"


def test_what_was_asked_for_before_signing_in_wins(client: Client, alice: User) -> None:
    assert sign_in(client, "/accounts/login/?next=/audit/") == "/audit/"


def test_what_others_asked_and_said_is_not_theirs(client: Client, alice: User) -> None:
    bob = User.objects.create_user("bob", "bob@example.org", PASSWORD)
    memory.save_week_settings(bob.pk, chosen=WeekSettings())
    assert sign_in(client) == FIRST_STEPS
