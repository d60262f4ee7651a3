"""Sealing: every event once, in the order of the ids, by one process at a time, and none is left out for being late."""

import fcntl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from django.db import DatabaseError, connections, transaction

from audit import append_only, checkpoint, log, verify
from audit.models import AuditCheckpoint, AuditEvent, AuditLeaf
from audit.seal import Sealer
from devcontext.local_keys import public_key_of
from tests.audit.sealing import PEM, copy_event, keys, pinned, record_many, sealer

pytestmark = pytest.mark.django_db(transaction=True, databases=["audit"])

is_postgresql = "connections['audit'].vendor == 'postgresql'"


def sealed() -> list[int]:
    return list(AuditLeaf.objects.order_by("position").values_list("event_id", flat=True))


def in_thread(work: Callable[[], None]) -> threading.Thread:
    """Run `work` in a thread that closes its connections, as a process of its own would at its end."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_what_is_recorded_is_sealed_in_order_signed_and_pinned(tmp_path: Path) -> None:
    own, ids = sealer(tmp_path), record_many(5)
    assert own.seal_next() == 5
    assert sealed() == ids
    newest = AuditCheckpoint.objects.get()
    assert keys().open(newest.note).size == newest.size == 5
    assert pinned(tmp_path) == [newest.note]
    assert own.seal_next() == 0
    assert AuditCheckpoint.objects.count() == 1


def test_a_seal_takes_no_more_than_its_limit(tmp_path: Path) -> None:
    own, ids = sealer(tmp_path), record_many(5)
    assert [own.seal_next(limit=2) for _ in range(4)] == [2, 2, 1, 0]
    assert sealed() == ids


def test_leaves_of_the_same_event_differ_by_their_nonce(tmp_path: Path) -> None:
    """Who is shown a proof must not be able to guess another's event and compare."""
    record_many(3)
    sealer(tmp_path).seal_next()
    assert len({bytes(nonce) for nonce in AuditLeaf.objects.values_list("nonce", flat=True)}) == 3


def test_processes_that_take_turns_seal_one_log(tmp_path: Path) -> None:
    processes = [sealer(tmp_path), sealer(tmp_path), sealer(tmp_path)]
    for turn in range(9):
        record_many(2)
        assert processes[turn % 3].seal_next() == 2
    assert len(sealed()) == 18
    assert verify.verify(keys(), pinned=pinned(tmp_path)).findings == ()


@contextmanager
def claimed_elsewhere() -> Iterator[None]:
    """Hold what another process that seals holds."""
    connection = connections["audit"]
    if connection.vendor == "sqlite":
        with Path(f"{connection.settings_dict['NAME']}.sealing").open("wb") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        return
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic(using="audit"), connections["audit"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [0x44435602])
            held.set()
            done.wait(30)

    thread = in_thread(hold)
    assert held.wait(30)
    yield
    done.set()
    thread.join()


def test_while_another_process_seals_this_one_does_not(tmp_path: Path) -> None:
    own, ids = sealer(tmp_path), record_many(3)
    with claimed_elsewhere():
        assert own.seal_next() == 0
    assert sealed() == []
    assert own.seal_next() == 3
    assert sealed() == ids


def test_nothing_is_left_out_while_many_write_and_two_seal(tmp_path: Path) -> None:
    """Each id has a leaf, in order, and the log verifies, whoever was quicker."""
    writers = [in_thread(lambda: [record_many(1) for _ in range(40)] and None) for _ in range(4)]
    processes = [sealer(tmp_path), sealer(tmp_path)]

    def seal(process: Sealer) -> None:
        while any(writer.is_alive() for writer in writers):
            process.seal_next(limit=7)

    for thread in [*[in_thread(lambda process=process: seal(process)) for process in processes], *writers]:  # type: ignore[misc]  # mypy cannot tell the default's type
        thread.join()
    while processes[0].seal_next():
        pass
    assert sealed() == sorted(AuditEvent.objects.values_list("id", flat=True))
    assert len(sealed()) == 160
    assert verify.verify(keys(), pinned=pinned(tmp_path)).findings == ()


