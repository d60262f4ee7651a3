"""`./dev up --full`: the shape of a deployment runs a schedule by itself, and leaves nothing when it ends."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.devcontext.test_launch import ROOT, free_ports, is_alive, launched, read_until

MARKS = (
    "postgres",
    "redis-server",
    "devcontext.sandbox",
    "vault.asgi",
    "devcontext.asgi",
    "devcontext worker",
    "devcontext beat",
)
# Maya connects her services, and a schedule of hers that may read them was due three minutes ago. What beat says every
# minute is said twice at once.
BRIEF = """
import django; django.setup()
import json
import time
from datetime import timedelta
from asgiref.sync import async_to_sync
from django.utils import timezone
import devcontext.celery
from agent.models import Run
from agent.schedule_models import Occurrence, Schedule
from agent.schedules import owning
from agent.schedules.types import Draft
from audit.models import AuditEvent
from devcontext import demo
from devcontext.lifespan import shut_down
from devcontext.tasks import tick_schedules_task
from devcontext.views import load_demo_user
from permissions import switch
from vault.client import Asker

user, due_at, services = load_demo_user(), timezone.now() - timedelta(minutes=3), ("github", "google-calendar", "slack")

async def leave_what_is_due():
    asker = Asker(user=f"user:{user.pk}", sid="a-session", auth_time=timezone.now().timestamp())
    await demo.connect_services(connected=set())
    for service in services:
        await switch.set_away(**asker, provider=service, is_allowed=True)
    draft = Draft(name="Standup", recipe="standup", weekdays=tuple(range(7)), at=due_at.time(), time_zone="UTC",
        keeps_week=False)
    made = await owning.create(asker, draft=draft)
    expires_at = timezone.now() + timedelta(days=1)
    await owning.give_grant(asker, made.id, providers=services, expires_at=expires_at)
    await Schedule.objects.filter(id=made.id).aupdate(next_due_at=due_at)
    await shut_down()

async_to_sync(leave_what_is_due)()
tick_schedules_task.delay(); tick_schedules_task.delay()
deadline = time.monotonic() + 90
while time.monotonic() < deadline and not Occurrence.objects.exclude(ended_at=None).exists():
    time.sleep(0.5)
exchanges = AuditEvent.objects.filter(event="vault:exchange:granted")
print(json.dumps({
    "occurrences": list(Occurrence.objects.values("state", "reason", "attempts", "is_told")),
    "runs": list(Run.objects.values_list("status", flat=True)),
    "exchanges": [list(row) for row in exchanges.values_list("provider", "reason").distinct()],
}))
"""


def children(process: subprocess.Popen[str]) -> dict[str, int]:
    """Return the ids of its child processes by what they run."""
    ids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    lines = {pid: Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in ids}
    return {mark: int(pid) for pid, line in lines.items() for mark in MARKS if mark in line}


def environment_of(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/environ").read_text().split("\0")
    return dict(line.split("=", 1) for line in lines if line)


def brief(environment: dict[str, str]) -> dict[str, Any]:
    """Do what `BRIEF` says in the place of the app, and return what became of it."""
    command = [sys.executable, "-c", BRIEF]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_due_briefing_is_made_by_the_worker_and_an_interrupt_ends_everything(tmp_path: Path) -> None:
    ports = free_ports()
    redis_port = free_ports()["PORT"]
    with launched(tmp_path, "up", "--full", **ports, REDIS_PORT=redis_port, SANDBOX_CLAUDE_DELAY_MS="0") as process:
        printed = read_until(process, "Stop with")
        assert "PostgreSQL, Redis, a separate vault, Celery's worker and beat run beside the app." in printed
        started = children(process)
        assert set(started) == set(MARKS)
        told = brief(environment_of(started["devcontext.asgi"]))
        assert told["occurrences"] == [{"state": "done", "reason": "", "attempts": 1, "is_told": True}]
        assert told["runs"] == ["finished"]
        services = ("github", "google-calendar", "slack")
        assert sorted(told["exchanges"]) == [[service, "schedule"] for service in services]
        # As a terminal does it, to all processes of the group in its foreground.
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 128 + signal.SIGINT
        assert "Traceback" not in errors
        assert not [mark for mark, pid in started.items() if is_alive(pid)]
        assert not list(tmp_path.iterdir()), "its databases and keys went with it"


def test_the_vault_and_the_whole_shape_are_not_asked_for_together(tmp_path: Path) -> None:
    with launched(tmp_path, "up", "--full", "--vault") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "not allowed with argument" in errors


def test_without_redis_it_is_one_sentence_and_nothing_is_left(tmp_path: Path) -> None:
    environment = {"PATH": "/nowhere", **free_ports(), "REDIS_PORT": free_ports()["PORT"]}
    with launched(tmp_path, "up", "--full", **environment) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors == "redis-server is not installed here. On Debian: apt-get install redis-server\n"
    assert not list(tmp_path.iterdir())
