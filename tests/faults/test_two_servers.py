"""Two web processes of one installation with Redis between them: a page at one follows and stops a run of the other."""

import asyncio
import json
import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.e2e.installation import Installation, running
from tests.faults.pages import TERMINAL, page, sign_in
from tests.redis_server import serve_redis

MAYA = "maya@tidewater.example"
STANDUP = "Brief me for standup"


def add_server(installation: Installation) -> str:
    """Start a second web process and return its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    first = installation.programs["app"]
    old = str(installation.plan.port)
    installation.programs["second"] = replace(
        first,
        command=tuple(port if part == old else part for part in first.command),
        environment={**first.environment, "PORT": port},
        ready_url=first.ready_url.replace(old, port),
    )
    installation.start("second")
    return f"http://localhost:{port}"


@pytest.fixture(scope="module")
def two_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, str, str]]:
    """An installation, the address of its second server, and a session of the demo user, whose services are there."""
    with serve_redis() as redis, pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDIS_URL", redis.url)
        with running(tmp_path_factory.mktemp("installation")) as found:
            connected = found.manage("app", "brief", STANDUP)
            assert connected.returncode == 0, connected.stderr
            yield found, add_server(found), sign_in(found, MAYA)[0]


async def test_a_run_of_the_other_server_is_followed_and_stopped(two_servers: tuple[Installation, str, str]) -> None:
    installation, second, maya = two_servers
    async with (
        asyncio.timeout(120),
        page(installation, maya) as here,
        page(installation, maya, url=second) as there,
    ):
        run = (await here.ask(STANDUP))["run"]
        await there.say("attach", run=run, after=0)
        frames = [await there.hear() for _ in range(5)]
        await there.say("stop", run=run)
        frames += await there.hear_to_the_end()
        assert frames == await here.hear_to_the_end()
        ended = [json.loads(frame)["type"] for frame in frames]
        assert [kind for kind in ended if kind in TERMINAL] == ["run.stopped"]
        assert [json.loads(frame)["seq"] for frame in frames] == list(range(1, len(frames) + 1))
