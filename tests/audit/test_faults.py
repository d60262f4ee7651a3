"""The audit under faults: a full disk, a clock that steps back, and a sealer that is killed at any statement."""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from audit import verify
from audit.checkpoint import new_pem
from audit.errors import AuditUnavailableError
from audit.models import AuditEvent, AuditLeaf
from devcontext.local_keys import public_key_of
from tests.audit.listing import list_events
from tests.audit.sealing import PEM, keys, pinned, record_many, sealer

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit"])

# More statements than a seal has, so that the last child seals whole.
MAX_STATEMENTS = 30


def sealed() -> list[int]:
    return list(AuditLeaf.objects.order_by("position").values_list("event_id", flat=True))


def recorded() -> list[int]:
    return list(AuditEvent.objects.order_by("id").values_list("id", flat=True))


@pytest.mark.skipif("connections['audit'].vendor != 'sqlite'", reason="max_page_count is SQLite's")
def test_a_full_disk_refuses_events_and_seals_until_there_is_room(tmp_path: Path) -> None:
    own, connection = sealer(tmp_path), connections["audit"]
    record_many(3)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        cursor.execute(f"PRAGMA max_page_count = {cursor.fetchone()[0]}")
    with pytest.raises(AuditUnavailableError):
        record_many(10_000)
    assert 3 <= len(recorded()) < 10_000, "what was taken before is there"
    # Who met the error dropped the connection, and the limit with it: the disk has room again.
    record_many(2)
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


def seal_until_killed(folder: Path, *, at_statement: int) -> bool:
    """Seal in a process of its own, which is killed before that statement; return whether it came so far."""
    connections["audit"].close()
    child = os.fork()
    if child == 0:
        count = 0

        def kill(execute: Callable[..., Any], *arguments: Any) -> Any:
            nonlocal count
            count += 1
            if count == at_statement:
                os.kill(os.getpid(), signal.SIGKILL)
            return execute(*arguments)

        with connections["audit"].execute_wrapper(kill):
            sealer(folder).seal_next(limit=3)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


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


def test_a_log_that_two_keys_signed_verifies_with_both_and_not_with_the_new_one_alone(tmp_path: Path) -> None:
    record_many(3)
    sealer(tmp_path).seal_next()
    pem = new_pem() + public_key_of(PEM)
    record_many(3)
    sealer(tmp_path, pem).seal_next()
    assert verify.verify(keys(pem), pinned=pinned(tmp_path)).findings == ()
    alone = verify.verify(keys(pem.partition("-----BEGIN PUBLIC")[0]), pinned=pinned(tmp_path))
    assert alone.findings == ("The checkpoint of 3 leaves is not signed by a known key: it was replaced.",)
