"""Searches find what they ask for and nobody else's, each by an index, and never look through a log without an end."""

import random
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit import finding, vocabulary
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.models import AuditEvent
from audit.query import EVERYBODY
from audit.record import record
from audit.search import Search, parse
from audit.wording import sentence_of
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["audit"])

ALICE, BOB = "user:1", "user:2"
FINGERPRINT = "0a" * 16

on_sqlite = pytest.mark.skipif(
    "connections['audit'].vendor != 'sqlite'", reason="PostgreSQL plans by what is in the table"
)


def search(text: str) -> Search:
    """Return a search as the page of an auditor reads it."""
    return parse(text, services=vocabulary.services(), is_auditor=True)


def ids(text: str, *, user: str = ALICE, before: int | None = None) -> list[int]:
    """Return what a search finds on its first page."""
    return [event.id for event in finding.find_events(search(text), user=user, before=before).events]


def put(event: Event = Event.VAULT_EXCHANGE_GRANTED, *, user: str = ALICE, **fields: Any) -> int:
    """Record an event."""
    return record(Entry(event=event, user=user, **fields))


def backdate(**days: datetime) -> None:
    """Put events in the table at given instants; `_12` is the id 12."""
    for name, at in days.items():
        AuditEvent.objects.filter(id=int(name[1:])).update(occurred_at=at)


def test_each_qualifier_finds_what_it_names() -> None:
    exchanged = put(provider="github", tool="github_activity", run="r1", token_fingerprint=FINGERPRINT, client="web")
    refused = put(Event.VAULT_EXCHANGE_DENIED, provider="slack", tool="slack_mentions", run="r2", reason="revoked")
    put(user=BOB, provider="github", run="r1", token_fingerprint=FINGERPRINT, tool="github_activity", client="web")
    for text in ("service:github", "outcome:granted", "tool:github_activity", "run:r1", f"token:{FINGERPRINT}"):
        assert ids(text) == [exchanged]
    for text in ("event:denied", "event:vault:exchange:denied", "reason:revoked", "outcome:denied service:slack"):
        assert ids(text) == [refused]
    assert ids("actor:web") == [exchanged]
    assert ids("event:vault:exchange") == ids("") == [refused, exchanged]
    assert ids("user:2") == [refused, exchanged]


def test_actors_are_told_apart() -> None:
    signed_in = put(Event.ACCOUNT_SESSION_STARTED)
    revoked = put(Event.PERMISSION_ACCESS_REVOKED, provider="slack")
    withdrawn = put(Event.PERMISSION_ACCESS_WITHDRAWN, provider="slack")
    saved, taken = (put(Event.AUDIT_EVENTS_EXPORTED, reason=reason) for reason in ("csv", "operator"))
    own_run = [put(Event.AGENT_RUN_STARTED, run="mine"), put(Event.PERMISSION_CHECK_ALLOWED, run="mine")]
    scheduled = [put(Event.AGENT_RUN_STARTED, run="due", reason="schedule"), put(Event.AGENT_CALL_SUCCEEDED, run="due")]
    scheduled += [
        put(Event.AGENT_LOOK_STARTED, run="absence-1", provider="google-calendar", reason="schedule"),
        put(Event.PERMISSION_CHECK_ALLOWED, run="absence-1", provider="google-calendar"),
    ]
    skipped = put(Event.AGENT_SCHEDULE_SKIPPED, reason="holiday")
    assert ids("actor:you") == [saved, revoked, signed_in]
    assert ids("actor:operator") == [taken, withdrawn]
    assert ids("actor:agent") == [*scheduled[::-1], *own_run[::-1]]
    assert ids("actor:schedule") == [skipped, *scheduled[::-1]]
    assert ids("actor:schedule run:due") == scheduled[1::-1]
    assert ids("actor:agent:schedule:1") == [], "the schedule of these is not known"
    assert ids("actor:schedule", user=EVERYBODY) == [skipped, *scheduled[::-1]]


def test_schedules_are_told_apart_by_the_agents_that_act_for_them() -> None:
    granted = put(Event.PERMISSION_GRANT_CREATED, client="agent:schedule:1")
    put(Event.PERMISSION_GRANT_CREATED, client="agent:schedule:12")
    begun = put(Event.AGENT_RUN_STARTED, run="due", reason="schedule", client="agent:schedule:1")
    read = put(Event.AGENT_CALL_SUCCEEDED, run="due", provider="github")
    put(Event.AGENT_RUN_STARTED, run="other", reason="schedule", client="agent:schedule:12")
    put(Event.AGENT_CALL_SUCCEEDED, run="other", provider="github")
    put(Event.AGENT_CALL_SUCCEEDED, user=BOB, run="due")
    skipped = put(Event.AGENT_SCHEDULE_SKIPPED, reason="holiday", client="agent:schedule:1")
    assert ids("actor:agent:schedule:1") == [skipped, read, begun, granted]
    assert ids("actor:agent:schedule:1 service:github") == [read]
    assert ids("actor:agent:schedule:1", user=BOB) == []


