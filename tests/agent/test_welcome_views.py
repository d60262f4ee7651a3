"""The front page of a visitor, and the first page of a new account."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from agent import memory
from audit.models import AuditEvent
from permissions.services import SERVICES

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

PAGE = "/welcome/"
# The discard port, where nothing runs: the connection is refused at once.
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def signed_in(alice: User, client: Client) -> Client:
    client.force_login(alice)
    return client


def test_a_visitor_is_told_what_it_is_and_what_it_is_not(client: Client) -> None:
    page = client.get("/")
    html = page.content.decode()
    assert page.status_code == 200
    assert "not yet against the real services" in html
    assert "There is no tool that writes" in html
    assert "data-composer" not in html


def test_who_is_signed_in_gets_the_chat_there(signed_in: Client) -> None:
    assert "data-composer" in signed_in.get("/").content.decode()


@pytest.mark.parametrize("path", ["/welcome/", "/chat/7d9f3a3e-1111-4222-8333-123456789abc/"])
def test_everything_else_wants_a_sign_in(client: Client, path: str) -> None:
    assert client.get(path).headers["location"].startswith("/accounts/login/")


def test_a_new_account_begins_there(client: Client) -> None:
    fields = {"email": "new@example.org", "password1": "correct horse battery"}
    assert client.post("/accounts/signup/", fields).headers["location"] == PAGE


def test_it_says_of_every_service_what_can_and_what_cannot_be_read(signed_in: Client) -> None:
    html = signed_in.get(PAGE).content.decode()
    for service in SERVICES.values():
        assert f"/auth/connect/{service.slug}?from=welcome" in html
        for sentence in (*service.can_read, *service.cannot):
            assert sentence in html


def test_its_dry_run_reads_nothing(signed_in: Client) -> None:
    html = signed_in.get(PAGE).content.decode()
    assert html.count("Would not be read") == len(SERVICES)
    assert "Your activity on GitHub" in html
    assert not AuditEvent.objects.exclude(event__startswith="account:").exists()


def test_the_working_week_is_kept_and_the_dry_run_shown(signed_in: Client, alice: User) -> None:
    chosen = {"weekdays": ["0", "1"], "country": "", "subdivision": "", "time_zone": "Asia/Tokyo"}
    answer = signed_in.post(PAGE, chosen)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{PAGE}#plan")
    assert memory.load_week_settings(alice.pk).weekdays == (0, 1)
    assert "(Asia/Tokyo)" in signed_in.get(PAGE).content.decode()


def test_a_mistake_in_the_week_is_shown_and_kept_nowhere(signed_in: Client, alice: User) -> None:
    answer = signed_in.post(PAGE, {"weekdays": [], "time_zone": "Asia/Tokyo"})
    assert answer.status_code == 422
    assert "Choose at least one day." in answer.content.decode()
    assert memory.load_week_settings(alice.pk).time_zone == ""


def test_without_the_vault_it_says_so(signed_in: Client, settings: Settings) -> None:
    settings.VAULT_URL = NOBODY
    page = signed_in.get(PAGE)
    assert page.status_code == 200
    assert "The token vault does not answer" in page.content.decode()


def test_the_demo_workspace_is_offered_to_an_account_and_named_to_its_own_user(signed_in: Client) -> None:
    assert "Open the demo workspace" in signed_in.get(PAGE).content.decode()
    signed_in.post("/accounts/demo/")
    html = signed_in.get(PAGE).content.decode()
    assert "You are in the demo workspace" in html
    assert "Open the demo workspace" not in html


def test_nothing_of_a_demo_is_said_where_there_is_none(signed_in: Client, settings: Settings) -> None:
    settings.IS_DEMO = False
    for path in (PAGE, "/"):
        assert "demo" not in signed_in.get(path).content.decode().lower()
    assert "demo user" not in Client().get("/").content.decode()
