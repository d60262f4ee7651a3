"""The pages of delivery: each person's own; what was pasted never comes back; the secret is shown once."""

from datetime import timedelta
from html import unescape

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from agent.delivery.sending import deliver_due
from agent.delivery.types import Kind
from agent.delivery_models import Channel as ChannelRow
from agent.delivery_models import Delivery as DeliveryRow
from agent.schedules.types import OccurrenceState, Schedule
from audit.models import AuditEvent
from tests.agent.delivery.conftest import HOOK, SLACK_ADDRESS, add, end_one
from tests.agent.schedules.conftest import due_row
from tests.receivers import Mailbox, Receiver

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"], transaction=True)


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def browser(alice: User) -> Client:
    return browser_of(alice)


def page_of(schedule: Schedule) -> str:
    return f"/schedules/{schedule.id}/delivery/"


def turn_on(browser: Client, schedule: Schedule, *, kind: str, address: str = "") -> str:
    """Send the form and return the page that it ends on, as text."""
    answer = browser.post(page_of(schedule), {"kind": kind, "address": address}, follow=True)
    return unescape(answer.content.decode())


def test_a_webhooks_secret_is_shown_once_and_its_address_never(browser: Client, daily: Schedule) -> None:
    shown = turn_on(browser, daily, kind="webhook", address="https://example.org/canary-path")
    assert "whsec_" in shown
    again = browser.get(page_of(daily)).content.decode()
    for page in (shown, again):
        assert "canary-path" not in page
    assert "whsec_" not in again


def test_slacks_address_is_never_shown_again_and_kept_without_its_host(browser: Client, daily: Schedule) -> None:
    shown = turn_on(browser, daily, kind="slack_hook", address=f" {SLACK_ADDRESS} ")
    assert "Slack is on." in shown
    assert HOOK not in shown
    assert HOOK not in browser.get(page_of(daily)).content.decode()
    assert HOOK.encode() not in bytes(ChannelRow.objects.get().sealed_address)


@pytest.mark.parametrize(
    ("kind", "address", "words"),
    [
        ("webhook", "http://example.org/canary", "begin with https://"),
        ("webhook", "https://10.0.0.1/canary", "inside a network"),
        ("webhook", "https://a:canary@example.org/", "user name and the password"),
        ("webhook", "canary", "This is not an address"),
        ("slack_hook", "https://example.org/services/T0/B0/canary", "https://hooks.slack.com/services/"),
    ],
)
def test_a_mistake_is_told_and_what_was_pasted_does_not_come_back(
    browser: Client, daily: Schedule, kind: str, address: str, words: str
) -> None:
    answer = browser.post(page_of(daily), {"kind": kind, "address": address})
    assert answer.status_code == 422
    assert words in unescape(answer.content.decode())
    assert "canary" not in answer.content.decode()
    assert not ChannelRow.objects.exists()
    assert not AuditEvent.objects.filter(event__startswith="agent:channel").exists()


@pytest.mark.parametrize("kind", ["inbox", "", "telegram"])
def test_what_is_no_channel_cannot_be_added(browser: Client, daily: Schedule, kind: str) -> None:
    assert browser.post(page_of(daily), {"kind": kind}).status_code == 404


def test_a_second_address_takes_the_place_of_the_first(browser: Client, daily: Schedule) -> None:
    for path in ("one", "two"):
        turn_on(browser, daily, kind="webhook", address=f"https://example.org/{path}")
    assert ChannelRow.objects.count() == 1
    assert AuditEvent.objects.filter(event="agent:channel:added", method="webhook").count() == 2


def test_adding_asks_who_is_there_and_removing_does_not(daily: Schedule, browser: Client) -> None:
    session = browser.session
    session.update({"auth_time": 1.0, "confirmed_at": timezone.now().timestamp() - 7200})
    session.save()
    answer = browser.post(page_of(daily), {"kind": "email"})
    assert answer.status_code == 303
    assert answer["Location"].startswith("/accounts/reauthenticate/")
    assert not ChannelRow.objects.exists()
    made = add(daily, kind=Kind.EMAIL).channel
    assert browser.post(f"/channels/{made.id}/remove/").status_code == 303
    assert not ChannelRow.objects.exists()


