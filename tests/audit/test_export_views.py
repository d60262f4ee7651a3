"""Events as a file: what is searched for and nothing else, safe in a spreadsheet, of any size, and on record."""

import csv
import io
import json
import tracemalloc
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.events import Entry, Event
from audit.export_lines import COLUMNS, SCHEMA, csv_header, csv_lines
from audit.models import AuditEvent
from audit.record import record
from permissions.subjects import subject_of
from tests.audit.streams import text_of
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"])

HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "＝1"]  # noqa: RUF001
EXPORTED = Event.AUDIT_EVENTS_EXPORTED


@pytest.fixture
def alice() -> User:
    """Return a user with two events, beside somebody else's."""
    user = User.objects.create_user("alice")
    record(Entry(event=Event.VAULT_EXCHANGE_GRANTED, user=subject_of(user.pk), provider="github", run="run-1"))
    record(Entry(event=Event.VAULT_EXCHANGE_DENIED, user=subject_of(user.pk), provider="slack", reason="revoked"))
    record(Entry(event=Event.VAULT_EXCHANGE_DENIED, user=subject_of(user.pk + 1), provider="slack", run="not-hers"))
    return user


@pytest.fixture
def browser(alice: User) -> Client:
    """Return a browser in which Alice is signed in."""
    client = Client()
    client.force_login(alice)
    return client


def test_a_csv_has_what_fits_and_a_name_with_its_days(browser: Client) -> None:
    response = browser.get("/audit/as/csv/?q=service:slack+after:2020-01-01")
    (row,) = csv.DictReader(io.StringIO(text_of(response)))
    assert (row["schema"], row["provider"], row["run"]) == (SCHEMA, "slack", "")
    assert row["sentence"] == "No Slack token was given: access to it was turned off."
    assert response["Content-Type"].startswith("text/csv")
    day = timezone.now().date()
    assert response["Content-Disposition"] == f'attachment; filename="devcontext-audit-2020-01-01-to-{day}.csv"'
    assert response["Cache-Control"] == "no-store"


def test_the_links_let_the_browser_show_the_question_who_is_there(browser: Client) -> None:
    """With `download`, it would save the page that asks, as the file."""
    page = browser.get("/audit/").content.decode()
    assert "/audit/as/csv/" in page
    assert " download" not in page


def test_json_lines_have_each_event_of_ones_own_the_newest_first(browser: Client) -> None:
    lines = [json.loads(line) for line in (text_of(browser.get("/audit/as/ndjson/"))).splitlines()]
    assert [line["provider"] for line in lines] == ["slack", "github"]
    assert all(tuple(line) == COLUMNS for line in lines)
    assert (lines[0]["schema"], lines[0]["status"]) == (SCHEMA, None)


def test_the_export_itself_is_on_record_and_not_in_the_file(browser: Client, alice: User) -> None:
    assert str(EXPORTED) not in text_of(browser.get("/audit/as/csv/"))
    recorded = AuditEvent.objects.order_by("-id").first()
    assert recorded is not None
    assert (recorded.event, recorded.user, recorded.reason) == (EXPORTED, subject_of(alice.pk), "csv")


def test_a_spreadsheet_takes_no_cell_for_a_formula(browser: Client, alice: User) -> None:
    """CSV injection: others choose what paths, programs and accounts are called."""
    for text in HOSTILE:
        record(
            Entry(
                event=Event.VAULT_CONNECTION_CONNECTED, user=subject_of(alice.pk), account=text, path=text, client=text
            )
        )
    rows = list(csv.DictReader(io.StringIO(text_of(browser.get("/audit/as/csv/?q=event:connected")))))
    assert len(rows) == len(HOSTILE)
    for row in rows:
        assert (row["account"][0], row["path"][0], row["client"][0]) == ("'", "'", "'")
        assert not any(str(value).lstrip().startswith(("=", "+", "-", "@")) for value in row.values())


@pytest.mark.parametrize("text", [*HOSTILE, "\t=1", "\r=1", "\n=1"])
def test_no_beginning_of_a_formula_is_let_through(text: str) -> None:
    event = AuditEvent(occurred_at=timezone.now(), event="x", outcome="noted", path=text)
    (row,) = csv.DictReader(io.StringIO(csv_header() + csv_lines([event])))
    assert row["path"] == f"'{text}"


@pytest.mark.parametrize("query", ["q=colour:red", "service=nope", "q=service:nope", "before=x"])
def test_a_search_that_is_not_understood_saves_nothing(query: str, browser: Client) -> None:
    response = browser.get(f"/audit/as/csv/?{query}")
    assert response.status_code == 400
    assert not AuditEvent.objects.filter(event=EXPORTED).exists()


def test_there_are_two_forms(browser: Client) -> None:
    assert browser.get("/audit/as/pdf/").status_code == 404
    assert browser.post("/audit/as/csv/").status_code == 405


def test_nobody_saves_without_signing_in(alice: User) -> None:
    assert Client().get("/audit/as/csv/").status_code == 302


def test_what_cannot_be_put_on_record_is_not_saved(browser: Client) -> None:
    with table_away("audit", table="audit_event"):
        response = browser.get("/audit/as/csv/")
    assert response.status_code == 503
    assert "nothing was saved" in response.content.decode()


def test_a_log_of_any_size_is_written_in_little_memory_and_begins_at_once(browser: Client, alice: User) -> None:
    blank = dict.fromkeys(
        (field.name for field in AuditEvent._meta.fields if field.get_internal_type() == "TextField"), ""
    )
    event, now = Event.AGENT_CALL_SUCCEEDED, timezone.now()
    values = blank | {"actor_jti": None, "user": subject_of(alice.pk), "path": "api.github.com/" + "x" * 100}
    AuditEvent.objects.bulk_create(
        (AuditEvent(occurred_at=now, event=event, outcome=event.outcome, **values) for _ in range(50_000)),
        batch_size=40,
    )
    with CaptureQueriesContext(connections["audit"]) as queries:
        response = browser.get("/audit/as/ndjson/?q=outcome:granted")
    # The answer begins before any of the events is read.
    assert not any("LIMIT 501" in query["sql"] for query in queries)
    tracemalloc.start()
    try:
        sizes = sizes_of(response)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(sizes) > 25_000_000
    assert max(sizes) < 1_000_000
    assert peak < 12_000_000


@async_to_sync
async def sizes_of(response: Any) -> list[int]:
    """Return the bytes of each part of a streamed answer, none of which is kept."""
    return [len(part) async for part in response.streaming_content]