def test_a_word_finds_each_event_whose_sentence_has_it() -> None:
    """Whatever words a reader sees on the page they may search for."""
    dice, searched = random.Random(7), 0  # noqa: S311  (no secret)
    for event in Event:
        chosen = {"tool": dice.choice(["slack_mentions", ""]), "reason": dice.choice(["revoked", "schedule", ""])}
        put(event, provider=dice.choice(["github", "slack", ""]), account="Cat", path="api.github.com/user", **chosen)
    for row in AuditEvent.objects.all():
        # Names of accounts and an operator's own words are sealed.
        told = re.sub(r"sealed:\S+", "", sentence_of(row))
        if "An unknown" in told:
            continue
        searched += 1
        for word in sorted(set(re.findall(r"[A-Za-z]{4,}", told)))[::3]:
            assert row.id in finding_ids(word), (word, told)
    assert searched > len(Event) / 2


def finding_ids(text: str) -> list[int]:
    """Return everything that a search finds."""
    return [event.id for chunk in finding.list_chunks(search(text), user=ALICE) for event in chunk]


def test_words_hold_together_whatever_their_case() -> None:
    refused = put(Event.PERMISSION_CHECK_DENIED, provider="slack", reason="revoked")
    put(Event.PERMISSION_CHECK_DENIED, provider="github", reason="revoked")
    assert ids("SLACK revoked") == [refused]
    assert ids("nowhere") == []
    assert ids("%") == ids("_") == []


def test_what_is_personal_is_ones_own_to_see() -> None:
    put(Event.VAULT_CONNECTION_CONNECTED, provider="github", account="octocat")
    put(Event.ACCOUNT_TOKEN_ISSUED, client="ci", reason="Ada asked for it")
    (issued, connected) = finding.find_events(search(""), user=ALICE).events
    assert (issued.reason, connected.account) == ("Ada asked for it", "octocat")
    (issued, connected) = finding.find_events(search(""), user=EVERYBODY).events
    assert (issued.reason, connected.account) == ("", "")


def test_days_bound_what_is_found_and_a_page_begins_at_a_day() -> None:
    first, second, third = put(), put(user=BOB), put()
    with_triggers_off(
        lambda: backdate(
            **{
                f"_{first}": datetime(2026, 11, 1, 23, 59, tzinfo=UTC),
                f"_{second}": datetime(2026, 11, 2, 0, 0, tzinfo=UTC),
                f"_{third}": datetime(2026, 11, 3, 12, 0, tzinfo=UTC),
            }
        )
    )
    assert ids("after:2026-11-02") == [third]
    assert ids("before:2026-11-02") == [first]
    assert ids("before:2026-11-01") == ids("after:2026-11-04") == ids("after:2026-11-03 before:2026-11-03") == []
    assert ids("after:2026-11-02 before:2026-11-03", user=EVERYBODY) == [second]
    assert ids("after:2026-11-01", user=EVERYBODY) == [third, second, first]
    assert ids("before:2026-11-01", user=EVERYBODY) == []
    start = finding.find_start(datetime(2026, 11, 1, tzinfo=UTC), user=ALICE)
    assert ids("", before=start) == [first]


def with_triggers_off(act: Any) -> None:
    """Change rows as only who owns the database may."""
    from audit import append_only  # noqa: PLC0415

    append_only.remove(connections["audit"])
    act()
    append_only.install(connections["audit"])


