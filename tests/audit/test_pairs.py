"""What belongs to one exchange stands together: the token's handing out, and what was read with it."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from audit.events import Entry, Event
from audit.models import AuditEvent
from audit.pairs import find_pairs
from audit.record import record
from permissions.subjects import subject_of

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"])

ALICE, MALLORY = "user:1", "user:2"


def put(event: Event, *, user: str = ALICE, run: str = "run-1", exchange: str = "ex_1") -> int:
    return record(Entry(event=event, user=user, provider="github", run=run, exchange=exchange, path="api/graphql"))


def pairs_of(*numbers: int, user: str = ALICE) -> dict[str, list[tuple[int, bool]]]:
    found = find_pairs(AuditEvent.objects.filter(id__in=numbers), user=user)
    return {exchange: [(one.id, one.is_issued) for one in pairs] for exchange, pairs in found.items()}


def test_an_exchange_and_its_reads_are_found_from_any_of_them() -> None:
    issued, read = put(Event.VAULT_EXCHANGE_GRANTED), put(Event.AGENT_CALL_SUCCEEDED)
    failed = put(Event.AGENT_CALL_FAILED)
    put(Event.VAULT_EXCHANGE_GRANTED, exchange="ex_2")
    whole = {"ex_1": [(issued, True), (read, False), (failed, False)]}
    assert pairs_of(issued) == pairs_of(read) == pairs_of(failed) == pairs_of(issued, failed) == whole


def test_what_is_of_no_exchange_and_no_run_has_none() -> None:
    assert pairs_of(put(Event.VAULT_EXCHANGE_GRANTED, run=""), put(Event.AGENT_RUN_STARTED, exchange="")) == {}


def test_another_users_events_are_in_no_pair() -> None:
    issued = put(Event.VAULT_EXCHANGE_GRANTED)
    put(Event.AGENT_CALL_SUCCEEDED, user=MALLORY)
    assert pairs_of(issued) == {"ex_1": [(issued, True)]}


def test_the_page_shows_them_in_the_details_of_each(client: Client) -> None:
    user = User.objects.create_user("alice")
    client.force_login(user)
    issued = put(Event.VAULT_EXCHANGE_GRANTED, user=subject_of(user.pk))
    assert "This exchange" not in client.get("/audit/").content.decode()
    read = put(Event.AGENT_CALL_SUCCEEDED, user=subject_of(user.pk))
    page = client.get("/audit/").content.decode()
    assert page.count(f"Issued · {issued} · GitHub token exchanged.") == 2
    assert page.count(f"Used · {read} · Read api/graphql: done.") == 2
    assert f"Used · {read} ·" in client.get(f"/audit/new/?after={issued}").content.decode()


def test_a_change_is_told_as_one(client: Client) -> None:
    user = User.objects.create_user("alice")
    client.force_login(user)
    record(Entry(event=Event.PERMISSION_ACCESS_REVOKED, user=subject_of(user.pk), reason="allowed → revoked"))
    assert "<dt>Changed</dt><dd>allowed → revoked</dd>" in client.get("/audit/").content.decode()
