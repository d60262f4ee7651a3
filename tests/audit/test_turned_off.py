"""A refusal says when and by whom its service was switched off, as far as the record tells."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from audit import finding, turned_off
from audit.events import Entry, Event
from audit.models import AuditEvent
from audit.query import EVERYBODY
from audit.record import record
from audit.search import parse

pytestmark = pytest.mark.django_db(databases=["default", "audit"])

ALICE = "user:1"
AT = datetime(2026, 11, 22, 8, 59, tzinfo=UTC)
PAUSED = "allowed → paused until 2026-11-22 10:00 UTC"


def put(event: Event, **fields: Any) -> int:
    return record(Entry(event=event, user=ALICE, **({"provider": "slack"} | fields)))


def denied(**fields: Any) -> int:
    return put(Event.PERMISSION_CHECK_DENIED, **({"run": "r", "tool": "slack_mentions", "reason": "revoked"} | fields))


def sentences(user: str = ALICE) -> list[str]:
    """Return what a page says of what was refused, the oldest first."""
    page = finding.list_page(parse("outcome:denied", services=["slack", "github"]), user=user)
    return [row.sentence for row in page.rows][::-1]


@pytest.mark.parametrize(
    ("event", "reason", "zone", "after", "words"),
    [
        (Event.PERMISSION_ACCESS_REVOKED, "", "UTC", 60, "you revoked it at 08:59"),
        (Event.PERMISSION_ACCESS_REVOKED, "", "Europe/Berlin", 60, "you revoked it at 09:59 CET"),
        (Event.PERMISSION_ACCESS_REVOKED, "", "UTC", 24 * 60, "you revoked it on 22 November 2026, 08:59"),
        # 21:59 and one hour later, which is the next day in UTC alone.
        (Event.PERMISSION_ACCESS_REVOKED, "", "Asia/Tokyo", 6 * 60, "you revoked it at 17:59 JST"),
        (Event.PERMISSION_ACCESS_REVOKED, "", "Asia/Tokyo", 7 * 60, "you revoked it on 22 November 2026, 17:59 JST"),
        (Event.PERMISSION_ACCESS_PAUSED, PAUSED, "UTC", 30, "you paused it at 08:59 until 10:00"),
        (Event.PERMISSION_ACCESS_PAUSED, PAUSED, "Europe/Berlin", 30, "you paused it at 09:59 CET until 11:00 CET"),
        (
            Event.PERMISSION_ACCESS_PAUSED,
            "allowed → paused until 2026-11-23 00:00 UTC",
            *("UTC", 30, "you paused it at 08:59 until 23 November 2026, 00:00"),
        ),
        (Event.PERMISSION_ACCESS_PAUSED, "", "UTC", 30, "you paused it"),
        (Event.PERMISSION_ACCESS_WITHDRAWN, "", "UTC", 60, "an operator turned it off at 08:59"),
        (Event.PERMISSION_ACCESS_WITHDRAWN, "", "UTC", 2880, "an operator turned it off on 22 November 2026, 08:59"),
    ],
)
def test_a_switch_is_told_with_its_time_in_the_users_zone(
    event: Event, reason: str, zone: str, after: int, words: str
) -> None:
    switch = AuditEvent(event=event, reason=reason, occurred_at=AT)
    refused_at = AT + timedelta(minutes=after)
    assert turned_off.words_of(switch, refused_at=refused_at, zone=ZoneInfo(zone)) == words


def test_each_refusal_on_a_page_is_told_by_the_switch_before_it() -> None:
    denied()
    put(Event.PERMISSION_ACCESS_REVOKED)
    denied()
    put(Event.PERMISSION_ACCESS_RESTORED)
    put(Event.PERMISSION_ACCESS_PAUSED, reason="allowed → paused until 2199-11-22 10:00 UTC")
    denied(reason="access_paused")
    put(Event.PERMISSION_ACCESS_RESUMED)
    denied()
    put(Event.PERMISSION_ACCESS_WITHDRAWN, provider="github")
    put(Event.VAULT_EXCHANGE_DENIED, provider="github", reason="revoked", run="r")
    denied(reason="tool_blocked")
    found = [sentence.partition(": ")[2] for sentence in sentences()]
    for told, start in zip(
        found,
        (
            *("access to it was turned off.", "you revoked it at ", "you paused it at "),
            "access to it was turned off.",
            *("an operator turned it off at ", "you blocked this tool."),
        ),
        strict=True,
    ):
        assert told.startswith(start)
    assert "until 22 November 2199, 10:00." in found[2]


def test_of_an_account_another_ones_switch_says_nothing() -> None:
    put(Event.PERMISSION_ACCESS_REVOKED, connection="work")
    denied(connection="home")
    denied(connection="work")
    denied()
    first, *others = sentences()
    assert first.endswith(": access to it was turned off.")
    assert ["you revoked it at " in other for other in others] == [True, True]


def queries() -> int:
    with CaptureQueriesContext(connections["audit"]) as caught:
        assert sentences()
    return len(caught)


def test_a_page_asks_once_for_each_service_and_not_at_all_without_such_a_refusal() -> None:
    for provider in ("slack", "github"):
        put(Event.PERMISSION_ACCESS_REVOKED, provider=provider)
    denied(reason="tool_blocked")
    plain = queries()
    for _ in range(5):
        denied()
    assert queries() == plain + 1
    for _ in range(5):
        denied(provider="github")
    assert queries() == plain + 2


def test_a_page_with_more_switches_than_it_asks_for_says_less_of_the_oldest() -> None:
    for _ in range(12):
        put(Event.PERMISSION_ACCESS_REVOKED)
        denied()
    told = [sentence.partition(": ")[2].startswith("you revoked it at ") for sentence in sentences()]
    assert told == [False] * 2 + [True] * 10


def test_an_auditor_is_told_no_more_than_the_code() -> None:
    put(Event.PERMISSION_ACCESS_REVOKED)
    denied()
    assert sentences(EVERYBODY) == ["Slack was not read: access to it was turned off."]


def test_words_of_the_switch_are_found_by_a_search() -> None:
    put(Event.PERMISSION_ACCESS_WITHDRAWN)
    refused = denied()
    page = finding.list_page(parse("outcome:denied operator", services=["slack"]), user=ALICE)
    assert [row.id for row in page.rows] == [refused]
