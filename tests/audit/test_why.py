"""Why something was read: the question for its owner alone, what was allowed before, and each step of the one call."""

from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client

from audit import why
from audit.events import Entry, Event
from audit.record import record
from permissions.subjects import subject_of
from tests.agent.conftest import request_of, start
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"])

ALICE, BOB = "user:1", "user:2"


def put(
    event: Event, *, user: str = ALICE, run: str = "", call: str = "", provider: str = "github", **more: str
) -> int:
    """Record an event; one of a call is of a tool."""
    tool = "github_activity" if call else ""
    return record(Entry(event=event, user=user, run=run, tool_call=call, tool=tool, provider=provider, **more))  # type: ignore[arg-type]


def numbers(rows: tuple[why.TimelineRow, ...]) -> list[int]:
    """Return the ids of rows."""
    return [row.id for row in rows]


def test_a_read_is_traced_to_the_run_the_call_and_what_allowed_it() -> None:
    put(Event.VAULT_CONNECTION_CONNECTED)
    restored = put(Event.PERMISSION_ACCESS_RESTORED)
    put(Event.PERMISSION_ACCESS_RESTORED, provider="slack")
    begun = put(Event.AGENT_RUN_STARTED, run="r", provider="")
    steps = [
        put(Event.PERMISSION_CHECK_ALLOWED, run="r", call="c1"),
        put(Event.VAULT_EXCHANGE_GRANTED, run="r", call="c1"),
        put(Event.AGENT_CALL_SUCCEEDED, run="r", call="c1"),
    ]
    put(Event.AGENT_CALL_SUCCEEDED, run="r", call="c2")
    put(Event.AGENT_CALL_SUCCEEDED, run="other", call="c1")
    put(Event.PERMISSION_ACCESS_RESTORED)
    found = why.find_why(steps[-1], user=ALICE)
    assert found is not None
    assert found.begun is not None
    assert (found.begun.id, numbers(found.steps), numbers(found.allowing)) == (begun, steps, [restored])


def test_a_read_in_somebodys_absence_is_traced_to_the_grant_as_well() -> None:
    connected = put(Event.VAULT_CONNECTION_CONNECTED)
    away = put(Event.PERMISSION_AWAY_ENABLED)
    grant = put(Event.PERMISSION_GRANT_CREATED, provider="")
    put(Event.AGENT_RUN_STARTED, run="r", provider="", reason="schedule")
    found = why.find_why(put(Event.AGENT_CALL_SUCCEEDED, run="r", call="c"), user=ALICE)
    assert found is not None
    assert numbers(found.allowing) == [connected, away, grant]


def test_a_look_outside_of_a_run_is_traced_to_its_beginning() -> None:
    grant = put(Event.PERMISSION_GRANT_CREATED, provider="")
    begun = put(Event.AGENT_LOOK_STARTED, run="absence-1", reason="schedule")
    read = put(Event.AGENT_CALL_SUCCEEDED, run="absence-1", call="absence")
    found = why.find_why(read, user=ALICE)
    assert found is not None
    assert found.begun is not None
    assert (found.begun.id, numbers(found.steps), numbers(found.allowing)) == (begun, [read], [grant])


def test_what_was_not_read_is_traced_to_the_switch_that_was_off() -> None:
    put(Event.PERMISSION_ACCESS_REVOKED, connection="c2")
    revoked = put(Event.PERMISSION_ACCESS_REVOKED, connection="c1")
    put(Event.PERMISSION_ACCESS_PAUSED, connection="c1", reason="revoked → revoked")
    put(Event.PERMISSION_ACCESS_REVOKED, connection="c3")
    put(Event.PERMISSION_ACCESS_REVOKED, provider="slack", connection="c4")
    denied = put(Event.PERMISSION_CHECK_DENIED, run="r", call="c", reason="revoked", connection="c1")
    put(Event.PERMISSION_ACCESS_REVOKED, connection="c1")
    found = why.find_why(denied, user=ALICE)
    assert found is not None
    assert found.switch is not None
    assert (found.switch.id, numbers(found.steps)) == (revoked, [denied])
    assert found.event.sentence.startswith("GitHub was not read: you revoked it at ")
    assert found.steps[0].sentence == found.event.sentence


