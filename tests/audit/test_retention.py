"""Retention: whole sealed segments go from the log's beginning, by a signed note, and what is left still verifies."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections, transaction
from django.utils import timezone
from pytest_django.fixtures import Settings

from audit import append_only, checkpoint, export, proofs, receipt, removal, retention, verify
from audit.checkpoint import load_verifiers
from audit.claim import Task, claimed
from audit.errors import LogBrokenError, RemovedMeanwhileError
from audit.events import Entry, Event
from audit.log import Hashes
from audit.models import AuditCheckpoint, AuditEvent, AuditLeaf, AuditRemoval
from audit.receipt import Standing
from audit.record import append
from audit.removal import Removal
from audit.tree import prove_consistency
from tests.audit.aging import aged_log, as_superuser, make_old
from tests.audit.proof_checks import require_consistency, require_inclusion
from tests.audit.sealing import NAME, PEM, copy_event, keys, pinned, record_many, sealer

pytestmark = pytest.mark.django_db(databases=["default", "audit"])

# Checkpoints at 40, 80, 120, …: a block of 256 leaves is removed in pieces, and a complete one goes as well.
SIZE, STEP = 400, 40
DAYS = 30


@pytest.fixture
def ids(tmp_path: Path) -> list[int]:
    """The ids of a sealed log whose first 300 events are older than `DAYS`."""
    return aged_log(tmp_path, days=DAYS, step=STEP)


def findings(folder: Path) -> tuple[str, ...]:
    return verify.verify(keys(), pinned=pinned(folder)).findings


def remove() -> retention.Removed:
    return retention.remove_older(keys(), days=DAYS)


def kept() -> list[int]:
    return list(AuditEvent.objects.order_by("id").values_list("id", flat=True))


def test_segments_whose_events_are_all_older_go_and_are_on_record(ids: list[int], tmp_path: Path) -> None:
    """300 are old, and 280 are whole segments: one up to 240, since no more than 250 go at once, and the rest."""
    assert remove() == retention.Removed(280, ids[279])
    started, succeeded = kept()[-2:]
    assert kept() == [*ids[280:], started, succeeded]
    assert AuditLeaf.objects.count() == SIZE - 280
    assert list(AuditRemoval.objects.order_by("size").values_list("start", "size")) == [(0, 240), (240, 280)]
    told = list(AuditEvent.objects.order_by("id").values_list("event", "reason"))[-2:]
    assert told == [
        (Event.AUDIT_RETENTION_STARTED, "older than 30 days"),
        (Event.AUDIT_RETENTION_SUCCEEDED, f"280 events, up to {ids[279]}"),
    ]
    report = verify.verify(keys(), pinned=pinned(tmp_path))
    assert (report.findings, report.leaves, report.removed, report.checkpoints) == ((), SIZE, 280, SIZE // STEP)


def test_where_nothing_is_old_enough_nothing_happens(ids: list[int]) -> None:
    before = len(kept())
    assert retention.remove_older(keys(), days=DAYS + 5) == retention.Removed(0, 0)
    assert (len(kept()), AuditRemoval.objects.count()) == (before, 0)


def test_it_goes_on_where_it_ended_and_sealing_goes_on_too(ids: list[int], tmp_path: Path) -> None:
    remove()
    assert remove() == retention.Removed(0, 0)
    later = record_many(100)
    make_old(later, days=DAYS)
    while sealer(tmp_path).seal_next(limit=STEP):
        pass
    # The events of the first removal are young, and stay with all that came after them.
    assert remove() == retention.Removed(0, 0)
    assert retention.remove_older(keys(), days=0).events > 0
    assert sealer(tmp_path).seal_next() == 2
    assert findings(tmp_path) == ()


def test_it_stops_between_two_segments_when_it_is_told_to(ids: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_BATCH", 100)
    answers = iter([False, True])
    assert retention.remove_older(keys(), days=DAYS, is_over=lambda: next(answers)) == retention.Removed(80, ids[79])


def test_while_another_process_removes_this_one_finds_nothing_and_records_nothing(ids: list[int]) -> None:
    before = kept()
    with claimed(Task.REMOVING) as is_ours:
        assert is_ours
        # Of another connection, as another process has one.
        with ThreadPoolExecutor(1) as other:
            assert other.submit(remove).result() == retention.Removed(0, 0)
            other.submit(connections.close_all).result()
    assert kept() == before
    assert remove().events == 280


def test_the_newest_checkpoint_keeps_its_last_segment(tmp_path: Path) -> None:
    """Something is always left for the sealer to go on from, and the events on the removal come behind it."""
    make_old(record_many(5), days=DAYS)
    own = sealer(tmp_path)
    while own.seal_next(limit=2):
        pass
    assert remove().events == 4
    assert sealer(tmp_path).seal_next() == 2
    assert findings(tmp_path) == ()


def test_a_segment_that_one_seal_made_larger_goes_whole(tmp_path: Path) -> None:
    make_old(record_many(301), days=DAYS)
    while sealer(tmp_path).seal_next(limit=300):
        pass
    assert remove().events == 300
    assert findings(tmp_path) == ()


def test_an_event_of_a_clock_that_stepped_back_holds_up_what_comes_after_it(tmp_path: Path) -> None:
    first, second, third = (record_many(10) for _ in range(3))
    make_old(first, days=DAYS)
    make_old(third, days=DAYS)
    while sealer(tmp_path).seal_next(limit=10):
        pass
    assert remove().last_event == first[-1]
    assert kept()[0] == second[0]


@pytest.mark.parametrize("size", [1, 40, 256, 280, 281, 399])
def test_every_checkpoint_before_and_after_is_proved_consistent(ids: list[int], size: int) -> None:
    before = {number: verify.Frontier.load(number, read=Hashes()).root() for number in (size, SIZE)}
    remove()
    proof = prove_consistency(size, size=SIZE, read=Hashes())
    require_consistency(size, before[size], size=SIZE, root=before[SIZE], proof=proof)


@pytest.mark.parametrize("number", [280, 299, SIZE - 1])
def test_what_was_kept_is_proved_to_be_in_the_log(ids: list[int], number: int) -> None:
    remove()
    proof = proofs.find_proof(ids[number], user="user:1")
    assert proof
    signed = keys().open(proof.note)
    require_inclusion(proof.leaf.hash, position=number, size=signed.size, root=signed.root, proof=proof.path)
    assert proofs.find_proof(ids[279], user="user:1") is None


def test_a_receipt_of_what_had_its_time_is_not_broken(tmp_path: Path, settings: Settings) -> None:
    settings.AUDIT_LOG_KEY, settings.AUDIT_LOG_NAME = PEM, NAME
    note = receipt.issue(append(Entry(event=Event.VAULT_EXCHANGE_GRANTED, user="user:1")))
    (event,) = AuditEvent.objects.all()
    record_many(3)
    while sealer(tmp_path).seal_next(limit=2):
        pass
    assert retention.remove_older(keys(), days=0).last_event >= event.id
    assert receipt.find_standings([note], keys=keys()) == [Standing.REMOVED]
    assert receipt.prove(note, keys=keys()).standing is Standing.REMOVED
    as_superuser("UPDATE audit_removal SET note = 'x'")
    assert receipt.find_standings([note], keys=keys()) == [Standing.BROKEN]


# --- What no retention did is found.


def test_one_row_more_than_the_note_says_is_found(ids: list[int], tmp_path: Path) -> None:
    remove()
    as_superuser("DELETE FROM audit_event WHERE id = %s", ids[280])
    assert findings(tmp_path) == (f"Event {ids[280]} was deleted.",)
    as_superuser("DELETE FROM audit_leaf WHERE position = 280")
    assert findings(tmp_path)[0] == "Leaf 280 is missing, or leaves were moved."


def test_a_beginning_that_was_cut_off_by_somebody_else_is_found(ids: list[int], tmp_path: Path) -> None:
    as_superuser("DELETE FROM audit_event WHERE id <= %s", ids[79])
    as_superuser("DELETE FROM audit_leaf WHERE position < 80")
    assert findings(tmp_path)[0] == "Leaf 0 is missing, or leaves were moved."


def cut_off(upto: int, *, note: str, ids: list[int]) -> None:
    """Remove as retention does, with a note of one's own."""
    hashes = b"".join(bytes(leaf.hash) for leaf in AuditLeaf.objects.order_by("position")[:upto])
    now = connections["audit"].ops.adapt_datetimefield_value(timezone.now())
    as_superuser(
        "INSERT INTO audit_removal (size, start, last_event, removed_at, note, hashes) VALUES (%s, 0, %s, %s, %s, %s)",
        *(upto, ids[upto - 1], now, note, hashes),
    )
    as_superuser("DELETE FROM audit_event WHERE id <= %s", ids[upto - 1])
    as_superuser("DELETE FROM audit_leaf WHERE position < %s", upto)


