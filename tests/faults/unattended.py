"""An installation that makes briefings for nobody who is there, on PostgreSQL.

A test may kill its vault, worker, beat and Redis as `kill -9` does, and start each again as a supervisor would.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from devcontext.local_postgres import serve_postgres
from devcontext.local_processes import LocalInstallation, Program, local_vault_url
from tests.agent.delivery.conftest import Receiver
from tests.e2e.installation import ROOT, Installation, free_ports
from tests.redis_server import RedisServer, serve_redis

_DATABASES = {"web": "DATABASE_URL", "vault": "VAULT_DATABASE_URL", "audit": "AUDIT_DATABASE_URL"}
# A schedule of the demo's user, who connects her services and lets it read them, with a webhook beside the inbox.
LEAVE_A_SCHEDULE = """
from datetime import time, timedelta
from asgiref.sync import async_to_sync, sync_to_async
from django.utils import timezone
from agent.delivery import owning as delivery
from agent.delivery.types import Kind
from agent.schedules import owning
from agent.schedules.types import Draft
from devcontext import demo
from devcontext.lifespan import shut_down
from devcontext.views import load_demo_user
from permissions import switch
from vault.client import Asker
user, services = load_demo_user(), ("github", "google-calendar", "slack")
async def leave():
    asker = Asker(user=f"user:{{user.pk}}", sid="a-session", auth_time=timezone.now().timestamp())
    await demo.connect_services(connected=set())
    for service in services:
        await switch.set_away(**asker, provider=service, is_allowed=True)
    draft = Draft(name="Standup", recipe="standup", weekdays=tuple(range(7)), at=time(9), time_zone="UTC",
        keeps_week=False)
    made = await owning.create(asker, draft=draft)
    await owning.give_grant(asker, made.id, providers=services, expires_at=timezone.now() + timedelta(days=1))
    await sync_to_async(delivery.add)(made.id, user=user.pk, kind=Kind.WEBHOOK, address={address!r})
    await shut_down()
