"""One event with all that its owner may see of it: on a page of its own, and as the part that its row unfolds."""

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from audit.events import Entry, Event
from audit.record import record
from permissions.subjects import subject_of

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"])

FORMS = ("/audit/{}/", "/audit/{}/facts/")
form = pytest.mark.parametrize("form", FORMS)


@pytest.fixture
def alice() -> User:
    return User.objects.create_user("alice")


@pytest.fixture
def signed_in(alice: User, client: Client) -> Client:
    """Return a browser in which Alice is signed in."""
    client.force_login(alice)
    return client


def put(user: User) -> int:
    """Record that a token was exchanged, and return the event's number."""
    place = {"provider": "slack", "account": "maya · Tidewater", "tool": "slack_mentions", "exchange": "ex_1"}
    return record(
        Entry(event=Event.VAULT_EXCHANGE_GRANTED, user=subject_of(user.pk), scope_asked="search:read", **place)
    )


@form
def test_an_event_is_told_with_all_its_details(form: str, signed_in: Client, alice: User) -> None:
    page = signed_in.get(form.format(put(alice))).content.decode()
    for label, value in (("Account", "maya · Tidewater"), ("Scopes asked for", "search:read"), ("Exchange", "ex_1")):
        assert f"<dt>{label}</dt><dd>{value}</dd>" in page
    assert "<code>vault:exchange:granted</code>" in page


def test_the_page_tells_what_happened_and_when(signed_in: Client, alice: User) -> None:
    number = put(alice)
    page = signed_in.get(f"/audit/{number}/").content.decode()
    assert f"<h1>Event {number}</h1>" in page
    assert "Slack token exchanged to read your mentions in Slack." in page
    assert "Granted" in page
    # It does not lead to itself.
    assert "a page of its own" not in page


def test_the_part_is_no_page_around_it(signed_in: Client, alice: User) -> None:
    part = signed_in.get(f"/audit/{put(alice)}/facts/").content.decode()
    assert part.startswith('<dl class="facts">')
    assert "<html" not in part


@pytest.mark.parametrize("address", ["/audit/", "/audit/new/?after=0"])
def test_a_listed_row_leads_to_them_and_does_not_carry_them(address: str, signed_in: Client, alice: User) -> None:
    number = put(alice)
    page = signed_in.get(address).content.decode()
    assert f'<a href="/audit/{number}/">Everything about event {number}</a>' in page
    assert "maya · Tidewater" not in page


@form
def test_no_other_event_is_shown(form: str, signed_in: Client) -> None:
    theirs = put(User.objects.create_user("mallory"))
    assert [signed_in.get(form.format(number)).status_code for number in (theirs, 10**9, 10**30)] == [404] * 3


@form
def test_nobody_sees_one_without_signing_in(form: str, client: Client, alice: User) -> None:
    assert client.get(form.format(put(alice))).status_code == 302


@form
def test_an_event_is_only_read(form: str, signed_in: Client, alice: User) -> None:
    assert signed_in.post(form.format(put(alice))).status_code == 405


@form
def test_an_audit_that_cannot_be_read_is_said_so(form: str, signed_in: Client) -> None:
    with connections["audit"].cursor() as cursor:
        cursor.execute("ALTER TABLE audit_event RENAME TO audit_event_lost")
    assert signed_in.get(form.format(1)).status_code == 503


def test_what_the_search_field_completes_is_asked_for(signed_in: Client) -> None:
    page = signed_in.get("/audit/").content.decode()
    assert 'data-completions="/audit/completions/"' in page
    found = signed_in.get("/audit/completions/").json()
    assert ["outcome:", "how it ended"] in found[""]
    assert ["slack", "Slack"] in found["service"]
    assert "user:" not in [value for value, _ in found[""]]


def test_it_is_completed_for_nobody_who_is_not_signed_in(client: Client) -> None:
    assert client.get("/audit/completions/").status_code == 302