@pytest.mark.parametrize("kind", [Kind.EMAIL, Kind.WEBHOOK, Kind.SLACK])
def test_a_test_arrives_and_the_next_one_has_to_wait(
    browser: Client, daily: Schedule, receiver: Receiver, mailbox: Mailbox, kind: Kind
) -> None:
    made = add(daily, kind=kind, receiver=receiver).channel
    told = [browser.post(f"/channels/{made.id}/test/", follow=True).content.decode() for _ in range(2)]
    assert "The test was taken" in told[0]
    assert "A test was sent a moment ago" in told[1]
    assert len(receiver.got) + len(mailbox.got) == 1
    assert AuditEvent.objects.filter(event="agent:channel:tested", method=kind).count() == 1


def test_a_test_that_does_not_arrive_says_why_in_our_words(
    browser: Client, daily: Schedule, receiver: Receiver
) -> None:
    made = add(daily, kind=Kind.SLACK, receiver=receiver).channel
    receiver.answers = [404]
    told = browser.post(f"/channels/{made.id}/test/", follow=True).content.decode()
    assert "The receiver refused it." in told
    assert "Said by the receiver." not in told


def test_nobody_else_sees_or_changes_anything(daily: Schedule, alice: User, mallory: User) -> None:
    made = add(daily, kind=Kind.EMAIL).channel
    end_one(daily, user=alice)
    async_to_sync(deliver_due)()
    row = DeliveryRow.objects.get(kind=Kind.INBOX)
    other = browser_of(mallory)
    answers = [
        other.get(page_of(daily)),
        other.post(page_of(daily), {"kind": "email"}),
        other.post(f"/channels/{made.id}/test/"),
        other.post(f"/channels/{made.id}/remove/"),
        other.get(f"/inbox/{row.id}/"),
        other.post(f"/deliveries/{row.id}/again/"),
    ]
    assert [answer.status_code for answer in answers] == [404] * 6
    assert "Standup" not in other.get("/inbox/").content.decode()
    other.post("/inbox/")
    row.refresh_from_db()
    assert (row.seen_at, ChannelRow.objects.count()) == (None, 1)


def test_the_inbox_marks_what_is_unread_until_it_is_opened(browser: Client, alice: User, daily: Schedule) -> None:
    assert "No schedule has told you anything yet." in browser.get("/inbox/").content.decode()
    end_one(daily, user=alice)
    async_to_sync(deliver_due)()
    row = DeliveryRow.objects.get()
    shown = browser.get("/inbox/").content.decode()
    assert "Unread" in shown
    assert "Standup" in shown
    opened = browser.get(f"/inbox/{row.id}/")
    assert opened["Location"] == f"/runs/{row.occurrence.run_id}/"
    assert "Unread" not in browser.get("/inbox/").content.decode()


def test_what_has_no_briefing_is_told_in_the_inbox(browser: Client, daily: Schedule) -> None:
    due_row(daily, state=OccurrenceState.SKIPPED, reason="grant_expired", is_told=True, ended_at=timezone.now())
    async_to_sync(deliver_due)()
    assert "permission to read has expired" in unescape(browser.get("/inbox/").content.decode())
    assert browser.get(f"/inbox/{DeliveryRow.objects.get().id}/")["Location"] == "/inbox/"
    browser.post("/inbox/")
    assert "Unread" not in browser.get("/inbox/").content.decode()


def test_the_page_tells_what_became_of_each(browser: Client, alice: User, daily: Schedule, receiver: Receiver) -> None:
    add(daily, kind=Kind.WEBHOOK, receiver=receiver)
    add(daily, kind=Kind.SLACK, receiver=receiver)
    end_one(daily, user=alice)
    receiver.answers = [500, 403]
    async_to_sync(deliver_due)()
    shown = browser.get(page_of(daily)).content.decode()
    assert "Will be tried again" in shown
    assert "Given up" in shown
    assert "The receiver refused it." in shown


def stuck(browser: Client, alice: User, daily: Schedule, receiver: Receiver) -> DeliveryRow:
    """Return the delivery of a briefing that the receiver refused."""
    add(daily, kind=Kind.WEBHOOK, receiver=receiver)
    end_one(daily, user=alice)
    receiver.answers = [403]
    async_to_sync(deliver_due)()
    return DeliveryRow.objects.get(kind=Kind.WEBHOOK)


