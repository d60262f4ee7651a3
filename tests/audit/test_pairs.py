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


def pairs_of(number: int, *, user: str = ALICE) -> list[tuple[int, bool]]:
    return [(one.id, one.is_issued) for one in find_pairs(AuditEvent.objects.get(id=number), user=user)]


def test_an_exchange_and_its_reads_are_found_from_any_of_them() -> None:
    issued, read = put(Event.VAULT_EXCHANGE_GRANTED), put(Event.AGENT_CALL_SUCCEEDED)
    failed = put(Event.AGENT_CALL_FAILED)
    put(Event.VAULT_EXCHANGE_GRANTED, exchange="ex_2")
    whole = [(issued, True), (read, False), (failed, False)]
    assert pairs_of(issued) == pairs_of(read) == pairs_of(failed) == whole


def test_what_is_of_no_exchange_and_no_run_has_none() -> None:
    assert pairs_of(put(Event.VAULT_EXCHANGE_GRANTED, run="")) == []
    assert pairs_of(put(Event.AGENT_RUN_STARTED, exchange="")) == []


def test_another_users_events_are_in_no_pair() -> None:
    issued = put(Event.VAULT_EXCHANGE_GRANTED)
    put(Event.AGENT_CALL_SUCCEEDED, user=MALLORY)
    assert pairs_of(issued) == [(issued, True)]


def test_the_details_of_each_show_them(client: Client) -> None:
    user = User.objects.create_user("alice")
    client.force_login(user)
    issued = put(Event.VAULT_EXCHANGE_GRANTED, user=subject_of(user.pk))
    assert "This exchange" not in client.get(f"/audit/{issued}/").content.decode()
    read = put(Event.AGENT_CALL_SUCCEEDED, user=subject_of(user.pk))
    for number in (issued, read):
        page = client.get(f"/audit/{number}/").content.decode()
        assert f"Issued · {issued} · GitHub token exchanged." in page
        assert f"Used · {read} · Read api/graphql: done." in page


def test_a_change_is_told_as_one(client: Client) -> None:
    user = User.objects.create_user("alice")
    client.force_login(user)
    number = record(Entry(event=Event.PERMISSION_ACCESS_REVOKED, user=subject_of(user.pk), reason="allowed → revoked"))
    assert "<dt>Changed</dt><dd>allowed → revoked</dd>" in client.get(f"/audit/{number}/").content.decode()
