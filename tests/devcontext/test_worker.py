"""A Celery worker on a real Redis does what its tasks say; needs the program `redis-server`."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.redis_server import serve_redis

ROOT = Path(__file__).resolve().parents[2]
# What a page would have left behind: a run whose process died a minute ago.
LEAVE_A_DEAD_RUN = """
import django; django.setup()
from datetime import timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from agent.models import Conversation, Run
user = User.objects.create_user("alice")
Run.objects.create(
    conversation=Conversation.objects.create(user=user, sealed_title=b"x"), user=user, key="k" * 12, model="m",
    sealed_question=b"x", is_simulated=True, owner="gone", heartbeat_at=timezone.now() - timedelta(minutes=1),
)
"""
ASK = (
    "import django; django.setup(); import devcontext.celery; from agent import tasks; tasks.end_dead_runs_task.delay()"
)
STATUS = "import django; django.setup(); from agent.models import Run; print(Run.objects.get().status)"
# Twenty of one person due now, and without a grant: whoever runs one says so and asks no service.
LEAVE_WHAT_IS_DUE = """
import django; django.setup()
from datetime import time
from django.contrib.auth.models import User
from django.utils import timezone
from agent.schedule_models import Occurrence
from agent.schedules import store
from agent.schedules.types import Draft
user, now = User.objects.create_user("alice"), timezone.now()
draft = Draft(name="Standup", recipe="standup", weekdays=(0,), at=time(9), time_zone="UTC")
for _ in range(20):
    Occurrence.objects.create(schedule_id=store.create(user.pk, draft=draft).id, due_at=now, begins_at=now, state="due")
"""
TICK = (
    "import django; django.setup(); import devcontext.celery; from devcontext import tasks;"
    " tasks.tick_schedules_task.delay()"
)
RUN_NOW = """
import django; django.setup()
from asgiref.sync import async_to_sync
from django.utils import timezone
from agent.schedule_models import Occurrence, Schedule
from agent.schedules import owning
from vault.client import Asker
Occurrence.objects.all().delete()
schedule = Schedule.objects.first()
async_to_sync(owning.run_now)(Asker(user=f"user:{schedule.user_id}", sid="s", auth_time=1.0), schedule.id)
"""
BECAME = (
    "import django; django.setup(); from agent.schedule_models import Occurrence;"
    " print(*Occurrence.objects.values_list('state', 'reason', 'attempts').distinct())"
)


@pytest.fixture
def redis_url() -> Iterator[str]:
    with serve_redis() as server:
        yield server.url


def wait_until(is_true: Callable[[], bool], *, at_most_seconds: float = 60) -> None:
    deadline = time.monotonic() + at_most_seconds
    while not is_true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.2)


@pytest.fixture
def python(tmp_path: Path, redis_url: str) -> Iterator[Callable[..., str]]:
    """Return a function that runs Python in an installation of its own, at which a worker works."""
    environment = os.environ | {
        "DATA_DIR": str(tmp_path),
        "REDIS_URL": redis_url,
        "DJANGO_SETTINGS_MODULE": "devcontext.settings.web",
    }

    def python(*arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    python("manage.py", "migrate_all")
    with (tmp_path / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "devcontext", "worker", "--pool", "solo"],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            yield python
        finally:
            worker.terminate()
            worker.wait(timeout=30)


def test_a_worker_ends_the_runs_of_dead_processes(python: Callable[..., str]) -> None:
    python("-c", LEAVE_A_DEAD_RUN)
    python("-c", ASK)
    wait_until(lambda: python("-c", STATUS) == "failed")


def test_from_one_tick_a_worker_runs_all_of_one_persons_twenty_each_once(python: Callable[..., str]) -> None:
    python("-c", LEAVE_WHAT_IS_DUE)
    python("-c", TICK)
    wait_until(lambda: python("-c", BECAME) == "('skipped', 'not_granted', 1)")
    # Who is told of it again finds nothing left.
    python("-c", TICK)
    python("-c", LEAVE_A_DEAD_RUN.replace("alice", "bob"))
    python("-c", ASK)
    wait_until(lambda: python("-c", STATUS) == "failed")
    assert python("-c", BECAME) == "('skipped', 'not_granted', 1)"


def test_what_is_asked_for_now_wakes_a_worker_without_beat(python: Callable[..., str]) -> None:
    python("-c", LEAVE_WHAT_IS_DUE)
    python("-c", RUN_NOW)
    wait_until(lambda: python("-c", BECAME) == "('skipped', 'not_granted', 1)")
