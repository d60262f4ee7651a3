"""What a run's page says of each exchange's receipt, by the log as it is now."""

from pathlib import Path

import pytest
from django.db import connections
from pytest_django.fixtures import Settings

from agent.receipts import _WORDS, look_up
from agent.transcript import CallTold
from audit import append_only, receipt
from audit.events import Entry, Event
from audit.log_keys import current
from audit.receipt import Standing
from audit.record import append
from audit.seal import Sealer
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["audit"])


def call(text: str) -> CallTold:
    return CallTold("github_activity", "github", "Reading", {}, receipt=text)


def issued() -> str:
    return receipt.issue(append(Entry(event=Event.VAULT_EXCHANGE_GRANTED, user="user:1", client="devcontext-web")))


def standing_of(text: str) -> str:
    told = call(text)
    look_up([call(""), told])
    return told.standing


def test_an_event_is_not_sealed_then_proved_and_broken_once_it_is_rewritten(tmp_path: Path) -> None:
    text = issued()
    assert standing_of(text) == "Not sealed yet: that takes about a second."
    Sealer(current(), pin_file=tmp_path / "audit.pin").seal_next()
    assert standing_of(text) == "Proved: its event is in the signed log."
    connection = connections["audit"]
    append_only.remove(connection)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE audit_event SET reason = 'rewritten'")
    append_only.install(connection)
    assert standing_of(text).startswith("Broken: the log lacks its event")


def test_each_standing_has_words() -> None:
    assert set(_WORDS) == set(Standing)


def test_a_call_without_a_receipt_is_told_nothing_of() -> None:
    assert standing_of("") == ""


def test_what_is_no_receipt_is_said_to_be_none() -> None:
    assert standing_of("nonsense") == "It is not a receipt of this log."


def test_without_a_key_or_a_database_it_is_not_known(settings: Settings) -> None:
    text = issued()
    with table_away("audit", table="audit_event"):
        assert standing_of(text).startswith("Whether its event is in the signed log cannot be looked up")
    settings.AUDIT_LOG_KEY = settings.AUDIT_LOG_VERIFIERS = ""
    assert standing_of(text).startswith("Whether its event is in the signed log cannot be looked up")
