"""`kill -9` of the one web process of `./dev up`, on SQLite, while it makes a due briefing: it is told once."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.installation import Installation, running
from tests.faults.unattended import LEAVE_A_SCHEDULE
from tests.receivers import Receiver, serve_receiver

# Longer than it takes to see that a run reads, and to kill it.
SLOW_SECONDS = 15


@dataclass(slots=True)
class Alone:
    """An installation of one web process, with a schedule that its webhook is told of."""

    installation: Installation
    receiver: Receiver
    newest: str = ""

    def ask(self, question: str, *values: Any, database: str = "default") -> list[tuple[Any, ...]]:
        """Return the rows that a database answers."""
        path = self.installation.web_folder / f"{database}.sqlite3"
        with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
            return connection.execute(question, values).fetchall()

    def wait(self, is_true: Callable[[], object], *, what: str) -> None:
        """Wait until `is_true` says so."""
        deadline = time.monotonic() + 90
        while not is_true():
            assert time.monotonic() < deadline, what
            time.sleep(0.05)

    def let_be_due(self) -> None:
        """Let the schedule have been due three minutes ago, which nothing was yet, and the process look at once."""
        due_at = datetime.now(UTC).replace(microsecond=0, tzinfo=None) - timedelta(minutes=3)
        self.newest = f"{due_at}"
        self.installation.kill("app")
        self.ask("UPDATE agent_schedule SET at = ?, next_due_at = ?", f"{due_at.time()}", self.newest)
        self.ask("DELETE FROM agent_leader")
        self.installation.start("app")

    def start_later(self) -> None:
        """Start the process again after the leases of the dead one have ended."""
        long_ago = "2001-01-01 00:00:00"
        self.ask("UPDATE agent_occurrence SET lease_until = ? WHERE state = 'running'", long_ago)
        self.ask("UPDATE agent_run SET heartbeat_at = ? WHERE status = 'running'", long_ago)
        self.ask("UPDATE agent_delivery SET lease_until = ? WHERE state = 'sending'", long_ago)
        self.ask("DELETE FROM agent_leader")
        self.installation.start("app")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alone]:
    variables = {"WEBHOOKS_ALLOW_LOOPBACK": "1"}
    with serve_receiver() as receiver, running(tmp_path_factory.mktemp("alone"), variables=variables) as found:
        found.run_code(LEAVE_A_SCHEDULE.format(address=f"{receiver.url}/hook"))
        yield Alone(found, receiver)


def while_it_reads(alone: Alone) -> None:
    order = {"provider": "github", "case": "slow", "times": 1, "seconds": SLOW_SECONDS}
    httpx.post(f"{alone.installation.sandbox_url}/faults", json=order, trust_env=False).raise_for_status()
    asked = "SELECT count(*) FROM audit_event WHERE event = 'vault:exchange:granted' AND provider = 'github'"
    before = alone.ask(asked, database="audit")
    alone.let_be_due()
    alone.wait(lambda: alone.ask(asked, database="audit") > before, what="nothing was read")
    alone.installation.kill("app")


def while_it_tells(alone: Alone) -> None:
    """Nobody knows whether the webhook took it; it is sent again by the same id, by which a receiver drops it."""
    before = len(alone.receiver.got)
    alone.receiver.answers = ["wait"]
    alone.let_be_due()
    alone.wait(lambda: len(alone.receiver.got) > before, what="nothing was told")
    alone.installation.kill("app")


@pytest.mark.parametrize("kill", [while_it_reads, while_it_tells])
def test_a_due_briefing_is_told_once_though_its_process_was_killed(alone: Alone, kill: Callable[[Alone], None]) -> None:
    before = len(alone.receiver.got)
    kill(alone)
    alone.start_later()
    deliveries = (
        "SELECT d.kind, d.state FROM agent_delivery d JOIN agent_occurrence o ON o.id = d.occurrence_id"
        " WHERE o.due_at = ? ORDER BY d.kind"
    )
    told = [("inbox", "delivered"), ("webhook", "delivered")]
    alone.wait(lambda: alone.ask(deliveries, alone.newest) == told, what="it was not told by each way")
    rows = "SELECT id, state, reason, attempts FROM agent_occurrence WHERE due_at = ?"
    ((occurrence, state, reason, attempts),) = alone.ask(rows, alone.newest)
    assert (state, reason, attempts) == ("done", "", 2 if kill is while_it_reads else 1)
    runs = "SELECT status FROM agent_run WHERE key LIKE ? ORDER BY status"
    made = [status for (status,) in alone.ask(runs, f"schedule.{occurrence}.%")]
    assert made == (["failed", "finished"] if kill is while_it_reads else ["finished"])
    ids = [got.headers["webhook-id"] for got in alone.receiver.got[before:]]
    assert (len(ids), len(set(ids))) == (2 if kill is while_it_tells else 1, 1)
