"""Receipts: whoever holds one can tell whether the event is still in the log, and is the one it was given for."""

import base64
from pathlib import Path

import pytest
from django.db import connections
from pytest_django.fixtures import Settings

from audit import append_only, encoding, log, receipt
from audit.checkpoint import new_pem
from audit.errors import BrokenNoteError
from audit.events import Entry, Event
from audit.log_keys import current
from audit.receipt import Standing
from audit.record import Recorded, append
from audit.seal import Sealer
from devcontext.local_keys import public_key_of
from tests.audit.sealing import NAME, PEM, keys

pytestmark = pytest.mark.django_db(databases=["audit"])

ENTRY = Entry(
    event=Event.VAULT_EXCHANGE_GRANTED,
    user="user:1",
    provider="github",
    client="devcontext-web",
    account='Grüße, 世界 "quoted" \\',
    actor_jti="jti-1",
    duration_ms=3,
)


def recorded() -> tuple[Recorded, str]:
    row = append(ENTRY)
    return row, receipt.issue(row)


def seal(folder: Path) -> None:
    Sealer(current(), pin_file=folder / "audit.pin").seal_next()


def rewrite(statement: str) -> None:
    """Run SQL as who has taken the triggers away."""
    connection = connections["audit"]
    append_only.remove(connection)
    with connection.cursor() as cursor:
        cursor.execute(statement)
    append_only.install(connection)


def test_what_was_recorded_is_what_the_database_reads() -> None:
    row = append(ENTRY)
    (read,) = log.list_events(after=row.id - 1, up_to=row.id, limit=1)
    assert encoding.encode(row.columns) == encoding.encode(read)


def test_a_receipt_is_kept_once_its_event_is_sealed(tmp_path: Path) -> None:
    row, note = recorded()
    assert receipt.load(note, keys=current()).event_id == row.id
    assert receipt.prove(note, keys=current()) == receipt.Proven(Standing.WAITING, client="devcontext-web")
    assert receipt.find_standings([note, "no receipt"], keys=current()) == [Standing.WAITING, None]
    seal(tmp_path)
    proven = receipt.prove(note, keys=current())
    assert (proven.standing, proven.client, len(proven.lines)) == (Standing.SEALED, "devcontext-web", 3)
    assert receipt.find_standings([note], keys=current()) == [Standing.SEALED]


@pytest.mark.parametrize("is_sealed", [False, True])
@pytest.mark.parametrize("statement", ["DELETE FROM audit_event", "UPDATE audit_event SET account = 'bob'"])
def test_an_event_that_was_taken_away_or_changed_breaks_its_receipt(
    tmp_path: Path, statement: str, *, is_sealed: bool
) -> None:
    _, note = recorded()
    if is_sealed:
        seal(tmp_path)
    rewrite(statement)
    assert receipt.prove(note, keys=current()).standing == Standing.BROKEN
    assert receipt.find_standings([note], keys=current()) == [Standing.BROKEN]


def test_a_leaf_of_something_else_breaks_the_receipt(tmp_path: Path) -> None:
    _, note = recorded()
    seal(tmp_path)
    rewrite("UPDATE audit_leaf SET nonce = hash")
    assert receipt.find_standings([note], keys=current()) == [Standing.BROKEN]


def test_two_receipts_of_one_event_differ() -> None:
    """Without its salt, the hash of a guessed event would tell whether the guess is right."""
    row, note = recorded()
    assert receipt.issue(row) != note


def test_what_another_key_signed_is_no_receipt() -> None:
    _, note = recorded()
    with pytest.raises(BrokenNoteError):
        receipt.load(note, keys=keys())


def test_neither_a_checkpoint_nor_a_changed_receipt_is_one() -> None:
    row, note = recorded()
    own = current()
    text = base64.b64decode(note).decode()
    for other in (own.sign(size=3, root=bytes(32)), text.replace(f"\n{row.id}\n", f"\n{row.id + 1}\n"), "", "\udc80"):
        with pytest.raises(BrokenNoteError):
            receipt.load(base64.b64encode(other.encode(errors="surrogateescape")).decode(), keys=own)
    with pytest.raises(BrokenNoteError):
        receipt.load("no base64 at all", keys=own)


def test_a_receipt_is_no_checkpoint() -> None:
    _, note = recorded()
    with pytest.raises(BrokenNoteError):
        current().open(base64.b64decode(note).decode())


def test_a_receipt_outlives_the_key_that_signed_it(settings: Settings) -> None:
    settings.AUDIT_LOG_KEY, settings.AUDIT_LOG_NAME = PEM, NAME
    _, note = recorded()
    settings.AUDIT_LOG_KEY = new_pem() + public_key_of(PEM)
    assert receipt.find_standings([note], keys=current()) == [Standing.WAITING]


def test_a_process_without_the_key_gives_none(settings: Settings) -> None:
    row = append(ENTRY)
    settings.AUDIT_LOG_KEY, settings.AUDIT_LOG_VERIFIERS = "", ""
    assert receipt.issue(row) == ""
    settings.AUDIT_LOG_VERIFIERS = str(keys().verifiers[0])
    assert receipt.issue(row) == ""
