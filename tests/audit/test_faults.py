"""The audit under faults: a full disk, a clock that steps back, and a sealer that is killed at any point."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import Error, connections
from django.utils import timezone

from audit import verify
from audit.checkpoint import new_pem
from audit.errors import AuditUnavailableError
from audit.models import AuditEvent, AuditLeaf
from devcontext.local_keys import public_key_of
from tests.audit.listing import list_events
from tests.audit.sealing import PEM, keys, pinned, record_many, sealer
from tests.vault.conftest import disk_full

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit"])

# More statements than a seal has, so that the last child seals whole.
MAX_STATEMENTS = 30


def sealed() -> list[int]:
    return list(AuditLeaf.objects.order_by("position").values_list("event_id", flat=True))


def recorded() -> list[int]:
    return list(AuditEvent.objects.order_by("id").values_list("id", flat=True))


@contextmanager
def full_disk() -> Iterator[None]:
    """Have the audit's disk full, after some rows: its file may not grow, or PostgreSQL's server says so (53100)."""
    if connections["audit"].vendor == "postgresql":
        with disk_full("audit", table="audit_event", when=f"NEW.id > {recorded()[-1] + 50}"):
            yield
        return
    with connections["audit"].cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
    # Who meets the error drops the connection, and the limit with it.
    yield


def test_a_full_disk_refuses_events_until_there_is_room(tmp_path: Path) -> None:
    own = sealer(tmp_path)
    record_many(3)
    with full_disk(), pytest.raises(AuditUnavailableError):
        record_many(10_000)
    assert 3 <= len(recorded()) < 10_000, "what was taken before is there"
    record_many(2)
    while own.seal_next():
        pass
    assert sealed() == recorded()
    assert verify.verify(keys(), pinned=pinned(tmp_path)).findings == ()


@pytest.mark.parametrize("table", ["audit_leaf", "audit_checkpoint"])
def test_a_disk_that_is_full_while_a_seal_is_written_takes_none_of_it(tmp_path: Path, table: str) -> None:
    own = sealer(tmp_path)
    record_many(5)
    own.seal_next()
    before = sealed()
    record_many(5)
    with (
        disk_full("audit", table=table, when="NEW.position = 8" if table == "audit_leaf" else ""),
        pytest.raises(Error),
    ):
        own.seal_next()
    assert sealed() == before
    assert verify.verify(keys(), pinned=pinned(tmp_path)).findings == ()
    while own.seal_next():
        pass
    assert sealed() == recorded()
    assert verify.verify(keys(), pinned=pinned(tmp_path)).findings == ()


def test_a_clock_that_steps_back_changes_no_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The events stand in the order in which they were recorded, whatever time they tell."""
    now = datetime(2026, 11, 22, 12, tzinfo=UTC)
    own = sealer(tmp_path)
    for step in (0, -3600, 5):
        monkeypatch.setattr(timezone, "now", lambda step=step: now + timedelta(seconds=step))
        record_many(2)
        own.seal_next()
    monkeypatch.undo()
    assert [row.id for row in list_events(user="user:1").rows] == recorded()[::-1]
    assert sealed() == recorded()
    assert verify.verify(keys(), pinned=pinned(tmp_path)).findings == ()


def is_killed(work: Callable[[], object]) -> bool:
    """Work in a process of its own, and return whether it was killed."""
    connections["audit"].close()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def die(*_arguments: Any, **_more: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def seal_until_killed(folder: Path, *, at_statement: int) -> bool:
    """Seal in a process of its own, which is killed before that statement; return whether it came so far."""
    count = 0

    def kill(execute: Callable[..., Any], *arguments: Any) -> Any:
        nonlocal count
        count += 1
        if count == at_statement:
            die()
        return execute(*arguments)

    def seal() -> None:
        with connections["audit"].execute_wrapper(kill):
            sealer(folder).seal_next(limit=3)

    return is_killed(seal)


def test_a_sealer_that_is_killed_at_any_statement_leaves_a_log_that_goes_on(tmp_path: Path) -> None:
    killed = 0
    for statement in range(1, MAX_STATEMENTS):
        record_many(2)
        killed += seal_until_killed(tmp_path, at_statement=statement)
        report = verify.verify(keys(), pinned=pinned(tmp_path))
        assert report.findings == (), statement
    assert 5 < killed < MAX_STATEMENTS - 1
    own = sealer(tmp_path)
    while own.seal_next():
        pass
    assert sealed() == recorded()
    assert verify.verify(keys(), pinned=pinned(tmp_path)).findings == ()


# What the operating system is asked for while a committed seal is pinned, in this order, and the drafts it leaves.
PINNING = {"open": 0, "fdopen": 1, "fsync": 1, "replace": 1}


@pytest.mark.parametrize("call", PINNING)
def test_a_sealer_that_is_killed_between_its_commit_and_its_pin_is_pinned_by_the_next(
    tmp_path: Path, call: str
) -> None:
    record_many(2)
    sealer(tmp_path).seal_next()
    before = pinned(tmp_path)
    record_many(2)

    def seal() -> None:
        setattr(os, call, die)
        sealer(tmp_path).seal_next()

    assert is_killed(seal)
    assert sealed() == recorded(), "it was committed"
    assert pinned(tmp_path) == before
    assert verify.verify(keys(), pinned=before).findings == ()
    drafts = set(tmp_path.iterdir()) - {tmp_path / "audit.pin"}
    assert len(drafts) == PINNING[call]
    for draft in drafts:
        os.utime(draft, (0, 0))
    kept = {tmp_path / f".audit.pin.{'0' * 16}", tmp_path / ".audit.pin.backup"}
    for path in kept:
        path.touch()
    os.utime(tmp_path / ".audit.pin.backup", (0, 0))
    record_many(1)
    sealer(tmp_path).seal_next()
    (note,) = pinned(tmp_path)
    assert keys().open(note).size == len(sealed()) == 5
    assert set(tmp_path.iterdir()) == {tmp_path / "audit.pin", *kept}, "one that another process may write now stays"
    assert verify.verify(keys(), pinned=[note]).findings == ()


def test_a_log_that_two_keys_signed_verifies_with_both_and_not_with_the_new_one_alone(tmp_path: Path) -> None:
    record_many(3)
    sealer(tmp_path).seal_next()
    pem = new_pem() + public_key_of(PEM)
    record_many(3)
    sealer(tmp_path, pem).seal_next()
    assert verify.verify(keys(pem), pinned=pinned(tmp_path)).findings == ()
    alone = verify.verify(keys(pem.partition("-----BEGIN PUBLIC")[0]), pinned=pinned(tmp_path))
    assert alone.findings == ("The checkpoint of 3 leaves is not signed by a known key: it was replaced.",)
