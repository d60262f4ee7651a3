"""`kill -9` of worker, beat, Redis and vault while a due briefing is made: it is told once, and nothing is lost."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import redis
from starlette.applications import Starlette
from starlette.routing import Route

from tests.agent.delivery.conftest import Receiver
from tests.faults.conftest import size
from tests.faults.unattended import Unattended, unattended
from tests.serving import serve_app

# Longer than it takes to see that a run reads, and to kill it.
SLOW_SECONDS = 15


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unattended]:
    receiver = Receiver()

    def app(url: str) -> Starlette:
        receiver.url = url
        return Starlette(routes=[Route("/{path:path}", receiver.take, methods=["POST"])])

    with serve_app(app), unattended(tmp_path_factory.mktemp("installation"), receiver=receiver) as made:
        yield made


def read_slowly(there: Unattended) -> None:
    """Let the next due time begin, and GitHub take its time; return while it does."""
    order = {"provider": "github", "case": "slow", "times": 1, "seconds": SLOW_SECONDS}
    httpx.post(f"{there.installation.sandbox_url}/faults", json=order, trust_env=False).raise_for_status()
    asked = "SELECT count(*) FROM audit_event WHERE event = 'vault:exchange:granted' AND provider = 'github'"
    before = there.ask(asked, database="audit")
    there.let_be_due()
    there.wait(lambda: there.ask(asked, database="audit") > before, what="nothing was read")


def restart_worker(there: Unattended) -> None:
    """Do as a supervisor does, after the leases of the dead have ended."""
    there.let_time_pass()
    there.start("worker")


def worker_while_it_reads(there: Unattended) -> None:
    read_slowly(there)
    there.kill("worker")
    restart_worker(there)


def redis_with_what_waits_in_it(there: Unattended) -> None:
    there.kill("worker")
    there.let_be_due()
    with redis.Redis(port=there.redis.port) as client:
        there.wait(lambda: client.llen("celery"), what="beat said nothing")
    there.redis.kill()
    there.redis.start()
    there.start("worker")


def worker_before_the_claim(there: Unattended) -> None:
    with there.locked("SELECT 1 FROM auth_user FOR UPDATE"):
        there.let_be_due()
        there.wait_for_waiting()
        there.kill("worker")
    restart_worker(there)


def worker_before_the_run(there: Unattended) -> None:
    with there.locked("LOCK TABLE vault_grant IN ACCESS EXCLUSIVE MODE", database="vault"):
        there.let_be_due()
        there.wait_for_waiting(database="vault")
        there.kill("worker")
    restart_worker(there)


def worker_before_the_end(there: Unattended) -> None:
    """The run has finished, and its occurrence waits to be told so."""
    read_slowly(there)
    with there.locked("SELECT 1 FROM agent_occurrence FOR UPDATE"):
        finished = (
            "SELECT 1 FROM agent_run r JOIN agent_occurrence o ON o.run_id = r.id"
            " WHERE o.due_at = %s AND r.status = 'finished'"
        )
        there.wait(lambda: there.ask(finished, there.newest), what="the run did not finish")
        there.wait_for_waiting()
        there.kill("worker")
        there.drop_waiting()
    restart_worker(there)


def worker_before_the_deliveries(there: Unattended) -> None:
    with there.locked("LOCK TABLE agent_delivery IN EXCLUSIVE MODE"):
        there.let_be_due()
        there.wait(lambda: there.state() == "done", what="it did not end")
        there.wait_for_waiting()
        there.kill("worker")
    restart_worker(there)


def worker_while_it_tells(there: Unattended) -> None:
    """Nobody knows whether the webhook took it; it is sent again by the same id, by which a receiver drops it."""
    before = len(there.receiver.got)
    there.receiver.answers = ["wait"]
    there.let_be_due()
    there.wait(lambda: len(there.receiver.got) > before, what="nothing was told")
    there.kill("worker")
    restart_worker(there)


def child_of_the_worker_while_it_reads(there: Unattended) -> None:
    """As the kernel does where memory ends; the worker goes on with a new child."""
    read_slowly(there)
    main = there.installation.processes["worker"].pid
    for child in Path(f"/proc/{main}/task/{main}/children").read_text().split():
        os.kill(int(child), signal.SIGKILL)
    there.let_time_pass()
    assert there.is_alive("worker")


def beat(there: Unattended) -> None:
    there.kill("beat")
    there.let_be_due()
    there.start("beat")


def redis_while_it_reads(there: Unattended) -> None:
    read_slowly(there)
    there.redis.kill()
    there.wait(lambda: there.state() == "done", what="it waits for Redis")
    there.redis.start()


def vault_before_it_reads(there: Unattended) -> None:
    """It waits for the vault, and begins once that is back."""
    there.kill("vault")
    there.let_be_due()
    put_off = "SELECT 1 FROM agent_occurrence WHERE due_at = %s AND state = 'due' AND begins_at > now()"
    there.wait(lambda: there.ask(put_off, there.newest), what="it does not wait")
    there.start("vault")
    there.let_waits_end()


def vault_while_it_reads(there: Unattended) -> None:
    with there.locked("LOCK TABLE vault_connection IN ACCESS EXCLUSIVE MODE", database="vault"):
        there.let_be_due()
        there.wait(there.has_run, what="no run began")
        there.wait_for_waiting(database="vault")
        there.kill("vault")
    there.wait(lambda: there.state() == "done", what="it did not end")
    there.start("vault")


KILLS: tuple[Callable[[Unattended], None], ...] = (
    worker_while_it_reads,
    redis_with_what_waits_in_it,
    worker_before_the_claim,
    worker_before_the_run,
    worker_before_the_end,
    worker_before_the_deliveries,
    worker_while_it_tells,
    child_of_the_worker_while_it_reads,
    beat,
    redis_while_it_reads,
    vault_before_it_reads,
    vault_while_it_reads,
)


@pytest.mark.parametrize("kill", KILLS[: size(2, len(KILLS))], ids=lambda kill: kill.__name__)
def test_a_due_briefing_is_told_once_whatever_is_killed(there: Unattended, kill: Callable[[Unattended], None]) -> None:
    for name in ("worker", "beat"):
        if name not in there.installation.processes or not there.is_alive(name):
            there.start(name)
    told = len(set(there.webhook_ids()))
    kill(there)
    there.wait_until_told()
    runs = (
        "SELECT r.status, count(*) FROM agent_run r JOIN agent_occurrence o"
        " ON r.key LIKE 'schedule.' || replace(o.id::text, '-', '') || '.%%' WHERE o.due_at = %s"
        " GROUP BY r.status ORDER BY r.status"
    )
    made = dict(there.ask(runs, there.newest))
    assert made.pop("finished") == 1
    # What was begun by who was killed has ended, and says so.
    assert set(made) <= {"failed"}
    rows = "SELECT state, reason, is_told, coverage FROM agent_occurrence WHERE due_at = %s"
    ((state, reason, is_told, coverage),) = there.ask(rows, there.newest)
    assert (state, reason, is_told) == ("done", "", True)
    states = {one["state"] for one in coverage}
    assert states == ({"vault_unavailable"} if kill is vault_while_it_reads else {"read"})
    deliveries = (
        "SELECT d.kind, d.state FROM agent_delivery d JOIN agent_occurrence o ON o.id = d.occurrence_id"
        " WHERE o.due_at = %s ORDER BY d.kind"
    )
    assert there.ask(deliveries, there.newest) == [("inbox", "delivered"), ("webhook", "delivered")]
    # Whatever was killed, the others went on.
    assert (there.is_alive("worker"), there.is_alive("beat")) == (True, True)
    ids = there.webhook_ids()
    assert len(set(ids)) == told + 1
    assert ids.count(ids[-1]) == (2 if kill is worker_while_it_tells else 1)