def test_of_a_refusal_whose_account_is_not_known_the_services_last_switch_is_told() -> None:
    put(Event.PERMISSION_ACCESS_REVOKED, connection="c1")
    withdrawn = put(Event.PERMISSION_ACCESS_WITHDRAWN, connection="c2")
    found = why.find_why(put(Event.VAULT_EXCHANGE_DENIED, run="r", call="c", reason="revoked"), user=ALICE)
    assert found is not None
    assert found.switch is not None
    assert found.switch.id == withdrawn


@pytest.mark.parametrize("since", [None, Event.PERMISSION_ACCESS_RESTORED])
def test_a_switch_that_is_not_on_record_is_not_made_up(since: Event | None) -> None:
    put(Event.PERMISSION_ACCESS_REVOKED, user=BOB)
    if since:
        put(Event.PERMISSION_ACCESS_REVOKED)
        put(since)
    denied = put(Event.PERMISSION_CHECK_DENIED, run="r", call="c", reason="revoked")
    found = why.find_why(denied, user=ALICE)
    assert found is not None
    assert (found.switch, found.event.sentence) == (None, "GitHub was not read: access to it was turned off.")


def test_the_page_of_a_refusal_leads_to_the_switch(browser: Client, alice: User) -> None:
    own = subject_of(alice.pk)
    put(Event.PERMISSION_ACCESS_REVOKED, user=own)
    denied = put(Event.PERMISSION_CHECK_DENIED, user=own, run="r", call="c", reason="revoked")
    assert (
        f'<a href="/audit/{denied}/why/">why was this not read?</a>'
        in browser.get(f"/audit/{denied}/").content.decode()
    )
    page = browser.get(f"/audit/{denied}/why/").content.decode()
    assert "<h1>Why was this not read?</h1>" in page
    assert "You revoked the AI&#x27;s access to GitHub." in page
    assert "You had allowed it" not in page


def test_what_is_in_no_run_or_anothers_has_no_why() -> None:
    theirs = put(Event.AGENT_CALL_SUCCEEDED, user=BOB, run="r", call="c")
    assert why.find_why(theirs, user=ALICE) is None
    assert why.find_why(put(Event.PERMISSION_ACCESS_REVOKED), user=ALICE) is None
    assert why.find_why(10**9, user=ALICE) is None


@pytest.fixture
def alice() -> User:
    """Return somebody who asks."""
    return User.objects.create_user("alice")


@pytest.fixture
def browser(alice: User) -> Client:
    """Return a browser in which Alice is signed in."""
    client = Client()
    client.force_login(alice)
    return client


def test_the_owner_reads_what_was_asked(browser: Client, alice: User) -> None:
    run = str(start(request_of(alice, text="Brief me <b>now</b>")).run)
    page = browser.get(f"/audit/{put(Event.AGENT_CALL_SUCCEEDED, user=subject_of(alice.pk), run=run, call='c')}/why/")
    assert f'“<a href="/runs/{run}/">Brief me &lt;b&gt;now&lt;/b&gt;</a>”' in page.content.decode()


def test_nobody_else_reads_it(browser: Client, alice: User) -> None:
    """An event of one's own that names another's run tells nothing of that run."""
    bob = User.objects.create_user("bob")
    run = str(start(request_of(bob, text="Bob's secret plan")).run)
    own = put(Event.AGENT_CALL_SUCCEEDED, user=subject_of(alice.pk), run=run, call="c")
    assert "secret plan" not in browser.get(f"/audit/{own}/why/").content.decode()
    theirs = put(Event.AGENT_CALL_SUCCEEDED, user=subject_of(bob.pk), run=run, call="c")
    assert [browser.get(f"/audit/{number}/why/").status_code for number in (theirs, 10**9, 10**30)] == [404] * 3


@pytest.mark.parametrize("run", ["not-a-uuid", str(UUID(int=7))])
def test_a_question_that_is_gone_is_said_to_be(run: str, browser: Client, alice: User) -> None:
    event = put(Event.AGENT_CALL_SUCCEEDED, user=subject_of(alice.pk), run=run, call="c")
    page = browser.get(f"/audit/{event}/why/")
    assert page.status_code == 200
    assert "What it was asked with is not kept" in page.content.decode()


def test_an_audit_that_cannot_be_read_is_said_so(browser: Client) -> None:
    with table_away("audit", table="audit_event"):
        assert browser.get("/audit/1/why/").status_code == 503


def test_nobody_asks_why_without_signing_in() -> None:
    assert Client().get("/audit/1/why/").status_code == 302