def test_a_removal_that_the_databases_owner_made_up_is_found(ids: list[int], tmp_path: Path) -> None:
    """Whoever owns the database can write all that retention writes, and not sign it."""
    forged = checkpoint.load_keys(checkpoint.new_pem(), name=NAME)
    cut_off(80, note=removal.sign(Removal(80, ids[79], "2026-01-01T00:00:00.000000Z"), keys=forged), ids=ids)
    assert findings(tmp_path) == ("No key that is known signed that the first 80 leaves were removed for their age.",)


def test_a_true_note_does_not_cover_more_than_it_says(ids: list[int], tmp_path: Path) -> None:
    true = removal.sign(Removal(80, ids[79], "2026-01-01T00:00:00.000000Z"), keys=keys())
    cut_off(120, note=true, ids=ids)
    assert findings(tmp_path) == ("No key that is known signed that the first 120 leaves were removed for their age.",)


def test_a_checkpoint_is_no_note_on_a_removal(ids: list[int], tmp_path: Path) -> None:
    cut_off(80, note=AuditCheckpoint.objects.get(size=80).note, ids=ids)
    assert len(findings(tmp_path)) == 1


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("DELETE FROM audit_removal", "Leaf 0 is missing, or leaves were moved."),
        (
            "UPDATE audit_removal SET hashes = %s",
            "What is kept of the removed leaves before the 240th is not all of it",
        ),
        ("UPDATE audit_removal SET note = ''", "No key that is known signed that the first 240 leaves"),
        ("UPDATE audit_removal SET last_event = last_event + 1", "No key that is known signed that the first 240"),
    ],
)
def test_what_is_kept_of_a_removal_cannot_be_changed(
    ids: list[int], tmp_path: Path, statement: str, finding: str
) -> None:
    remove()
    as_superuser(statement, *([b"x" * 32] if "%s" in statement else []))
    assert findings(tmp_path)[0].startswith(finding)


