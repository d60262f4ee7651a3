"""Whoever owns the database and drops its triggers can rewrite it; each way is found, and a clean log is clean."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from audit import append_only, checkpoint, log, verify
from audit.checkpoint import LogKeys
from audit.errors import LogBrokenError
from audit.models import AuditEvent
from audit.seal import Sealer
from devcontext.local_keys import public_key_of
from tests.audit.sealing import NAME, PEM, copy_event, keys, pinned, record_many, sealer

pytestmark = pytest.mark.django_db(databases=["audit"])

# Enough for a node above the leaves, in several checkpoints.
SIZE, STEP = 300, 50

Run = Callable[..., None]


@pytest.fixture
def ids(tmp_path: Path) -> list[int]:
    """A sealed log of `SIZE` events; their ids."""
    found = record_many(SIZE)
    own = sealer(tmp_path)
    while own.seal_next(limit=STEP):
        pass
    return found


@pytest.fixture
def as_superuser() -> Iterator[Run]:
    """Run SQL as who has taken the triggers away, and who may put them back so that no check misses them."""
    connection = connections["audit"]

    def run(statement: str, *values: Any) -> None:
        append_only.remove(connection)
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
        append_only.install(connection)

    yield run
    assert append_only.list_missing(connection) == []


def findings(folder: Path, log_keys: LogKeys | None = None) -> tuple[str, ...]:
    return verify.verify(log_keys or keys(), pinned=pinned(folder)).findings


def resign(own: LogKeys, *, size: int) -> None:
    """Write a checkpoint of the tree as it is stored now, signed with keys of the attacker's choice."""
    root = verify.Frontier.load(size, read=log.Hashes()).root()
    stored = log.find_checkpoint(size)
    assert stored
    stored.note = own.sign(size=size, root=root)
    stored.save()


