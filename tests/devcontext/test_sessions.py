"""Whatever ends a session ends it at the vault too; a vault that is down is told later, and nobody waits for it."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from pytest_django.fixtures import Settings

from devcontext import sessions
from devcontext.lifespan import shut_down
from devcontext.sessions import Ended
from permissions.subjects import auth_time_of, sid_of, subject_of
from tests.vault.conftest import broken_audit
from vault.client import SessionEndedError, transport
from vault.client import connections as vault

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

Asker = dict[str, Any]
PASSWORD = "correct horse battery"
NEW_PASSWORD = "battery staple horse"
# The discard port, where nothing runs: the connection is refused at once.
NOBODY = "http://127.0.0.1:9"


@pytest.fixture
def alice(transactional_db: None) -> User:
    return User.objects.create_user("alice", "alice@example.org", PASSWORD)


def sign_in(user: User, password: str = PASSWORD) -> tuple[Client, Asker]:
    """Return a browser in which `user` is signed in, and how the vault knows that session."""
    browser = Client()
    browser.post("/accounts/login/", {"login": user.email, "password": password})
    return browser, asker(browser, user)


def asker(browser: Client, user: User) -> Asker:
    session = browser.session
    return {"user": subject_of(user.pk), "sid": sid_of(session), "auth_time": auth_time_of(session)}


async def is_honoured(who: Asker) -> bool:
    """Tell whether the vault takes tokens of this session."""
    try:
        await vault.list_connections(**who)
    except SessionEndedError:
        return False
    return True


honoured = async_to_sync(is_honoured)


def test_a_session_knows_when_its_user_signed_in(alice: User) -> None:
    before = time.time()
    _, who = sign_in(alice)
    assert before <= who["auth_time"] <= time.time()


def test_a_sign_out_ends_that_session_and_no_other(alice: User) -> None:
    here, this = sign_in(alice)
    _, other = sign_in(alice)
    assert honoured(this)
    here.post("/accounts/logout/")
    assert (honoured(this), honoured(other)) == (False, True)


def test_a_sign_out_ends_the_session_while_the_audit_is_down(alice: User) -> None:
    here, this = sign_in(alice)
    with broken_audit():
        here.post("/accounts/logout/")
    assert not honoured(this)


def test_signing_in_as_somebody_else_ends_the_session_before(alice: User) -> None:
    here, this = sign_in(alice)
    here.post("/accounts/demo/")
    assert here.session["_auth_user_id"] != str(alice.pk)
    assert not honoured(this)


def test_a_changed_password_ends_every_session_but_the_one_that_changed_it(alice: User) -> None:
    here, this = sign_in(alice)
    _, other = sign_in(alice)
    fields = {"oldpassword": PASSWORD, "password1": NEW_PASSWORD, "password2": NEW_PASSWORD}
    assert here.post("/accounts/password/change/", fields).status_code == 302
    assert (honoured(this), honoured(other)) == (False, False), "tokens that were minted before are void"
    assert honoured(asker(here, alice)), "the session goes on, as one that begins anew"
    assert here.get("/").status_code == 200
    assert honoured(sign_in(alice, NEW_PASSWORD)[1])


def change_password(user: User) -> None:
    user.set_password(NEW_PASSWORD)
    user.save()


def deactivate(user: User) -> None:
    user.is_active = False
    user.save()


def deactivate_one_field(user: User) -> None:
    user.is_active = False
    user.save(update_fields=["is_active"])


def forget_password(user: User) -> None:
    user.set_unusable_password()
    user.save()


ENDS: list[Callable[[User], None]] = [
    change_password,
    deactivate,
    deactivate_one_field,
    forget_password,
    lambda user: user.delete() and None,
]


@pytest.mark.parametrize("change", ENDS)
def test_a_change_of_the_user_ends_every_session_wherever_it_is_made(
    alice: User, change: Callable[[User], None]
) -> None:
    """The shell, a command, a form: all of them save the user."""
    _, this = sign_in(alice)
    _, other = sign_in(alice)
    change(User.objects.get(pk=alice.pk))
    assert (honoured(this), honoured(other)) == (False, False)


def test_an_ordinary_change_of_the_user_ends_nothing(alice: User) -> None:
    _, this = sign_in(alice)
    user = User.objects.get(pk=alice.pk)
    user.first_name = "Alice"
    user.save()
    user.save(update_fields=["first_name"])
    assert honoured(this)


def test_a_change_that_is_rolled_back_ends_nothing(alice: User) -> None:
    _, this = sign_in(alice)
    with transaction.atomic():
        deactivate(alice)
        transaction.set_rollback(True)
    assert honoured(this)


def test_a_user_who_is_let_in_again_signs_in_anew(alice: User) -> None:
    here, this = sign_in(alice)
    deactivate(alice)
    alice.is_active = True
    alice.save()
    assert not honoured(this)
    page = here.get("/settings/permissions/")
    assert page.status_code == 503
    assert "This session has ended" in page.content.decode()
    assert honoured(sign_in(alice)[1])


def test_nobody_waits_for_a_vault_that_is_down(
    alice: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    """The test's event loop ends with the request, as a command's would: what is not told is at least logged."""
    here, _ = sign_in(alice)
    settings.VAULT_URL = NOBODY
    assert here.post("/accounts/logout/").status_code == 302
    assert "_auth_user_id" not in here.session
    assert [record.message for record in caplog.records if record.name == "devcontext.sessions"] == [
        "session.end.deferred",
        "session.end.not_told",
    ]


async def test_a_vault_that_comes_back_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "_FIRST_RETRY_SECONDS", 0.05)
    who: Asker = {"user": "user:1", "sid": "sid-1", "auth_time": 1.0}
    settings.VAULT_URL = NOBODY
    await sessions.end(Ended(user="user:1", sid="sid-1", signed_in_at=1.0))
    await transport.close()
    settings.VAULT_URL = ""
    assert await is_honoured(who)
    async with asyncio.timeout(20):
        while await is_honoured(who):  # noqa: ASYNC110  (the vault announces nothing)
            await asyncio.sleep(0.05)
    await shut_down()


async def test_what_was_not_told_is_given_up_when_the_process_ends(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.VAULT_URL = NOBODY
    await sessions.end(Ended(user="user:1", sid="sid-1", signed_in_at=1.0))
    await shut_down()
    assert "session.end.not_told" in caplog.messages


async def test_a_sign_out_is_told_by_the_thread_of_its_request(alice: User) -> None:
    """A page runs in a thread while the loop goes on; the vault's database work must not wait for that very thread."""
    here, this = await sync_to_async(sign_in)(alice)
    await sync_to_async(here.post)("/accounts/logout/")
    assert not await is_honoured(this)
    await shut_down()
