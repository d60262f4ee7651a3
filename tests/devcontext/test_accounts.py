"""Signing in is audited, and keeps no third-party token: not even in the session of a half-done sign-in."""

import json
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.internal.flows.login import complete_login
from allauth.socialaccount.models import SocialAccount, SocialLogin, SocialToken
from allauth.socialaccount.providers.dummy.provider import DummyProvider
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpResponse
from django.test import Client, RequestFactory

from audit.models import AuditEvent
from tests.vault.conftest import broken_audit

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

PASSWORD = "correct horse battery"
TOKEN = "gho_16C7e42F292c6912E7710c838347Ae178B4a"


def half_done_session(rf: RequestFactory) -> str:
    """Sign in with a provider whose e-mail address belongs to somebody else; return what the session then holds."""
    owner = User.objects.create_user("alice", "alice@example.org", PASSWORD)
    EmailAddress.objects.create(user=owner, email=owner.email, verified=True, primary=True)
    request = rf.get("/accounts/github/login/callback/")
    SessionMiddleware(lambda _: HttpResponse()).process_request(request)
    request.user = AnonymousUser()
    account = SocialAccount(provider="dummy", uid="1")
    login = SocialLogin(
        user=User(email=owner.email),
        account=account,
        token=SocialToken(account=account, token=TOKEN),
        email_addresses=[EmailAddress(email=owner.email, verified=True, primary=True)],
        provider=DummyProvider(request),
    )
    complete_login(request, login)
    assert "socialaccount_sociallogin" in request.session
    return json.dumps(dict(request.session.items()))


def test_a_sign_in_that_waits_for_another_step_keeps_no_token_in_the_session(rf: RequestFactory) -> None:
    assert TOKEN not in half_done_session(rf)


def test_without_our_adapter_it_would(rf: RequestFactory, settings: Any) -> None:
    """The control: allauth alone keeps the token although SOCIALACCOUNT_STORE_TOKENS is off."""
    path = f"{DefaultSocialAccountAdapter.__module__}.{DefaultSocialAccountAdapter.__qualname__}"
    settings.SOCIALACCOUNT_ADAPTER = path
    assert settings.SOCIALACCOUNT_STORE_TOKENS is False
    assert TOKEN in half_done_session(rf)


def test_signing_in_and_out_is_audited(client: Client) -> None:
    user = User.objects.create_user("alice", "alice@example.org", PASSWORD)
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    client.post("/accounts/logout/")
    events = list(AuditEvent.objects.order_by("id").values_list("event", "user"))
    assert events == [
        ("account:session:started", f"user:{user.pk}"),
        ("vault:session:ended", f"user:{user.pk}"),
        ("account:session:ended", f"user:{user.pk}"),
    ]


def test_a_wrong_password_opens_no_session_and_is_on_record(client: Client) -> None:
    user = User.objects.create_user("alice", "alice@example.org", PASSWORD)
    answer = client.post("/accounts/login/", {"login": user.email, "password": "wrong"})
    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session
    (event,) = AuditEvent.objects.all()
    assert (event.event, event.outcome, event.user) == ("account:session:denied", "denied", f"user:{user.pk}")


def test_a_wrong_code_of_a_second_factor_opens_no_session_and_is_on_record(client: Client) -> None:
    user = User.objects.create_user("alice", "alice@example.org", PASSWORD)
    TOTP.activate(user, generate_totp_secret())
    client.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    for code in ("000000", "not a code"):
        assert client.post("/accounts/2fa/authenticate/", {"code": code}).status_code == 200
    with broken_audit():
        assert client.post("/accounts/2fa/authenticate/", {"code": "000001"}).status_code == 200
    assert "_auth_user_id" not in client.session
    found = list(AuditEvent.objects.values_list("event", "outcome", "user", "reason"))
    assert found == [("account:factor:denied", "denied", f"user:{user.pk}", "totp")] * 2


def test_an_address_that_nobody_has_leaves_an_event_of_no_user_and_not_the_address(client: Client) -> None:
    """Else the time that the answer takes would tell which addresses have an account."""
    client.post("/accounts/login/", {"login": "mallory@example.org", "password": "wrong"})
    (event,) = AuditEvent.objects.all().values()
    assert (event["event"], event["user"]) == ("account:session:denied", "")
    assert "mallory" not in str(event)


def test_a_wrong_password_opens_no_session_while_the_audit_is_away_and_breaks_no_page(client: Client) -> None:
    user = User.objects.create_user("alice", "alice@example.org", PASSWORD)
    with broken_audit():
        answer = client.post("/accounts/login/", {"login": user.email, "password": "wrong"})
    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session


def test_the_demo_button_signs_in_without_a_password(client: Client) -> None:
    assert client.get("/accounts/demo/").status_code == 405
    assert client.post("/accounts/demo/").headers["location"] == "/"
    user = User.objects.get(username="demo:maya")
    assert client.session["_auth_user_id"] == str(user.pk)
    assert not user.has_usable_password()


@pytest.mark.parametrize("email", ["maya@example.org", "demo:maya@example.org"])
def test_the_demo_button_signs_nobody_in_to_the_account_of_a_namesake(client: Client, email: str) -> None:
    client.post("/accounts/signup/", {"email": email, "password1": PASSWORD})
    namesakes = set(User.objects.values_list("pk", flat=True))
    visitor = Client()
    visitor.post("/accounts/demo/")
    assert int(visitor.session["_auth_user_id"]) not in namesakes


def test_the_demo_button_needs_its_forms_secret() -> None:
    assert Client(enforce_csrf_checks=True).post("/accounts/demo/").status_code == 403


@pytest.mark.parametrize("page", ["email", "password/change", "reauthenticate"])
def test_the_account_pages_open(client: Client, page: str) -> None:
    client.force_login(User.objects.create_user("alice", "alice@example.org", PASSWORD))
    assert client.get(f"/accounts/{page}/").status_code == 200


def test_signing_out_works_while_the_audit_is_down(client: Client) -> None:
    user = User.objects.create_user("alice", "alice@example.org", PASSWORD)
    client.force_login(user)
    with broken_audit():
        assert client.post("/accounts/logout/").status_code == 302
    assert "_auth_user_id" not in client.session
