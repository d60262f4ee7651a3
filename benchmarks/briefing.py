"""What a briefing costs above its floor, and beside Chainlit: `./dev bench briefing`.

A scripted model at a fixed pace stands in for Claude, so that all that is measured is ours, or Chainlit's. Both answer
the same question with the same model, alternately, in one run. README.md beside this file says what each line means.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from asgiref.sync import async_to_sync

from benchmarks import briefing_report
from benchmarks.briefing_report import Batch
from benchmarks.chat_pages import Ask, Heard, ask_chainlit, ask_devcontext
from benchmarks.installation import prepared, run_code, start
from benchmarks.processes import ROOT, Server, serve_app, serve_command
from tests.faults.pages import sign_in

QUESTION = "What did I work on yesterday? Answer in {} pieces."
STANDUP = "Brief me for standup"
PIECES, FEW = 200, 20
AT_ONCE = (1, 10, 100)
_RUNS_PER_PERSON = 5
# Connects everybody's services by the pages, as the demo workspace does for its one user.
CONNECT = """
from asgiref.sync import async_to_sync
from devcontext import demo
from devcontext.asgi import application
from permissions.services import SERVICES
import httpx
from django.conf import settings
async def connect(sessions):
    for session in sessions:
        inside = httpx.AsyncClient(transport=httpx.ASGITransport(app=application), base_url=settings.APP_URL,
            cookies={{"session": session}})
        async with inside as app, httpx.AsyncClient(trust_env=False) as outside:
            for service in SERVICES:
                await demo._connect(app, outside, service)
async_to_sync(connect)({sessions!r})
"""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who answers: its process, the pages that ask it, and the sessions of ours."""

    name: str
    server: Server
    pages: list[Ask]
    sessions: list[str] = field(default_factory=list)


def main() -> None:
    """Run the benchmark."""
    options = _options()
    load_before = os.getloadavg()[0]
    with ExitStack() as stack:
        model = stack.enter_context(serve_app("benchmarks.scripted_model:application", {}, path="/read/nothing"))
        ours = stack.enter_context(
            serve_devcontext(
                model.url, people=max(1, max(options.at_once) // _RUNS_PER_PERSON, options.reconnects // 2)
            )
        )
        peers = [ours]
        if options.chainlit:
            peers.append(stack.enter_context(_chainlit(options.chainlit, model.url)))
        for peer in peers:
            async_to_sync(_at_once)(peer, QUESTION.format(FEW), count=2)
        batches = list(_measure(peers, options=options, model=model))
        alone = [_alone(ours, model=model, question=question) for question in _alone_questions(options.rounds)]
        lost = {peer.name: async_to_sync(_reconnect)(peer, count=options.reconnects) for peer in peers}
    about = {
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load_before": load_before,
        "load_after": os.getloadavg()[0],
        "rounds": options.rounds,
    }
    print(briefing_report.write(batches, alone=alone, lost=lost, about=about))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--at-once", type=int, nargs="+", default=AT_ONCE)
    parser.add_argument("--reconnects", type=int, default=10, help="lines that drop in the middle of an answer")
    parser.add_argument("--chainlit", type=Path, help="the Python of requirements/chainlit.txt; without it, no peer")
    return parser.parse_args()


def _alone_questions(rounds: int) -> list[str]:
    return [question for _ in range(3 * rounds) for question in (STANDUP, QUESTION.format(PIECES))]


def _measure(peers: list[Peer], *, options: argparse.Namespace, model: Server) -> Iterator[Batch]:
    """Let the peers take turns, the other way around in every second round."""
    for round_number in range(options.rounds):
        for count in options.at_once:
            for peer in peers if round_number % 2 else reversed(peers):
                for pieces in (FEW, PIECES):
                    yield _batch(peer, count=count, pieces=pieces, model=model)


def _batch(peer: Peer, *, count: int, pieces: int, model: Server) -> Batch:
    before = peer.server.cpu_seconds()
    heard = async_to_sync(_at_once)(peer, QUESTION.format(pieces), count=count)
    cpu = peer.server.cpu_seconds() - before
    _asked(model)
    batch = Batch(peer.name, at_once=count, pieces=pieces, cpu_seconds=cpu, heard=heard)
    print(briefing_report.line([batch]), file=sys.stderr, flush=True)
    return batch


async def _at_once(peer: Peer, question: str, *, count: int) -> list[Heard]:
    return await asyncio.gather(*(peer.pages[number % len(peer.pages)](question) for number in range(count)))


def _alone(peer: Peer, *, model: Server, question: str) -> briefing_report.Alone:
    """Ask once, and compare with what the model and the slowest read took."""
    _asked(model)
    (heard,) = async_to_sync(_at_once)(peer, question, count=1)
    asked = _asked(model)
    return briefing_report.Alone(
        is_recipe=question == STANDUP,
        heard=heard,
        model_ms=1000 * sum(one["seconds"] for one in asked),
        model_requests=len(asked),
        model_bytes=sum(one["bytes"] for one in asked),
    )


def _asked(model: Server) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{model.url}/asked") as answer:  # noqa: S310, our own server on loopback
        found: list[dict[str, Any]] = json.load(answer)
    return found


async def _reconnect(peer: Peer, *, count: int) -> tuple[int, int]:
    """Return how many frames came in all, and how many never did, where lines drop half-way."""
    question = QUESTION.format(PIECES)
    whole = median(heard.frames for heard in await _at_once(peer, question, count=1))
    asks = (peer.pages[number % len(peer.pages)](question, drop_after=int(whole / 2)) for number in range(count))
    heard = await asyncio.gather(*asks)
    return sum(one.frames for one in heard), sum(one.lost for one in heard)


@contextmanager
def serve_devcontext(model_url: str, *, people: int) -> Iterator[Peer]:
    """Start an installation whose model is at this address, and connect everybody's services."""
    variables = {
        "ANTHROPIC_API_KEY": "of nobody",
        "ANTHROPIC_BASE_URL": model_url,
        # A hundred at once on a busy machine take longer than one person would wait, and cost nothing.
        "RUN_MAX_SECONDS": "900",
        "DAILY_BUDGET_USD_PER_USER": "1000000",
        "DAILY_BUDGET_USD": "1000000",
    }
    with prepared(**variables) as found:
        sessions = sign_in(found, *(f"person{number}@example.org" for number in range(people)))
        run_code(found, CONNECT.format(sessions=sessions))
        start(found, "app")
        pages = [ask_devcontext(found.app_url, session=session) for session in sessions]
        yield Peer("DevContext", Server(found.app_url, found.processes["app"]), pages, sessions)


@contextmanager
def _chainlit(python: Path, model_url: str) -> Iterator[Peer]:
    """Start Chainlit's server with its own command, on files of its own."""
    with tempfile.TemporaryDirectory(prefix="chainlit-bench-") as folder:
        environment = {"MODEL_URL": model_url, "CHAINLIT_APP_ROOT": folder}
        app = str(ROOT / "benchmarks" / "chainlit_app.py")
        command = [str(python.absolute()), "-m", "chainlit", "run", app, "--headless", "--port"]
        with serve_command(command, environment, folder=folder) as server:
            yield Peer("Chainlit", server, [ask_chainlit(server.url, pieces=_pieces)])


def _pieces(question: str) -> int:
    return PIECES if question == QUESTION.format(PIECES) else FEW


if __name__ == "__main__":
    main()
