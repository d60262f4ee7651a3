"""A session that its owner ends from another browser is over here and at the vault; the page says which there are."""

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import User
from django.test import Client

from devcontext.templatetags.browsers import browser_name
from tests.devcontext.test_sessions import honoured, sign_in

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def alice(transactional_db: None) -> User:
    return User.objects.create_user("alice", "alice@example.org", "correct horse battery")


def is_in(browser: Client) -> bool:
    return browser.get("/settings/permissions/").status_code == 200


def test_signing_out_the_others_ends_them_here_and_at_the_vault(alice: User) -> None:
    here, this = sign_in(alice)
    there, other = sign_in(alice)
    stranger, strangers = sign_in(User.objects.create_user("bob", "bob@example.org", "correct horse battery"))
    assert here.post("/accounts/sessions/").status_code == 302
    assert (is_in(here), is_in(there), is_in(stranger)) == (True, False, True)
    assert (honoured(this), honoured(other), honoured(strangers)) == (True, False, True)


def test_signing_out_everywhere_ends_every_session_of_that_user_alone(alice: User) -> None:
    here, this = sign_in(alice)
    there, other = sign_in(alice)
    unlisted = Client()
    unlisted.force_login(alice)
    assert UserSession.objects.filter(user=alice).count() == 2, "one that allauth does not list ends as well"
    stranger, strangers = sign_in(User.objects.create_user("bob", "bob@example.org", "correct horse battery"))
    assert here.post("/accounts/sessions/everywhere/").headers["location"] == "/accounts/login/"
    assert [is_in(browser) for browser in (here, there, unlisted, stranger)] == [False, False, False, True]
    assert (honoured(this), honoured(other), honoured(strangers)) == (False, False, True)
    assert is_in(sign_in(alice)[0])


def test_signing_out_everywhere_takes_a_form_of_ours(alice: User) -> None:
    assert sign_in(alice)[0].get("/accounts/sessions/everywhere/").status_code == 405
    assert Client(enforce_csrf_checks=True).post("/accounts/sessions/everywhere/").status_code == 403


def test_a_visitor_has_no_sessions_to_end(alice: User) -> None:
    _, this = sign_in(alice)
    assert Client().post("/accounts/sessions/everywhere/").headers["location"].startswith("/accounts/login/")
    assert honoured(this)


def test_the_page_lists_ones_own_sessions_with_browser_and_address(alice: User) -> None:
    sign_in(User.objects.create_user("bob", "bob@example.org", "correct horse battery"))
    browser = Client(headers={"user-agent": FIREFOX})
    browser.post("/accounts/login/", {"login": alice.email, "password": "correct horse battery"})
    page = browser.get("/accounts/sessions/").content.decode()
    assert page.count("Firefox on Linux") == 1
    assert "127.0.0.1" in page
    assert "A browser or program" not in page


def test_a_session_of_the_demo_user_is_listed_too(client: Client) -> None:
    client.post("/accounts/demo/")
    assert "127.0.0.1" in client.get("/accounts/sessions/").content.decode()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604.1", "Safari on iOS"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/150.0 Safari/537.36 Edg/150.0", "Edge on Windows"),
        ("curl/8.9", "A browser or program"),
    ],
)
def test_a_browser_is_named_as_people_know_it(header: str, words: str) -> None:
    assert browser_name(header) == words