def test_what_was_given_up_is_sent_again_when_its_owner_says_so(
    browser: Client, alice: User, daily: Schedule, receiver: Receiver
) -> None:
    row, page = stuck(browser, alice, daily, receiver), f"/schedules/{daily.id}/"
    shown = browser.get(page).content.decode()
    assert "The receiver refused it." in shown
    assert f'action="/deliveries/{row.id}/again/"' in shown
    answer = browser.post(f"/deliveries/{row.id}/again/", {"next": f"{page}#history"})
    assert answer["Location"] == f"{page}#history"
    assert "data-going-on" in browser.get(page).content.decode(), "an open page brings itself up to date"
    async_to_sync(deliver_due)()
    row.refresh_from_db()
    assert (row.state, row.attempts, row.error, len(receiver.got)) == ("delivered", 1, "", 2)
    assert len({got.headers["webhook-id"] for got in receiver.got}) == 1
    shown = browser.get(page).content.decode()
    assert "Send again" not in shown
    assert "data-going-on" not in shown


def test_sending_again_waits_like_a_test(browser: Client, alice: User, daily: Schedule, receiver: Receiver) -> None:
    row = stuck(browser, alice, daily, receiver)
    receiver.answers = [403]
    for words in ("It is sent again by Webhook.", "It was tried a moment ago."):
        told = browser.post(f"/deliveries/{row.id}/again/", {"next": page_of(daily)}, follow=True)
        assert words in told.content.decode()
        async_to_sync(deliver_due)()
    assert len(receiver.got) == 2


def test_what_waits_for_another_try_is_tried_at_once(
    browser: Client, alice: User, daily: Schedule, receiver: Receiver
) -> None:
    add(daily, kind=Kind.WEBHOOK, receiver=receiver)
    end_one(daily, user=alice)
    receiver.answers = [500]
    async_to_sync(deliver_due)()
    row = DeliveryRow.objects.get(kind=Kind.WEBHOOK)
    assert "next try" in browser.get(f"/schedules/{daily.id}/").content.decode()
    browser.post(f"/deliveries/{row.id}/again/")
    async_to_sync(deliver_due)()
    row.refresh_from_db()
    assert row.state == "delivered"


def test_nothing_is_sent_again_that_arrived_or_has_no_way(
    browser: Client, alice: User, daily: Schedule, receiver: Receiver
) -> None:
    row = stuck(browser, alice, daily, receiver)
    inbox = DeliveryRow.objects.get(kind=Kind.INBOX)
    assert f"/deliveries/{row.id}/again/" in browser.get(page_of(daily)).content.decode()
    ChannelRow.objects.all().delete()
    assert "/again/" not in browser.get(page_of(daily)).content.decode()
    for one in (row, inbox):
        told = browser.post(f"/deliveries/{one.id}/again/", {"next": page_of(daily)}, follow=True)
        assert "There is nothing to send again" in told.content.decode()
    assert len(receiver.got) == 1


def test_the_rail_counts_what_is_unread_for_an_open_page_too(browser: Client, alice: User, daily: Schedule) -> None:
    assert browser.get("/inbox/unread/").json() == {"unread": 0}
    end_one(daily, user=alice)
    async_to_sync(deliver_due)()
    assert browser.get("/inbox/unread/").json() == {"unread": 1}
    assert browser.get("/schedules/").context["unread"]() == 1
    browser.post("/inbox/")
    assert browser.get("/inbox/unread/").json() == {"unread": 0}


def test_after_a_time_in_which_nothing_ran_the_inbox_says_that_it_is_late(
    browser: Client, alice: User, daily: Schedule
) -> None:
    now = timezone.now()
    end_one(daily, user=alice, due_at=now - timedelta(hours=3), started_at=now, missed=2)
    async_to_sync(deliver_due)()
    for page in ("/inbox/", f"/schedules/{daily.id}/"):
        assert "2 due times before it were missed" in browser.get(page).content.decode()
    assert (
        "Late: DevContext was not running when it was due, or it had to wait."
        in browser.get("/inbox/").content.decode()
    )
