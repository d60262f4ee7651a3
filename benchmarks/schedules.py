"""What a web process does when a thousand briefings are due in one minute: `./dev bench schedules`.

An installation on SQLite as `./dev up` starts it, but with DEBUG off, with the stand-ins as services and as Claude. It
is started once everything is due, and watched until everything has ended. With `--celery` a worker with two processes
and beat, on a Redis of their own, take the web process's place. README.md beside this file says what is in the figures.
"""

import argparse
import os
import platform
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles

from benchmarks.briefing import CONNECT
from benchmarks.installation import prepared, run_code, start
from tests.e2e.installation import Installation
from tests.faults.pages import sign_in
from tests.redis_server import serve_redis

# Each of these people has as many schedules, all of a standup of the three services, all due three minutes ago: longer
# than any schedule waits after its due time, so that all may begin at the first look.
_LEAVE_WHAT_IS_DUE = """
from datetime import timedelta
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.utils import timezone
from agent.schedule_models import Schedule
from agent.schedules import owning
from agent.schedules.types import Draft
from permissions import switch
from vault.client import Asker
services = ("github", "google-calendar", "slack")
async def leave(users):
    due_at = timezone.now() - timedelta(minutes=3)
    for user in users:
        asker = Asker(user=f"user:{{user.pk}}", sid="benchmark", auth_time=1.0)
        for service in services:
            await switch.set_away(**asker, provider=service, is_allowed=True)
        for number in range({each}):
            draft = Draft(name=str(number), recipe="standup", weekdays=tuple(range(7)), at=due_at.time(),
                time_zone="UTC", keeps_week=False)
            made = await owning.create(asker, draft=draft)
            await owning.give_grant(asker, made.id, providers=services, expires_at=timezone.now() + timedelta(days=1))
    await Schedule.objects.aupdate(at=due_at.time(), next_due_at=due_at)
async_to_sync(leave)(list(User.objects.filter(username__startswith="person").order_by("id")[{first}:{first} + 10]))
"""
# A thousand took 18 minutes in a web process on two processors.
_MOST_SECONDS = 3600
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Turn:
    """One occurrence: whose it is, when it began and ended, in seconds, and how."""

    user: int
    began_at: float
    ended_at: float
    state: str
    run: str


@dataclass(frozen=True, slots=True)
class Rush:
    """What was measured of all of them; memory is resident, in MB, of the process and those that it began."""

    turns: list[Turn]
    runs: int
    seconds: float
    cpu_seconds: float
    first_mb: float
    most_mb: float