async_to_sync(leave)()
"""


@dataclass(slots=True)
class Unattended:
    """The installation, and what became of what was due."""

    installation: Installation
    redis: RedisServer
    receiver: Receiver
    url: str
    due: list[datetime] = field(default_factory=list)

    def start(self, name: str) -> None:
        """Start a process in a group of its own, and wait until it works."""
        program = self.installation.programs[name]
        if program.ready_url:
            self.installation.start(name)
            return
        path = self.installation.web_folder / f"{name}.log"
        begin = path.stat().st_size if path.exists() else 0
        with path.open("ab") as log:
            self.installation.processes[name] = subprocess.Popen(
                program.command, cwd=ROOT, env=program.environment, stdout=log, stderr=log, start_new_session=True
            )
        # A worker tells when it listens; beat tells of its first tick.
        marks = {"worker": b"ready.", "beat": b"Sending due task"}
        self.wait(lambda: marks[name] in path.read_bytes()[begin:], what=f"{name} does not work")

    def kill(self, name: str) -> None:
        """End a process and those that it began, with nothing of them left to run."""
        process = self.installation.processes[name]
        if self.installation.programs[name].ready_url:
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def is_alive(self, name: str) -> bool:
        """Tell whether a process has not ended."""
        return self.installation.processes[name].poll() is None

    def ask(self, question: str, *values: Any, database: str = "web") -> list[tuple[Any, ...]]:
        """Return the rows that a database answers."""
        with psycopg.connect(f"{self.url}{database}", autocommit=True) as connection:
            cursor = connection.execute(question.encode(), values)
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def locked(self, statement: str, *, database: str = "web") -> Iterator[None]:
        """Hold a lock that others wait for."""
        with psycopg.connect(f"{self.url}{database}") as connection:
            connection.execute(statement.encode())
            yield
            connection.rollback()

    def wait_for_waiting(self, *, database: str = "web") -> None:
        """Wait until somebody waits for a lock of this database."""
        question = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
        self.wait(lambda: self.ask(question, database)[0][0] > 0, what="nobody came to wait")

    def drop_waiting(self) -> None:
        """Let what the dead still wait for in the database come to nothing; else it happens once the lock is free."""
        self.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")

    def wait(self, is_true: Callable[[], object], *, what: str, at_most_seconds: float = 90) -> None:
        """Wait until `is_true` says so."""
        deadline = time.monotonic() + at_most_seconds
        while not is_true():
            assert time.monotonic() < deadline, what
            time.sleep(0.05)

    def let_be_due(self) -> None:
        """Let the schedule be due at a moment that nothing was due at yet, longer ago than it may begin later."""
        due_at = max(
            datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=3), self.newest + timedelta(seconds=1)
        )
        self.due.append(due_at)
        self.ask("UPDATE agent_schedule SET at = %s, next_due_at = %s", due_at.time(), due_at)

    @property
    def newest(self) -> datetime:
        """The newest due time; before all where there is none."""
        return self.due[-1] if self.due else datetime.min.replace(tzinfo=UTC)

    def let_time_pass(self) -> None:
        """Set the ends of leases and the beat of runs as they are a minute or two later, whoever held them."""
        self.ask("UPDATE agent_occurrence SET lease_until = now() - interval '1 s' WHERE state = 'running'")
        self.ask("UPDATE agent_run SET heartbeat_at = now() - interval '1 hour' WHERE status = 'running'")
        self.ask("UPDATE agent_delivery SET lease_until = now() - interval '1 s' WHERE state = 'sending'")
        self.let_waits_end()

    def let_waits_end(self) -> None:
        """Let begin, and be sent, what was put off."""
        self.ask("UPDATE agent_occurrence SET begins_at = now() WHERE state = 'due' AND begins_at > now()")
        self.ask("UPDATE agent_delivery SET next_try_at = now() WHERE state = 'due' AND next_try_at > now()")

    def state(self) -> str:
        """Return the state of the newest due time, "" before there is a row of it."""
        rows = self.ask("SELECT state FROM agent_occurrence WHERE due_at = %s", self.newest)
        return str(rows[0][0]) if rows else ""

    def has_run(self) -> bool:
        """Tell whether a run of the newest due time has begun."""
        return bool(self.ask("SELECT 1 FROM agent_occurrence WHERE due_at = %s AND run_id IS NOT NULL", self.newest))

    def wait_until_told(self) -> None:
        """Wait until the newest due time has ended and is delivered by each way."""
        question = (
            "SELECT count(*) FROM agent_delivery d JOIN agent_occurrence o ON o.id = d.occurrence_id"
            " WHERE o.due_at = %s AND d.state = 'delivered'"
        )
        self.wait(lambda: self.ask(question, self.newest)[0][0] == 2, what=f"not told; it is {self.state()!r}")

    def webhook_ids(self) -> list[str]:
        """Return the ids of the messages that the webhook took, doubles included."""
        return [got.headers["webhook-id"] for got in self.receiver.got]


@contextmanager
def unattended(folder: Path, *, receiver: Receiver) -> Iterator[Unattended]:
    """Start all but worker and beat, with a schedule that nothing is due of yet; end everything with the context."""
    with serve_postgres(is_durable=False) as url, serve_redis() as redis:
        installation = _plan(folder, url=url, redis_url=redis.url)
        made = Unattended(installation, redis, receiver, url)
        for name in _DATABASES:
            made.ask(f"CREATE DATABASE {name}", database="postgres")
        try:
            installation.start("sandbox")
            for name in ("vault", "app"):
                _done(installation.manage(name, "migrate_all"))
            installation.start("vault")
            code = LEAVE_A_SCHEDULE.format(address=f"{receiver.url}/hook")
            _done(installation.manage("app", "shell", "--no-imports", "-v0", "-c", code))
            yield made
        finally:
            for name, process in installation.processes.items():
                if process.poll() is None:
                    made.kill(name)


def _plan(folder: Path, *, url: str, redis_url: str) -> Installation:
    port, sandbox_port, vault_port = free_ports(3)
    plan = LocalInstallation(folder, port=port, sandbox_port=sandbox_port, vault_url=local_vault_url(vault_port))
    inherited = {
        **os.environ,
        "SANDBOX_URL": plan.sandbox_url,
        "SANDBOX_CLAUDE_DELAY_MS": "5",
        "WEBHOOKS_ALLOW_LOOPBACK": "1",
        **{variable: f"{url}{name}" for name, variable in _DATABASES.items()},
        "REDIS_URL": redis_url,
    }
    plan.web_folder.mkdir(parents=True, exist_ok=True)
    celery = [_quick(plan.worker(inherited)), _quick(plan.beat(inherited))]
    programs = [plan.sandbox(inherited), plan.vault(inherited), plan.web(inherited), *celery]
    return Installation(plan, programs={program.name: program for program in programs})


def _quick(program: Program) -> Program:
    """Return a program of Celery's that says more, and looks more often what is due."""
    settings = {"DJANGO_SETTINGS_MODULE": "tests.faults.unattended_settings", "LOG_LEVEL": "INFO"}
    return replace(program, environment={**program.environment, **settings})


def _done(command: subprocess.CompletedProcess[str]) -> None:
    assert command.returncode == 0, command.stderr