@pytest.mark.skipif("connections['audit'].vendor != 'sqlite'", reason="PostgreSQL's columns take their own type only")
@pytest.mark.parametrize("column", ["start", "last_event", "note", "hashes"])
def test_a_value_of_another_kind_is_found(ids: list[int], tmp_path: Path, column: str) -> None:
    remove()
    with connections["audit"].cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints=ON")
    value = "'text'" if column == "hashes" else "x'ff'"
    as_superuser(f"UPDATE audit_removal SET {column} = {value}")  # noqa: S608  (the test's own)
    with connections["audit"].cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints=OFF")
    assert findings(tmp_path)


def test_a_hash_that_is_kept_and_changed_does_not_fit_the_checkpoints(ids: list[int], tmp_path: Path) -> None:
    remove()
    as_superuser("UPDATE audit_removal SET hashes = %s WHERE size = 240", bytes(32 * 240))
    assert findings(tmp_path)[0].startswith("The first 40 leaves are not those of its checkpoint")


def test_an_event_that_is_put_where_others_were_removed_is_found(ids: list[int], tmp_path: Path) -> None:
    remove()
    as_superuser(copy_event(str(ids[5])) + " WHERE id = %s", ids[300])
    assert findings(tmp_path) == (f"Event {ids[5]} was inserted, or its leaf removed.",)


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("UPDATE audit_event SET reason = 'x' WHERE id = {}", "was changed"),
        ("DELETE FROM audit_event WHERE id = {}", "do not fit"),
        ("UPDATE audit_leaf SET nonce = hash WHERE event_id = {}", "was changed"),
        ("UPDATE audit_checkpoint SET note = 'x' WHERE size = 240", "not signed by a known key"),
        (
            "UPDATE audit_checkpoint SET note = (SELECT note FROM audit_checkpoint WHERE size = 40) WHERE size = 240",
            "are not those",
        ),
        ("DELETE FROM audit_leaf WHERE position = 7", "do not fit"),
    ],
)
def test_what_somebody_changed_is_never_removed(ids: list[int], statement: str, sentence: str) -> None:
    """What would show the change stays, and with it all that came later."""
    as_superuser(statement.format(ids[7]))
    before = AuditLeaf.objects.count()
    with pytest.raises(LogBrokenError, match=sentence):
        remove()
    assert (AuditRemoval.objects.count(), AuditLeaf.objects.count()) == (0, before)