def main() -> None:
    """Run the benchmark; exit 1 where a briefing is missing or was made twice, or where the order was unfair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--each", type=int, default=20, help="schedules of each of them, at most 30")
    parser.add_argument("--at-once", type=int, default=4, help="SCHEDULES_AT_ONCE of the web process")
    parser.add_argument("--celery", action="store_true", help="a worker and beat in place of the web process")
    options = parser.parse_args()
    load_before = os.getloadavg()[0]
    with _due(people=options.people, each=options.each, at_once=options.at_once, is_celery=options.celery) as found:
        rush = _watch(found, count=options.people * options.each, names=_names(is_celery=options.celery))
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} processors, "
        f"load {load_before:.1f} before, {os.getloadavg()[0]:.1f} after"
    )
    print("\n".join(_lines(rush)))
    sys.exit(0 if _is_sound(rush) else 1)


def _lines(rush: Rush) -> Iterator[str]:
    took = [turn.ended_at - turn.began_at for turn in rush.turns]
    states = ", ".join(f"{count} {state}" for state, count in Counter(turn.state for turn in rush.turns).items())
    yield f"{len(rush.turns)} due: {states}; {rush.runs} runs, {len({turn.run for turn in rush.turns})} of them told"
    yield f"{rush.seconds:.0f} s in all, {60 * len(rush.turns) / rush.seconds:.0f} a minute"
    yield f"one from its turn to its end: p50 {median(took):.2f}, p99 {quantiles(took, n=100)[98]:.2f} s"
    yield f"processor of the process that makes them, each: {1000 * rush.cpu_seconds / len(rush.turns):.0f} ms"
    yield f"its memory: {rush.first_mb:.0f} MB after the first tenth, {rush.most_mb:.0f} MB at most"
    yield f"turns that one person had more than another who waited, at most: {_unfairness(rush.turns)}"


def _is_sound(rush: Rush) -> bool:
    are_all_done = all(turn.state == "done" for turn in rush.turns)
    is_none_twice = rush.runs == len(rush.turns) == len({turn.run for turn in rush.turns})
    # Two of a person may go on at once, so that one may be ahead by the turns that are still under way.
    return are_all_done and is_none_twice and _unfairness(rush.turns) <= 2  # noqa: PLR2004


def _unfairness(turns: list[Turn]) -> int:
    """Return by how many turns anybody was ahead of somebody whose own were still waiting."""
    left, had, most = Counter(turn.user for turn in turns), Counter[int](), 0
    for turn in sorted(turns, key=lambda turn: turn.began_at):
        left[turn.user] -= 1
        had[turn.user] += 1
        behind = [had[user] for user, count in left.items() if count]
        most = max(most, had[turn.user] - min(behind, default=had[turn.user]))
    return most


def _watch(found: Installation, *, count: int, names: tuple[str, ...]) -> Rush:
    """Start the processes, the first of which makes the briefings, and wait until all have ended."""
    database = found.web_folder / "default.sqlite3"
    start(found, *names)
    maker = found.processes[names[0]].pid
    cpu_before, started_at, first_mb = _cpu_seconds(maker), time.monotonic(), 0.0
    ended = 0
    while ended < count:
        if time.monotonic() - started_at > _MOST_SECONDS:
            raise SystemExit(f"Only {ended} of {count} ended within an hour.")
        time.sleep(1)
        ended = int(_ask(database, "SELECT count(*) FROM agent_occurrence WHERE ended_at IS NOT NULL")[0][0])
        if not first_mb and ended >= count / 10:
            first_mb = _memory(maker, "VmRSS")
    seconds = time.monotonic() - started_at
    rows = _ask(
        database,
        "SELECT user_id, started_at, ended_at, state, run_id FROM agent_occurrence o"
        " JOIN agent_schedule s ON s.id = o.schedule_id",
    )
    return Rush(
        turns=[Turn(int(user), _seconds(began), _seconds(end), state, run) for user, began, end, state, run in rows],
        runs=int(_ask(database, "SELECT count(*) FROM agent_run")[0][0]),
        seconds=seconds,
        cpu_seconds=_cpu_seconds(maker) - cpu_before,
        first_mb=first_mb,
        most_mb=_memory(maker, "VmHWM"),
    )


def _ask(database: Path, question: str) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        return connection.execute(question).fetchall()


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _names(*, is_celery: bool) -> tuple[str, ...]:
    return ("worker", "beat") if is_celery else ("app",)


def _tree(process: int) -> Iterator[Path]:
    """Yield what the kernel tells of a process and of those that it began. Source: proc(5)."""
    told = Path(f"/proc/{process}")
    yield told
    for child in (told / f"task/{process}/children").read_text(encoding="ascii").split():
        yield from _tree(int(child))


def _cpu_seconds(process: int) -> float:
    """Return the processor time used, in user and system mode."""
    stats = [(told / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[11:13] for told in _tree(process)]
    return sum(int(user) + int(system) for user, system in stats) / _CLOCK_TICKS


def _memory(process: int, name: str) -> float:
    """Return megabytes: `VmRSS`, or the sum of the peaks, `VmHWM`. Pages that processes share are in each of them."""
    statuses = [(told / "status").read_text(encoding="ascii").splitlines() for told in _tree(process)]
    return sum(int(line.split()[1]) for lines in statuses for line in lines if line.startswith(f"{name}:")) / 1024


@contextmanager
def _due(*, people: int, each: int, at_once: int, is_celery: bool) -> Iterator[Installation]:
    """Yield an installation in which everything is due, and whose processes but the sandbox are still to be started."""
    with ExitStack() as stack:
        redis = {"REDIS_URL": stack.enter_context(serve_redis()).url} if is_celery else {}
        variables = {
            "SANDBOX_CLAUDE_DELAY_MS": "0",
            "SCHEDULES_AT_ONCE": str(at_once),
            "DAILY_BUDGET_USD_PER_USER": "1000000",
            "DAILY_BUDGET_USD": "1000000",
            **redis,
        }
        found = stack.enter_context(prepared(**variables))
        sessions = sign_in(found, *(f"person{number}@example.org" for number in range(people)))
        for first in range(0, people, 10):
            run_code(found, CONNECT.format(sessions=sessions[first : first + 10]))
            run_code(found, _LEAVE_WHAT_IS_DUE.format(each=each, first=first))
        yield found


if __name__ == "__main__":
    main()
