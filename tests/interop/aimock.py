"""A briefing against somebody else's server of the Messages API, npm's `@copilotkit/aimock`: `./dev interop` runs it.

No part of `./dev test`: it needs Node and a package registry. Source: https://aimock.copilotkit.dev/docs.
"""

import json
import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from agent import claude, store
from tests.agent.conftest import maya, sandbox
from tests.agent.whole_runs import ALL_THREE, STANDUP, of, run

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])
__all__ = ["maya", "sandbox"]

ANSWER = "You merged the retries on Friday, and nobody waits for you."
CALLS = [
    {"name": "github_activity", "arguments": {"since": "2026-11-20"}},
    {"name": "slack_mentions", "arguments": {"since": "2026-11-20"}},
]
FIXTURES = {
    "fixtures": [
        {"match": {"userMessage": ALL_THREE, "hasToolResult": False}, "response": {"toolCalls": CALLS}},
        {"match": {}, "response": {"content": ANSWER}},
    ]
}


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[str]:
    """Run aimock on a free port of loopback and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    fixtures = folder / "fixtures.json"
    fixtures.write_text(json.dumps(FIXTURES), encoding="utf-8")
    program = Path(os.environ["INTEROP_NODE_MODULES"]) / "@copilotkit/aimock/dist/cli.js"
    command = ["node", str(program), "-p", str(port), "-f", str(fixtures), "--log-level", "warn", *options]
    with subprocess.Popen(command) as server:
        try:
            _wait_for(port, server=server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait_for(port: int, *, server: subprocess.Popen[bytes]) -> None:
    give_up_at = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < give_up_at:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("aimock did not start.")


def asked(url: str) -> list[dict[str, Any]]:
    """Return the requests that aimock got, oldest first."""
    with urllib.request.urlopen(f"{url}/__aimock/journal") as answer:  # noqa: S310, our own server on loopback
        body = json.load(answer)
    found: list[dict[str, Any]] = body if isinstance(body, list) else body["entries"]
    return [entry for entry in found if entry["path"].endswith("/v1/messages")]


async def answer_of(frames: list[dict[str, Any]], user: User) -> str:
    return (await sync_to_async(store.load_answer)(frames[0]["run"], user=user.pk)).text


async def test_a_recipe_costs_one_question(maya: User, settings: Any, tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        settings.ANTHROPIC_BASE_URL = url
        frames = await run(maya, STANDUP)
        assert len(asked(url)) == 1
        await claude.close()
    assert (frames[-1]["type"], frames[-1]["written_by"]) == ("run.finished", "model")
    assert (await answer_of(frames, maya)).startswith(ANSWER)


async def test_a_free_question_is_read_for_and_answered(maya: User, settings: Any, tmp_path: Path) -> None:
    with serving(tmp_path) as url:
        settings.ANTHROPIC_BASE_URL = url
        frames = await run(maya, ALL_THREE)
        assert len(asked(url)) == 2
        await claude.close()
    assert [frame["tool"] for frame in of(frames, "step.started")] == ["github_activity", "slack_mentions"]
    assert (await answer_of(frames, maya)).startswith(ANSWER)


@pytest.mark.parametrize(
    ("chaos", "code"),
    [
        ("drop", "unreachable"),
        ("disconnect", "unreachable"),
        ("malformed", "cut_short"),
        ("ratelimit", "rate_limited"),
    ],
)
async def test_a_server_in_trouble_leaves_the_facts(
    maya: User, settings: Any, tmp_path: Path, chaos: str, code: str
) -> None:
    with serving(tmp_path, f"--chaos-{chaos}", "1") as url:
        settings.ANTHROPIC_BASE_URL = url
        frames = await run(maya, STANDUP)
        await claude.close()
    assert (frames[-1]["written_by"], frames[-1]["code"]) == ("template", code)