# --- The triggers let go of what a removal names, and of nothing else.


def refuse(statement: str, *values: Any) -> None:
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(using="audit"),
        connections["audit"].cursor() as cursor,
    ):
        cursor.execute(statement, values)


def test_after_a_removal_the_rest_is_append_only_as_before(ids: list[int]) -> None:
    remove()
    for statement in (
        "DELETE FROM audit_event",
        "DELETE FROM audit_leaf",
        "DELETE FROM audit_removal",
        "DELETE FROM audit_checkpoint WHERE size = 40",
        "DELETE FROM audit_node",
        "UPDATE audit_removal SET note = ''",
    ):
        refuse(statement)
    refuse("DELETE FROM audit_event WHERE id = %s", ids[280])
    refuse("DELETE FROM audit_leaf WHERE position = %s", 280)
    assert append_only.list_missing(connections["audit"]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"size": 81},
        {"size": SIZE},
        {"start": 40},
        {"last_event": 10**9},
        {"hashes": bytes(32 * 80)},
        {"hashes": b""},
        {"size": 120},
    ],
)
def test_a_removal_that_is_no_whole_segment_is_refused(ids: list[int], change: dict[str, Any]) -> None:
    hashes = b"".join(bytes(leaf.hash) for leaf in AuditLeaf.objects.order_by("position")[:80])
    fields = {"size": 80, "start": 0, "last_event": ids[79], "hashes": hashes, "note": "", "removed_at": timezone.now()}
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(using="audit"):
        AuditRemoval(**fields | change).save(force_insert=True)
    AuditRemoval(**fields).save(force_insert=True)


# --- The command.


def test_the_command_removes_and_the_log_verifies(
    ids: list[int], tmp_path: Path, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.AUDIT_LOG_KEY, settings.AUDIT_LOG_NAME = PEM, NAME
    settings.AUDIT_PIN_FILE = tmp_path / "audit.pin"
    call_command("audit_retain", "--older-than", str(DAYS))
    assert capsys.readouterr().out == "280 events were removed.\n"
    call_command("audit_verify")
    assert capsys.readouterr().out.startswith(
        "400 sealed events, 280 of them removed for their age, 10 checkpoints, 2 "
    )


@pytest.mark.parametrize("days", ["0", "-1"])
def test_the_command_asks_for_days(days: str) -> None:
    with pytest.raises(CommandError, match="how many days"):
        call_command("audit_retain", "--older-than", days)


def test_who_cannot_sign_removes_nothing(ids: list[int], settings: Settings) -> None:
    settings.AUDIT_LOG_KEY, settings.AUDIT_LOG_VERIFIERS = "", str(keys().verifiers[0])
    with pytest.raises(CommandError, match="private key"):
        call_command("audit_retain", "--older-than", str(DAYS))
    with pytest.raises(ImproperlyConfigured):
        retention.remove_older(load_verifiers(str(keys().verifiers[0])), days=DAYS)
    assert kept() == ids


def test_a_removal_that_breaks_off_is_on_record(ids: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "_BATCH", 100)
    as_superuser("UPDATE audit_event SET reason = 'x' WHERE id = %s", ids[100])
    with pytest.raises(LogBrokenError, match=f"Event {ids[100]} was changed"):
        remove()
    last = AuditEvent.objects.order_by("-id").first()
    assert last
    assert (last.event, kept()[0]) == (Event.AUDIT_RETENTION_FAILED, ids[80])


# --- While it goes on, and day by day.


def test_who_verifies_while_segments_go_reads_again(
    ids: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "_BATCH", 100)
    shown: list[int] = []

    def show(done: int) -> None:
        shown.append(done)
        remove()

    report = verify.verify(keys(), pinned=pinned(tmp_path), show=show)
    assert (report.findings, report.removed) == ((), 280)
    assert shown[:3] == [100, 200, 220]
    assert 280 in shown[3:]


def test_an_export_that_segments_were_taken_from_says_so(ids: list[int]) -> None:
    lines = export.lines(keys())
    assert json.loads(next(lines))["type"] == "header"
    remove()
    with pytest.raises(RemovedMeanwhileError):
        list(lines)