@pytest.mark.skipif(f"not ({is_postgresql})", reason="SQLite has one writer at a time")
@pytest.mark.parametrize("is_id_drawn_alone", [False, True])
def test_an_event_that_is_not_committed_yet_holds_up_those_with_larger_ids(
    tmp_path: Path, *, is_id_drawn_alone: bool
) -> None:
    """An id that was drawn, by a transaction that has no number yet, is as good as a row."""
    own, drawn, done = sealer(tmp_path), threading.Event(), threading.Event()
    insert = "INSERT INTO audit_event SELECT * FROM audit_event WHERE false"
    draw = "SELECT nextval(pg_get_serial_sequence('audit_event', 'id'))"
    first = record_many(1)

    def write_slowly() -> None:
        with transaction.atomic(using="audit"), connections["audit"].cursor() as cursor:
            if is_id_drawn_alone:
                cursor.execute(insert)
                cursor.execute(draw)
            else:
                cursor.execute(copy_event())
            drawn.set()
            done.wait(30)

    writer = in_thread(write_slowly)
    assert drawn.wait(30)
    later = record_many(1)
    assert later[0] == first[0] + 2
    assert own.seal_next() == 0
    done.set()
    writer.join()
    assert own.seal_next() == (2 if is_id_drawn_alone else 3)
    assert sealed() == sorted(AuditEvent.objects.values_list("id", flat=True))


def test_an_event_of_a_write_that_failed_leaves_no_gap_in_the_tree(tmp_path: Path) -> None:
    ids = record_many(1)
    with suppress(ZeroDivisionError), transaction.atomic(using="audit"), connections["audit"].cursor() as cursor:
        cursor.execute(copy_event())
        raise ZeroDivisionError
    ids += record_many(1)
    sealer(tmp_path).seal_next()
    assert sealed() == ids
    assert list(AuditLeaf.objects.order_by("position").values_list("position", flat=True)) == [0, 1]


def test_a_new_key_goes_on_where_the_old_one_ended(tmp_path: Path) -> None:
    record_many(2)
    sealer(tmp_path).seal_next()
    new = checkpoint.new_pem()
    own = sealer(tmp_path, new, public_key_of(PEM))
    assert own.is_key_new()
    record_many(2)
    own.seal_next()
    assert not own.is_key_new()
    assert verify.verify(keys(new, public_key_of(PEM)), pinned=pinned(tmp_path)).findings == ()


@pytest.mark.parametrize("table", ["audit_leaf", "audit_node", "audit_checkpoint"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET {} = {}"])
def test_the_log_is_append_only_as_the_events_are(tmp_path: Path, table: str, change: str) -> None:
    column = {"audit_leaf": "nonce", "audit_node": "hash", "audit_checkpoint": "note"}[table]
    record_many(257)
    sealer(tmp_path).seal_next()
    with pytest.raises(DatabaseError, match="append-only"), connections["audit"].cursor() as cursor:
        cursor.execute(change.format(table, column, column))
    assert append_only.list_missing(connections["audit"]) == []


@pytest.mark.skipif(is_postgresql, reason="REPLACE is SQLite's own")
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT OR REPLACE INTO audit_leaf SELECT position, event_id, 1, x'', x'' FROM audit_leaf",
        "INSERT OR REPLACE INTO audit_leaf SELECT position + 9, event_id, 1, x'', x'' FROM audit_leaf",
        "INSERT OR REPLACE INTO audit_checkpoint SELECT size, '', sealed_at FROM audit_checkpoint",
        "INSERT OR REPLACE INTO audit_node SELECT id + 9, level, position, x'' FROM audit_node",
    ],
)
def test_insert_or_replace_rewrites_nothing_of_the_log(tmp_path: Path, statement: str) -> None:
    record_many(257)
    sealer(tmp_path).seal_next()
    with pytest.raises(DatabaseError, match="append-only"), connections["audit"].cursor() as cursor:
        cursor.execute(statement)


def test_an_event_is_found_in_the_log_once_it_is_sealed(tmp_path: Path) -> None:
    (event_id,) = record_many(1)
    assert log.find_leaf(event_id=event_id) is None
    sealer(tmp_path).seal_next()
    leaf = log.find_leaf(event_id=event_id)
    assert leaf
    assert leaf == log.find_last_leaf()