def test_a_clean_log_is_clean(ids: list[int], tmp_path: Path) -> None:
    shown: list[int] = []
    report = verify.verify(keys(), pinned=pinned(tmp_path), show=shown.append)
    assert report.findings == ()
    assert (report.leaves, report.checkpoints, report.unsealed) == (SIZE, SIZE // STEP, 0)
    assert shown == [SIZE]
    record_many(3)
    report = verify.verify(keys(), pinned=pinned(tmp_path))
    assert (report.findings, report.leaves, report.unsealed) == ((), SIZE, 3)


def test_a_log_that_was_never_begun_is_clean(tmp_path: Path) -> None:
    record_many(3)
    report = verify.verify(keys())
    assert (report.findings, report.leaves, report.unsealed, report.newest_note) == ((), 0, 3, "")


@pytest.mark.parametrize("column", ["event", "outcome", "user", "reason", "account", "occurred_at", "actor_jti"])
def test_an_edited_event_is_found(ids: list[int], tmp_path: Path, as_superuser: Run, column: str) -> None:
    value = "2020-01-01 00:00:00" if column == "occurred_at" else "rewritten"
    statement = f'UPDATE audit_event SET "{column}" = %s WHERE id = %s'  # noqa: S608  (the test's own)
    as_superuser(statement, value, ids[7])
    assert findings(tmp_path) == (f"Event {ids[7]} was changed.",)


@pytest.mark.skipif("connections['audit'].vendor != 'sqlite'", reason="PostgreSQL's texts hold no NUL")
def test_what_is_added_behind_a_nul_is_found(ids: list[int], tmp_path: Path, as_superuser: Run) -> None:
    """Much of SQLite reads a text to its first NUL."""
    as_superuser("UPDATE audit_event SET reason = reason || char(0) || 'rewritten' WHERE id = %s", ids[7])
    assert findings(tmp_path) == (f"Event {ids[7]} was changed.",)


def test_one_value_that_cannot_be_written_leaves_the_other_events_sound(
    ids: list[int], tmp_path: Path, as_superuser: Run
) -> None:
    value = "x'ff'" if connections["audit"].vendor == "sqlite" else "'changed'"
    as_superuser(f"UPDATE audit_event SET reason = {value} WHERE id = %s", ids[7])  # noqa: S608  (the test's own)
    assert findings(tmp_path) == (f"Event {ids[7]} was changed.",)


@pytest.mark.skipif("connections['audit'].vendor != 'sqlite'", reason="PostgreSQL's texts are texts")
def test_a_text_that_is_stored_as_jsonb_is_found(ids: list[int], tmp_path: Path, as_superuser: Run) -> None:
    """From SQLite 3.45 on it is written like the text, while no search finds the event any more."""
    user = AuditEvent.objects.get(id=ids[7]).user
    jsonb = bytes([len(user) << 4 | 0x7]).hex() + user.encode().hex()
    as_superuser(f"UPDATE audit_event SET user = x'{jsonb}' WHERE id = %s", ids[7])  # noqa: S608  (the test's own)
    assert findings(tmp_path) == (f"Event {ids[7]} was changed.",)


@pytest.mark.skipif("connections['audit'].vendor != 'sqlite'", reason="PostgreSQL's columns take their own type only")
@pytest.mark.parametrize("value", ["x'03'", "3.5", "NULL", "1e999", "'three'"])
def test_a_value_of_another_kind_is_found(ids: list[int], tmp_path: Path, as_superuser: Run, value: str) -> None:
    """SQLite keeps what it is given; `PRAGMA ignore_check_constraints` lifts Django's own checks."""
    with connections["audit"].cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints=ON")
    as_superuser(f"UPDATE audit_event SET duration_ms = {value}")  # noqa: S608  (the test's own)
    with connections["audit"].cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints=OFF")
    assert len(findings(tmp_path)) == verify.MAX_FINDINGS


@pytest.mark.parametrize("number", [0, 100, SIZE - 1])
def test_a_deleted_event_is_found(ids: list[int], tmp_path: Path, as_superuser: Run, number: int) -> None:
    as_superuser("DELETE FROM audit_event WHERE id = %s", ids[number])
    assert findings(tmp_path) == (f"Event {ids[number]} was deleted.",)


def test_an_event_that_is_deleted_with_its_leaf_is_found(ids: list[int], tmp_path: Path, as_superuser: Run) -> None:
    as_superuser("DELETE FROM audit_event WHERE id = %s", ids[100])
    as_superuser("DELETE FROM audit_leaf WHERE event_id = %s", ids[100])
    assert "Leaf 100 is missing, or leaves were moved." in findings(tmp_path)


def test_leaves_that_close_the_gap_are_found(ids: list[int], tmp_path: Path, as_superuser: Run) -> None:
    as_superuser("DELETE FROM audit_event WHERE id = %s", ids[100])
    as_superuser("DELETE FROM audit_leaf WHERE position = 100")
    for position in range(101, SIZE):
        as_superuser("UPDATE audit_leaf SET position = %s WHERE position = %s", position - 1, position)
    assert "The first 150 leaves are not those of its checkpoint: leaves up to there were rewritten." in findings(
        tmp_path
    )


def test_an_inserted_event_is_found(ids: list[int], tmp_path: Path, as_superuser: Run) -> None:
    """At the place of one that never was: PostgreSQL's sequences leave gaps, and ids may be given."""
    as_superuser(copy_event(f"{ids[0]} - 1") + " WHERE id = %s", ids[0])
    assert findings(tmp_path) == (f"Event {ids[0] - 1} was inserted, or its leaf removed.",)


def test_two_events_that_changed_places_are_found(ids: list[int], tmp_path: Path, as_superuser: Run) -> None:
    for old, new in ((ids[3], 10**9), (ids[4], ids[3]), (10**9, ids[4])):
        as_superuser("UPDATE audit_event SET id = %s WHERE id = %s", new, old)
    assert findings(tmp_path) == (f"Event {ids[3]} was changed.", f"Event {ids[4]} was changed.")


def test_leaves_that_changed_places_are_found(ids: list[int], tmp_path: Path, as_superuser: Run) -> None:
    for old, new in ((3, 10**9), (4, 3), (10**9, 4)):
        as_superuser("UPDATE audit_leaf SET position = %s WHERE position = %s", new, old)
    first, second = findings(tmp_path)
    assert first == f"Leaf 4 of event {ids[3]} is out of order."
    assert second.startswith("The first 50 leaves are not those of its checkpoint")


def test_an_event_that_is_edited_with_its_leaf_is_found_by_the_checkpoint(
    ids: list[int], tmp_path: Path, as_superuser: Run
) -> None:
    as_superuser("UPDATE audit_event SET reason = 'rewritten' WHERE id = %s", ids[77])
    (values,) = log.list_events(after=ids[77] - 1, up_to=ids[77], limit=1)
    hashed = verify.encoding.hash_event(values, nonce=bytes(16))
    as_superuser("UPDATE audit_leaf SET nonce = %s, hash = %s WHERE event_id = %s", bytes(16), hashed, ids[77])
    # The event fits its leaf again, and the leaf no longer its tree.
    assert findings(tmp_path)[0].startswith("The first 100 leaves are not those of its checkpoint")


@pytest.mark.parametrize("left", [0, 100, 275, SIZE - 1])
def test_a_log_that_was_cut_off_is_found(ids: list[int], tmp_path: Path, as_superuser: Run, left: int) -> None:
    as_superuser("DELETE FROM audit_event WHERE id > %s", ids[left - 1] if left else 0)
    as_superuser("DELETE FROM audit_leaf WHERE position >= %s", left)
    as_superuser("DELETE FROM audit_node WHERE position >= %s", left // 256)
    as_superuser("DELETE FROM audit_checkpoint WHERE size > %s", left)
    assert f"The log has {left} leaves, and the pinned checkpoint speaks of {SIZE}: its end was cut off." in findings(
        tmp_path
    )


def test_leaves_whose_checkpoint_was_removed_are_found(ids: list[int], tmp_path: Path, as_superuser: Run) -> None:
    as_superuser("DELETE FROM audit_checkpoint WHERE size = %s", SIZE)
    assert findings(tmp_path) == (f"The log has {SIZE} leaves, and no checkpoint covers the last of them.",)


def test_a_replaced_checkpoint_is_found(ids: list[int], tmp_path: Path, as_superuser: Run) -> None:
    forged = checkpoint.load_keys(checkpoint.new_pem(), name=NAME).sign(size=150, root=bytes(32))
    as_superuser("UPDATE audit_checkpoint SET note = %s WHERE size = 150", forged)
    assert findings(tmp_path) == ("The checkpoint of 150 leaves is not signed by a known key: it was replaced.",)


def test_a_checkpoint_in_the_place_of_another_is_found(ids: list[int], tmp_path: Path, as_superuser: Run) -> None:
    older = log.find_checkpoint(100)
    assert older
    as_superuser("UPDATE audit_checkpoint SET note = %s WHERE size = 150", older.note)
    assert findings(tmp_path) == ("The checkpoint of 150 leaves is not signed by a known key: it was replaced.",)


def test_a_changed_node_is_found(ids: list[int], tmp_path: Path, as_superuser: Run) -> None:
    as_superuser("UPDATE audit_node SET hash = %s WHERE level = 8", bytes(32))
    assert findings(tmp_path) == ("Node 0 of level 8 is missing or was changed.",)
    as_superuser("DELETE FROM audit_node")
    assert findings(tmp_path) == ("Node 0 of level 8 is missing or was changed.",)


def rewrite(pem: str, folder: Path, as_superuser: Run) -> None:
    """Replace the whole log by one that tells another story, signed with the private key `pem`."""
    for table in ("audit_event", "audit_leaf", "audit_node", "audit_checkpoint"):
        as_superuser(f"DELETE FROM {table}")  # noqa: S608  (the test's own)
    record_many(SIZE, user="user:2")
    folder.mkdir()
    attacker = Sealer(checkpoint.load_keys(pem, name=NAME), pin_file=folder / "audit.pin")
    while attacker.seal_next(limit=STEP):
        pass


def test_a_log_that_was_replaced_whole_with_the_stolen_key_is_found_by_the_pin(
    ids: list[int], tmp_path: Path, as_superuser: Run
) -> None:
    rewrite(PEM, tmp_path / "attacker", as_superuser)
    assert findings(tmp_path) == (
        f"The first {SIZE} leaves are not those of the pinned checkpoint: leaves up to there were rewritten.",
    )
    assert verify.verify(keys()).findings == ()


def test_a_log_that_was_replaced_whole_with_a_stolen_old_key_is_found_without_a_pin(
    ids: list[int], tmp_path: Path, as_superuser: Run
) -> None:
    rewrite(PEM, tmp_path / "attacker", as_superuser)
    (finding,) = verify.verify(keys(checkpoint.new_pem(), public_key_of(PEM))).findings
    assert finding.startswith("The newest checkpoint is not signed with the current log key.")


def test_an_old_key_that_signs_after_it_was_replaced_is_found(
    ids: list[int], tmp_path: Path, as_superuser: Run
) -> None:
    new = checkpoint.new_pem()
    record_many(2)
    both = keys(new, public_key_of(PEM))
    for _ in range(2):
        assert Sealer(both, pin_file=tmp_path / "audit.pin").seal_next(limit=1)
    assert findings(tmp_path, both) == ()
    append_only.remove(connections["audit"])
    resign(keys(PEM), size=SIZE + 2)
    append_only.install(connections["audit"])
    assert f"The checkpoint of {SIZE + 2} leaves is signed with a key that was replaced before it." in findings(
        tmp_path, both
    )


def test_a_pin_that_nobody_we_know_signed_is_found(ids: list[int], tmp_path: Path) -> None:
    report = verify.verify(keys(), pinned=["nonsense"])
    assert report.findings == ("A pinned checkpoint is not signed by a known key.",)


@pytest.mark.parametrize(
    ("statement", "sentence"),
    [
        ("DELETE FROM audit_leaf WHERE position >= 299", "The log has 299 leaves, and its newest checkpoint"),
        ("DELETE FROM audit_leaf WHERE position = 260", "The tree lacks leaves or nodes."),
        ("UPDATE audit_leaf SET hash = nonce WHERE position = 299", "The first 300 leaves are not those of their"),
        ("UPDATE audit_checkpoint SET note = 'x' WHERE size = 300", "The checkpoint of 300 leaves is not signed"),
        ("DELETE FROM audit_checkpoint", "The log has 300 leaves, and its newest checkpoint speaks of 0"),
    ],
)
def test_nothing_is_signed_after_a_log_that_was_rewritten(
    ids: list[int], tmp_path: Path, as_superuser: Run, statement: str, sentence: str
) -> None:
    as_superuser(statement)
    record_many(1)
    with pytest.raises(LogBrokenError, match=sentence):
        sealer(tmp_path).seal_next()


def test_nothing_is_signed_after_a_log_that_is_not_the_pinned_one(
    ids: list[int], tmp_path: Path, as_superuser: Run
) -> None:
    rewrite(PEM, tmp_path / "attacker", as_superuser)
    record_many(1)
    with pytest.raises(LogBrokenError, match="The first 300 leaves are not those that were pinned"):
        sealer(tmp_path).seal_next()
    as_superuser("DELETE FROM audit_checkpoint WHERE size > 50")
    as_superuser("DELETE FROM audit_leaf WHERE position >= 50")
    as_superuser("DELETE FROM audit_node")
    with pytest.raises(LogBrokenError, match="The log has 50 leaves, and 300 were pinned: its end is lost"):
        sealer(tmp_path).seal_next()
    (tmp_path / "audit.pin").write_text("nonsense")
    with pytest.raises(LogBrokenError, match="The pinned checkpoint is not signed by a known key"):
        sealer(tmp_path).seal_next()
