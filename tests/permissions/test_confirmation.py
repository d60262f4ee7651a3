"""Connecting, widening, disconnecting and saving the audit ask for a proof of the last quarter of an hour."""

import time
from urllib.parse import quote_plus

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.models import Group, User
from django.test import Client

from audit.access import AUDITOR_GROUP
from audit.events import Event
from audit.models import AuditEvent

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

PASSWORD = "correct horse battery"
GUARDED = ["/auth/connect/github", "/settings/permissions/github/disconnect"]
EXPORTS = ["/audit/as/csv/?q=service:slack", "/audit/everybody/as/ndjson/?q=service:slack"]
ASKS = "/accounts/reauthenticate/?next="


@pytest.fixture
def browser() -> Client:
    """Where alice signed in an hour ago."""
    client = Client()
    client.force_login(User.objects.create_user("alice", "alice@example.org", PASSWORD))
    put_back(client, auth_time=time.time() - 3600)
    return client


def put_back(client: Client, **values: float) -> None:
    """Write instants into the session, as if they had been noted then."""
    session = client.session
    session.update(values)
    session.save()


@pytest.mark.parametrize("path", GUARDED)
def test_a_page_that_changes_what_is_connected_asks_first(browser: Client, path: str) -> None:
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{ASKS}{path.replace('/', '%2F')}")


@pytest.mark.parametrize("path", GUARDED)
def test_its_form_does_nothing_and_comes_back_as_a_page(browser: Client, path: str) -> None:
    """A request that is kept and replayed would do what nobody sees; the account that it names is kept alone."""
    answer = browser.post(path, {"connection": "conn-1", "scope_group": "x", "next": "https://evil.example"})
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{ASKS}{path.replace('/', '%2F')}%3Fconnection%3Dconn-1"


def test_revoking_never_waits(browser: Client) -> None:
    assert browser.post("/settings/permissions/github/revoke").headers["location"] == "/settings/permissions/"


def test_a_password_opens_it_for_a_while(browser: Client) -> None:
    page = "/auth/connect/github"
    answer = browser.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": page})
    assert answer.headers["location"] == page
    assert browser.get(page).status_code == 200
    put_back(browser, confirmed_at=time.time() - 901)
    assert browser.get(page).status_code == 303


@pytest.mark.parametrize("export", EXPORTS)
def test_saving_the_audit_asks_first_and_comes_back_to_what_was_searched_for(browser: Client, export: str) -> None:
    User.objects.get().groups.add(Group.objects.create(name=AUDITOR_GROUP))
    asked = browser.get(export)
    assert (asked.status_code, asked.headers["location"]) == (303, f"{ASKS}{quote_plus(export)}")
    assert not AuditEvent.objects.filter(event=Event.AUDIT_EVENTS_EXPORTED).exists()
    answer = browser.post("/accounts/reauthenticate/", {"password": PASSWORD, "next": export})
    assert answer.headers["location"] == export
    assert browser.get(export).headers["content-disposition"].startswith("attachment")


def test_who_is_no_auditor_is_not_asked_for_a_page_that_is_not_there(browser: Client) -> None:
    assert browser.get(EXPORTS[1]).status_code == 404


def test_a_wrong_password_opens_nothing(browser: Client) -> None:
    assert browser.post("/accounts/reauthenticate/", {"password": "wrong"}).status_code == 200
    assert browser.get("/auth/connect/github").status_code == 303


def test_an_instant_that_is_still_to_come_proves_nothing(browser: Client) -> None:
    """A clock that was set back must not make a proof last for ever."""
    put_back(browser, auth_time=time.time() + 3600)
    assert browser.get("/auth/connect/github").status_code == 303


def test_the_demo_user_says_it_with_their_button() -> None:
    browser, page = Client(), "/auth/connect/github"
    browser.post("/accounts/demo/")
    put_back(browser, auth_time=time.time() - 3600)
    asked = browser.get(page, follow=True)
    assert "Continue as demo user" in asked.content.decode()
    assert browser.get(page).status_code == 303, "looking at the question is no answer"
    answer = browser.post("/accounts/demo/reauthenticate/", {"next": page})
    assert answer.headers["location"] == page
    assert browser.get(page).status_code == 200


def test_the_button_counts_on_the_pages_of_the_account_too() -> None:
    """Once the demo user has a second factor, django-allauth asks for a proof of its own there."""
    browser = Client()
    browser.post("/accounts/demo/")
    TOTP.activate(User.objects.get(), generate_totp_secret())
    page = "/accounts/2fa/totp/deactivate/"
    assert browser.get(page).headers["location"].startswith("/accounts/demo/reauthenticate/")
    assert browser.post("/accounts/demo/reauthenticate/", {"next": page}).headers["location"] == page
    assert browser.get(page).status_code == 200


def test_nobody_else_gets_by_with_the_demo_users_button(browser: Client) -> None:
    """Any other account would be confirmed without its password."""
    answer = browser.post("/accounts/demo/reauthenticate/", {"next": "/auth/connect/github"})
    assert answer.headers["location"].startswith("/accounts/reauthenticate/")
    assert browser.get("/auth/connect/github").status_code == 303


def test_an_account_without_any_way_to_prove_itself_is_refused() -> None:
    browser = Client()
    browser.force_login(User.objects.create_user("bob"))
    put_back(browser, auth_time=0.0)
    assert browser.get("/auth/connect/github", follow=True).status_code == 403
