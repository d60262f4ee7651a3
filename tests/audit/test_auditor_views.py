"""An auditor sees what was done for all, nothing personal and no words; everybody else sees no such page."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import connections
from django.test import Client

from audit.access import AUDITOR_GROUP, is_auditor
from audit.events import Entry, Event
from audit.models import AuditEvent
from audit.record import record
from permissions.subjects import subject_of
from tests.audit.streams import text_of
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"])

PAGES = ("/audit/everybody/", "/audit/everybody/as/csv/")


@pytest.fixture
def ada() -> User:
    """Return an auditor."""
    user = User.objects.create_user("ada", email="ada@example.org")
    user.groups.add(Group.objects.create(name=AUDITOR_GROUP))
    return user


@pytest.fixture
def browser(ada: User) -> Client:
    """Return the auditor's browser, beside what was done for Bob."""
    record(Entry(event=Event.VAULT_CONNECTION_CONNECTED, user="user:77", provider="github", account="bobs-account"))
    record(Entry(event=Event.AGENT_CALL_SUCCEEDED, user="user:77", provider="github", tool="github_activity", run="r"))
    record(Entry(event=Event.ACCOUNT_TOKEN_ISSUED, user="user:78", client="ci", reason="Bob is ill"))
    client = Client()
    client.force_login(ada)
    return client


def test_an_auditor_sees_whose_event_it_is_and_nothing_personal(browser: Client) -> None:
    page = browser.get("/audit/everybody/?q=event:connected").content.decode()
    assert "<strong>user:77</strong> GitHub was connected." in page
    everything = browser.get("/audit/everybody/").content.decode()
    assert not [word for word in ("bobs-account", "Bob is ill", "sealed:", "/why/", "/proof") if word in everything]


def test_an_auditor_asks_by_user(browser: Client) -> None:
    rows = browser.get("/audit/everybody/?q=user:77+tool:github_activity").context["rows"]
    assert [row.user for row in rows] == ["user:77"]
    assert not browser.get("/audit/everybody/?q=user:1234567").context["rows"]


def test_an_auditor_is_told_what_can_be_asked_by_and_nobody_else_is(browser: Client, client: Client) -> None:
    assert 'data-completions="/audit/everybody/completions/"' in browser.get("/audit/everybody/").content.decode()
    found = browser.get("/audit/everybody/completions/").json()
    assert "user:" in [value for value, _ in found[""]]
    client.force_login(User.objects.create_user("bob"))
    assert client.get("/audit/everybody/completions/").status_code == 404


def test_rows_of_everybody_carry_their_details_and_lead_to_no_page_of_their_own(browser: Client) -> None:
    """Each look is on record, and what is seen of a row is part of that look."""
    page = browser.get("/audit/everybody/?q=event:succeeded").content.decode()
    assert "<dt>Tool</dt><dd>github_activity</dd>" in page
    assert "Everything about event" not in page


def test_each_look_is_on_record_and_says_at_whom(browser: Client, ada: User) -> None:
    browser.get("/audit/everybody/?q=user:77")
    browser.get("/audit/everybody/")
    looks = AuditEvent.objects.filter(event=Event.AUDIT_EVENTS_VIEWED, user=subject_of(ada.pk)).order_by("id")
    assert [look.reason for look in looks] == ["user_77", "everybody"]


def test_what_cannot_be_put_on_record_is_not_shown(browser: Client) -> None:
    with connections["audit"].cursor() as cursor:
        cursor.execute("CREATE TRIGGER full BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'full'); END")
    response = browser.get("/audit/everybody/")
    assert (response.status_code, response.context["rows"]) == (503, ())
    assert "nothing is shown" in response.content.decode()


def test_everybodys_file_is_without_what_is_personal_and_on_record(browser: Client, ada: User) -> None:
    text = text_of(browser.get("/audit/everybody/as/csv/"))
    assert "user:77" in text
    assert "bobs-account" not in text
    exported = AuditEvent.objects.get(event=Event.AUDIT_EVENTS_EXPORTED)
    assert (exported.user, exported.reason) == (subject_of(ada.pk), "everybody")


@pytest.mark.parametrize("address", PAGES)
def test_for_everybody_else_there_is_no_such_page(address: str, ada: User) -> None:
    mallory, client = User.objects.create_user("mallory", is_staff=True, is_superuser=True), Client()
    assert client.get(address).status_code == 302
    client.force_login(mallory)
    assert client.get(address).status_code == 404
    assert "as an auditor" not in client.get("/audit/").content.decode()
    assert not AuditEvent.objects.filter(event=Event.AUDIT_EVENTS_VIEWED).exists()


def test_an_auditors_own_timeline_stays_their_own(browser: Client) -> None:
    page = browser.get("/audit/?q=user:77")
    assert all(row.user != "user:77" for row in page.context["rows"])
    assert "There is no “user:” to search by" in page.content.decode()
    assert "as an auditor" in page.content.decode()


def test_who_is_dismissed_sees_no_more(browser: Client, ada: User, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("auditor", "list")
    assert capsys.readouterr().out == "ada@example.org\n"
    call_command("auditor", "dismiss", "ADA@example.org")
    assert browser.get("/audit/everybody/").status_code == 404
    call_command("auditor", "appoint", "ada@example.org")
    assert browser.get("/audit/everybody/").status_code == 200
    told = AuditEvent.objects.filter(user=subject_of(ada.pk), event__startswith="audit:auditor:").order_by("id")
    assert [row.event for row in told] == [Event.AUDIT_AUDITOR_DISMISSED, Event.AUDIT_AUDITOR_APPOINTED]


def test_nobody_is_appointed_without_a_name_or_without_a_row() -> None:
    with pytest.raises(CommandError, match="No user"):
        call_command("auditor", "appoint", "")
    user = User.objects.create_user("bob", email="bob@example.org")
    with table_away("audit", table="audit_event"), pytest.raises(CommandError, match="not on record"):
        call_command("auditor", "appoint", "bob@example.org")
    assert not is_auditor(user)


def test_who_is_shut_out_is_no_auditor(ada: User) -> None:
    ada.is_active = False
    assert not is_auditor(ada)