def test_what_no_index_answers_is_looked_for_in_steps_that_join(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = []
    for number in range(60):
        put(provider="github", run=f"r{number}")
        if number % 20 == 0:
            wanted.append(put(provider="slack", tool="slack_mentions"))
    monkeypatch.setattr(finding, "SCANNED_ROWS", 25)
    for user in (ALICE, EVERYBODY):
        first = finding.find_events(search("tool:slack_mentions"), user=user)
        assert [event.id for event in first.events] == wanted[:1:-1]
        assert first.looked_back_to is not None
        assert first.looked_back_to < timezone.now() + timedelta(seconds=1)
        found, cursor = list(first.events), first.next_cursor
        while cursor is not None:
            page = finding.find_events(search("tool:slack_mentions"), user=user, before=cursor)
            found, cursor = [*found, *page.events], page.next_cursor
        assert [event.id for event in found] == wanted[::-1]
    assert finding.find_events(search("service:slack"), user=ALICE).looked_back_to is None


def test_a_token_finds_its_exchanges_and_all_that_was_read_with_it() -> None:
    read = Event.AGENT_CALL_SUCCEEDED
    done = []
    for number in range(3):
        place = {"run": f"r{number}", "exchange": f"ex{number}", "provider": "github"}
        done.append(put(token_fingerprint=FINGERPRINT, **place))
        done.append(put(read, path="api.github.com/graphql#activity", **place))
        put(read, **place | {"exchange": "other"})
        put(read, user=BOB, **place)
        put(token_fingerprint="ff" * 16, **place | {"exchange": f"later{number}"})
    token = f"token:{FINGERPRINT}"
    assert ids(token) == done[::-1]
    assert ids(f"{token} event:agent:call") == done[1::2][::-1]
    assert ids(f"{token} run:r1 service:github") == done[2:4][::-1]
    assert ids(f"{token} graphql", user=EVERYBODY) == done[1::2][::-1]
    page = finding.find_events(search(token), user=ALICE, limit=2)
    rest = finding.find_events(search(token), user=ALICE, limit=2, before=page.next_cursor)
    assert [event.id for event in (*page.events, *rest.events)] == done[::-1]
    assert rest.next_cursor is None
    assert ids(token, user=BOB) == []


def test_what_was_read_with_a_token_after_the_day_asked_for_is_left_out() -> None:
    exchanged = put(token_fingerprint=FINGERPRINT, exchange="ex1", run="r1")
    read = put(Event.AGENT_CALL_SUCCEEDED, exchange="ex1", run="r1")
    days = {f"_{exchanged}": datetime(2026, 11, 1, 23, 59, tzinfo=UTC), f"_{read}": datetime(2026, 11, 2, tzinfo=UTC)}
    with_triggers_off(lambda: backdate(**days))
    assert ids(f"token:{FINGERPRINT}") == [read, exchanged]
    assert ids(f"token:{FINGERPRINT} before:2026-11-02") == [exchanged]


@on_sqlite
def test_what_a_token_read_is_found_by_its_runs() -> None:
    put(token_fingerprint=FINGERPRINT, run="r1", exchange="ex1")
    with CaptureQueriesContext(connections["audit"]) as queries:
        ids(f"token:{FINGERPRINT}")
    with connections["audit"].cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {queries[-1]['sql']}")
        assert "USING INDEX audit_event_user_run (user=? AND run=?)" in str(cursor.fetchall())


def test_chunks_join_without_gap_or_overlap(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = [put(provider="github") for _ in range(23)]
    monkeypatch.setattr(finding, "_CHUNK_ROWS", 5)
    assert finding_ids("service:github") == recorded[::-1]
    assert finding_ids("tool:x") == []


def test_an_audit_that_cannot_be_read_is_said_so() -> None:
    with table_away("audit", table="audit_event"), pytest.raises(AuditUnavailableError):
        ids("tool:x after:2026-11-01")


LED = {
    "": "audit_event_user_looked (user=?",
    "service:github": "audit_event_provider_looked (user=? AND provider=?",
    "outcome:denied": "audit_event_not_granted (user=? AND outcome=?",
    "outcome:granted": "audit_event_user_looked (user=?",
    "service:github outcome:denied": "audit_event_not_granted_at (user=? AND provider=? AND outcome=?",
    "run:r1": "audit_event_user_run (user=? AND run=?",
    "run:r1 service:github outcome:denied": "audit_event_user_run (user=? AND run=?",
    f"token:{FINGERPRINT}": "audit_event_token (token_fingerprint=?",
    f"token:{FINGERPRINT} run:r1 service:github outcome:denied": "audit_event_token (token_fingerprint=?",
}
ALSO = (
    "",
    "tool:t",
    "reason:r",
    "event:vault",
    "actor:you",
    "actor:agent",
    "actor:schedule",
    "actor:web",
    "slack",
    "actor:agent:schedule:1",
)


@on_sqlite
@pytest.mark.parametrize("led", LED)
def test_each_combination_is_answered_by_its_index_without_a_sort(led: str) -> None:
    put(provider="github", run="r1", token_fingerprint=FINGERPRINT)
    for also in ALSO:
        for days in ("", "after:2020-01-01", "before:2030-01-01", "after:2020-01-01 before:2030-01-01"):
            asked = f"{led} {also} {days}"
            with CaptureQueriesContext(connections["audit"]) as queries:
                finding.find_events(search(asked), user=ALICE, before=10**9)
            plan = plan_of_page(queries)
            assert plan[0].startswith(f"SEARCH audit_event USING INDEX {LED[led]} AND id>? AND id<?)"), (asked, plan)
            assert not any("TEMP B-TREE" in step or step.startswith("SCAN") for step in plan), (asked, plan)


@on_sqlite
@pytest.mark.parametrize(
    "text", ["", "service:github outcome:denied", "tool:t", "run:r1", "actor:schedule", "user:1 tool:t"]
)
def test_an_auditors_search_follows_the_ids(text: str) -> None:
    put(provider="github", run="r1")
    with CaptureQueriesContext(connections["audit"]) as queries:
        finding.find_events(search(text), user=EVERYBODY, before=10**9)
    plan = plan_of_page(queries)
    assert re.search(r"(row)?id>\? AND (row)?id<\?", plan[0])
    assert not any("TEMP B-TREE" in step for step in plan)


def plan_of_page(queries: CaptureQueriesContext) -> list[str]:
    """Return SQLite's plan of the query that was made for the page."""
    (sql,) = [query["sql"] for query in queries if query["sql"].endswith("LIMIT 51")]
    with connections["audit"].cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}".replace("%", "%%"))
        return [str(step[-1]) for step in cursor.fetchall()]
