"""An operator's subject token: for one user and one registered client, with a reason on record, and on stdout alone."""

from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from audit import personal, wording
from audit.models import AuditEvent
from tests.vault.conftest import broken_audit
from tests.vault.upstream import Upstream
from vault import clients, tokens, wire

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

REASON = "Checking the reporter, ticket 12"


@pytest.fixture
def client_id(upstream: Upstream) -> str:
    registration, _ = clients.register("Reporter", allowed={"github": None}, grant_types=frozenset({wire.GRANT_TYPE}))
    return registration.id


@pytest.fixture
def alice(transactional_db: None) -> User:
    return User.objects.create_user("alice", "alice@example.org", "correct horse battery")


def run(client: str, **changes: str) -> tuple[str, str]:
    """Return what the command writes to stdout and stderr."""
    out, err = StringIO(), StringIO()
    arguments = {"user": "alice@example.org", "client": client, "reason": REASON} | changes
    call_command("vault_subject_token", **arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_token_alone_is_on_stdout_and_is_the_clients(alice: User, client_id: str, settings: Settings) -> None:
    out, err = run(client_id)
    token = out.rstrip("\n")
    subject = tokens.verify_subject(token, purpose="exchange", client=client_id)
    assert (subject.user, subject.may_act, subject.sid.partition(":")[0]) == (f"user:{alice.pk}", "", "cli")
    assert client_id in err
    assert settings.VAULT_ISSUER in err, "a token for another address is refused without saying why"
    assert token not in err


def test_the_user_reads_who_may_do_what_and_why(alice: User, client_id: str) -> None:
    run(client_id, reason=f"  {REASON}\n")
    event = AuditEvent.objects.get(event="account:token:issued")
    assert REASON not in event.reason, "an operator's words are stored sealed"
    personal.open_all([event])
    assert (event.user, event.client, event.reason) == (f"user:{alice.pk}", client_id, REASON)
    assert wording.sentence_of(event) == (
        f"An operator let {client_id} exchange tokens in your name for a few minutes, because “{REASON}”."
    )


def deactivate(_client: str) -> None:
    User.objects.filter(username="alice").update(is_active=False)


@pytest.mark.parametrize(
    ("changes", "prepare"),
    [
        ({"user": "nobody@example.org"}, None),
        ({}, deactivate),
        ({"client": "cli_unknown"}, None),
        ({"client": tokens.WEB_CLIENT}, None),
        ({}, clients.disable),
        ({"reason": ""}, None),
        ({"reason": " \n "}, None),
        ({"reason": "x" * 201}, None),
        ({"reason": "\x1b[2J"}, None),
    ],
)
def test_what_makes_no_sense_is_refused_and_makes_no_token(
    alice: User, client_id: str, changes: dict[str, str], prepare: Callable[[str], Any] | None
) -> None:
    if prepare:
        prepare(client_id)
    with pytest.raises(CommandError):
        run(**{"client": client_id} | changes)
    assert not AuditEvent.objects.filter(event="account:token:issued").exists()


def test_without_the_audit_there_is_no_token(alice: User, client_id: str) -> None:
    with broken_audit(), pytest.raises(CommandError, match="audit"):
        run(client_id)


def test_a_process_that_cannot_sign_says_so(alice: User, client_id: str, settings: Settings) -> None:
    settings.SUBJECT_SIGNING_KEY = ""
    with pytest.raises(CommandError, match="SUBJECT_SIGNING_KEY"):
        run(client_id)
