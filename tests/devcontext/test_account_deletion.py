"""Deleting an account: everything of a person goes, at the vault, at the providers, here and in the audit."""

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings

from agent.models import Conversation
from audit.models import AuditEvent, AuditSubjectKey
from permissions.subjects import subject_of
from tests.audit.listing import list_events
from tests.vault.conftest import broken_audit, subject
from tests.vault.upstream import Upstream
from vault import background, connect
from vault import models as vault
from vault.embedded import EmbeddedVault

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

PASSWORD = "correct horse battery"
PAGE = "/account/delete/"
# The discard port, where nothing runs: the connection is refused at once.
NOBODY = "http://127.0.0.1:9"


def person(name: str, *, upstream: Upstream) -> tuple[User, Client]:
    """Return somebody with a connection and a chat, and their browser."""
    user = User.objects.create_user(name, f"{name}@example.org", PASSWORD)
    browser = Client()
    browser.post("/accounts/login/", {"login": user.email, "password": PASSWORD})
    async_to_sync(link)(subject_of(user.pk), upstream=upstream)
    Conversation.objects.create(user=user, sealed_title=b"x")
    return user, browser


async def link(user: str, *, upstream: Upstream) -> None:
    own = EmbeddedVault()
    url = await own.start_connect(subject_token=subject(user), provider="github")
    returned = httpx.URL(await connect.finish("github", query=upstream.consent(url))).params
    await own.confirm_connection(
        subject_token=subject(user), connection=returned["connection"], nonce=returned["nonce"]
    )
    await background.settle()


def events(user: str) -> list[str]:
    return list(AuditEvent.objects.filter(user=user).order_by("id").values_list("event", flat=True))


def test_everything_of_a_person_goes_and_nothing_of_anybody_else(upstream: Upstream) -> None:
    alice, browser = person("alice", upstream=upstream)
    bob, _ = person("bob", upstream=upstream)
    user = subject_of(alice.pk)
    answer = browser.post(PAGE, {"name": " Alice@example.org"})
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/")
    assert [grant.is_alive for grant in upstream.grants] == [False, True]
    assert list(User.objects.values_list("pk", flat=True)) == [bob.pk]
    assert list(Conversation.objects.values_list("user", flat=True)) == [bob.pk]
    assert list(vault.Connection.objects.using("vault").values_list("subject", flat=True)) == [subject_of(bob.pk)]
    assert not vault.Revocation.objects.using("vault").exists()
    assert bytes(AuditSubjectKey.objects.get(subject=user).sealed_key) == b""
    assert AuditSubjectKey.objects.get(subject=subject_of(bob.pk)).erased_at is None
    told = events(user)
    assert told.index("account:user:deleted") < told.index("vault:connection:disconnected")
    assert "audit:subject:erased" in told
    shown = " ".join(row.sentence for row in list_events(user=user).rows)
    assert "alice-gh" not in shown
    assert "(erased)" in shown


def test_who_is_deleted_is_signed_out_and_can_not_sign_in(upstream: Upstream) -> None:
    alice, browser = person("alice", upstream=upstream)
    browser.post(PAGE, {"name": alice.email})
    assert "_auth_user_id" not in browser.session
    assert "Your account is deleted." in browser.get("/accounts/login/").content.decode()
    answer = Client().post("/accounts/login/", {"login": alice.email, "password": PASSWORD})
    assert answer.status_code == 200, "the form comes back"


def test_a_user_who_is_deleted_in_a_shell_is_forgotten_as_well(upstream: Upstream) -> None:
    alice, _ = person("alice", upstream=upstream)
    user = subject_of(alice.pk)
    alice.delete()
    assert not vault.Connection.objects.using("vault").exists()
    assert events(user)[-1] == "audit:subject:erased"


@pytest.mark.parametrize("name", ["", "alice", "bob@example.org"])
def test_without_the_name_nothing_is_deleted(upstream: Upstream, name: str) -> None:
    alice, browser = person("alice", upstream=upstream)
    answer = browser.post(PAGE, {"name": name})
    assert answer.status_code == 400
    assert "Nothing was deleted." in answer.content.decode()
    assert User.objects.filter(pk=alice.pk).exists()
    assert vault.Connection.objects.using("vault").exists()
    assert "account:user:deleted" not in events(subject_of(alice.pk))


def test_without_the_vault_or_the_audit_nothing_is_deleted(upstream: Upstream, settings: Settings) -> None:
    alice, browser = person("alice", upstream=upstream)
    with broken_audit():
        assert browser.post(PAGE, {"name": alice.email}).status_code == 503
    settings.VAULT_URL = NOBODY
    assert browser.post(PAGE, {"name": alice.email}).status_code == 503
    assert User.objects.filter(pk=alice.pk).exists()


def test_a_vault_that_is_down_is_told_of_in_the_log(
    upstream: Upstream, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    alice, _ = person("alice", upstream=upstream)
    settings.VAULT_URL = NOBODY
    alice.delete()
    assert "account.deletion.vault_failed" in caplog.messages


def test_a_stranger_at_an_unlocked_screen_deletes_nothing(upstream: Upstream, settings: Settings) -> None:
    alice, browser = person("alice", upstream=upstream)
    settings.ACCOUNT_REAUTHENTICATION_TIMEOUT = 0
    for answer in (browser.get(PAGE), browser.post(PAGE, {"name": alice.email})):
        assert answer.status_code == 303
        assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert User.objects.filter(pk=alice.pk).exists()


def test_a_visitor_and_a_form_of_another_site_are_refused(upstream: Upstream) -> None:
    alice, _ = person("alice", upstream=upstream)
    assert Client().post(PAGE, {"name": alice.email}).status_code == 302
    foreign = Client(enforce_csrf_checks=True)
    foreign.force_login(alice)
    assert foreign.post(PAGE, {"name": alice.email}).status_code == 403
    assert User.objects.filter(pk=alice.pk).exists()


def test_the_page_says_what_goes_and_what_stays(upstream: Upstream) -> None:
    alice, browser = person("alice", upstream=upstream)
    page = browser.get(PAGE).content.decode()
    assert f"Type {alice.email} to confirm" in page
    assert "This cannot be undone." in page
