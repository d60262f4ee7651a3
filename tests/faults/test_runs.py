"""A run and its pages, in processes as `./dev up` starts them: lines that drop, a server that dies, and a crowd."""

import asyncio
import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.e2e.installation import Installation, running
from tests.faults.conftest import size
from tests.faults.pages import TERMINAL, page, sign_in

MAYA = "maya@tidewater.example"
STANDUP = "Brief me for standup"
RUNS_PER_PERSON = 5


@pytest.fixture(scope="module")
def running_installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with pytest.MonkeyPatch.context() as patch:
        # A crowd on a busy machine takes longer than one person would wait.
        patch.setenv("RUN_MAX_SECONDS", "900")
        with running(tmp_path_factory.mktemp("installation")) as found:
            connected = found.manage("app", "brief", STANDUP)
            assert connected.returncode == 0, connected.stderr
            yield found


@pytest.fixture(scope="module")
def maya(running_installation: Installation) -> str:
    """Return a session of the demo user, whose services are connected."""
    return sign_in(running_installation, MAYA)[0]


def seqs(frames: list[str]) -> list[int]:
    return [json.loads(frame)["seq"] for frame in frames]


def kinds(frames: list[str]) -> list[str]:
    return [json.loads(frame)["type"] for frame in frames]


async def test_a_line_that_drops_at_every_event_loses_none_and_doubles_none(
    running_installation: Installation, maya: str
) -> None:
    async with asyncio.timeout(300):
        async with page(running_installation, maya) as first:
            run = (await first.ask(STANDUP))["run"]
            first.drop()
        heard: list[str] = []
        while not heard or kinds(heard)[-1] not in TERMINAL:
            async with page(running_installation, maya) as again:
                await again.say("attach", run=run, after=len(heard))
                heard.append(await again.hear())
                again.drop()
        assert seqs(heard) == list(range(1, len(heard) + 1))
        assert len(heard) > 30
        for after in range(0, len(heard), max(1, len(heard) // size(20, len(heard)))):
            async with page(running_installation, maya) as late:
                await late.say("attach", run=run, after=after)
                assert await late.hear_to_the_end() == heard[after:]
                late.drop()


def found_dead(installation: Installation) -> None:
    """Let the half minute pass after which a silent process is taken for dead."""
    with closing(sqlite3.connect(installation.web_folder / "default.sqlite3")) as database, database:
        database.execute("UPDATE agent_run SET heartbeat_at = '2001-01-01 00:00:00' WHERE status = 'running'")


def is_told_to_end(installation: Installation) -> None:
    installation.processes["app"].send_signal(signal.SIGTERM)
    installation.processes["app"].wait(timeout=60)


def is_killed(installation: Installation) -> None:
    installation.kill("app")
    found_dead(installation)


@pytest.mark.parametrize("end", [is_killed, is_told_to_end])
@pytest.mark.parametrize("after", range(1, 1 + size(2, 20)))
async def test_a_server_that_ends_in_mid_run_leaves_one_end_and_the_question_can_be_asked_again(
    running_installation: Installation, maya: str, end: Any, after: int
) -> None:
    async with asyncio.timeout(300):
        async with page(running_installation, maya) as here:
            accepted = await here.ask(STANDUP)
            heard = [await here.hear() for _ in range(3 * after)]
            await asyncio.to_thread(end, running_installation)
        await asyncio.to_thread(running_installation.start, "app")
        async with page(running_installation, maya) as again:
            await again.say("attach", run=accepted["run"], after=len(heard))
            heard += await again.hear_to_the_end()
            assert seqs(heard) == list(range(1, len(heard) + 1))
            assert [kind for kind in kinds(heard) if kind in TERMINAL] == ["run.failed"]
            assert json.loads(heard[-1])["code"] == "interrupted"
            assert json.loads(heard[-1])["message"].endswith("Ask again.")
            await again.ask(STANDUP, conversation=accepted["conversation"])
            assert kinds(await again.hear_to_the_end())[-1] == "run.finished"


async def test_a_crowd_of_runs_all_end_and_none_is_starved(running_installation: Installation) -> None:
    runs = size(40, 200)
    people = sign_in(
        running_installation, *(f"person{number}@example.org" for number in range(runs // RUNS_PER_PERSON))
    )
    arrived: list[tuple[str, str]] = []

    async def ask_at_once(session: str) -> None:
        async with page(running_installation, session) as here:
            for _ in range(RUNS_PER_PERSON):
                await here.say(
                    "send", key=f"{session[:20]}-{_}", text="What did I work on yesterday?", conversation=None
                )
            ended = 0
            while ended < RUNS_PER_PERSON:
                frame = json.loads(await here.hear())
                assert frame["type"] != "error", frame
                arrived.append((frame["run"], frame["type"]))
                ended += frame["type"] in TERMINAL

    async with asyncio.timeout(900):
        await asyncio.gather(*(ask_at_once(session) for session in people))
    ends = [kind for _, kind in arrived if kind in TERMINAL]
    assert ends == ["run.finished"] * runs
    # One after the other would be nearly all of them.
    assert longest_wait(arrived) <= runs * 3 // 4


def longest_wait(arrived: list[tuple[str, str]]) -> int:
    """Return how many other runs ended, at most, between two events of one run that followed each other."""
    ended, seen, longest = 0, {}, 0
    for run, kind in arrived:
        longest = max(longest, ended - seen.get(run, ended))
        ended += kind in TERMINAL
        seen[run] = ended
    return longest
