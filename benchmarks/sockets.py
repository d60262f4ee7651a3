"""What open sockets, followers and chats at once cost a web process: `./dev bench sockets`.

Our run socket beside a bare consumer of Channels on the same server, in turns; then chats that go on at once, with a
scripted model. README.md beside this file says what each line means.
"""

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median, quantiles
from typing import Any
from uuid import uuid4

from asgiref.sync import async_to_sync
from websockets.asyncio.client import ClientConnection, connect

from benchmarks.briefing import PIECES, QUESTION, Peer, serve_devcontext
from benchmarks.chat_pages import Heard, open_devcontext
from benchmarks.processes import ROOT, Server, serve_app, serve_command

# Opened before memory is counted, so that what a first socket loads and a pool keeps is not theirs.
_FIRST_SOCKETS = 20
# A browser's tabs come one after another, not as one stampede.
_OPENED_AT_ONCE = 20
# What P5 allows the first frame of a question, at its 99th percentile.
_LATE_MS = 100
_CHATS_OF_A_PERSON = 5
_BARE = (
    *("-m", "uvicorn", "benchmarks.bare_socket:application", "--host", "127.0.0.1", "--log-level", "warning"),
    *("--ws", "websockets-sansio", "--ws-max-size", "65536", "--ws-per-message-deflate", "false", "--port"),
)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: its process, and how a page opens its socket."""

    name: str
    server: Server
    open: Callable[[], connect]


@dataclass(slots=True)
class Stream:
    """One stream as its followers heard it: lag in ms from the frame's own time, bytes of each frame, processor."""

    lag_ms: list[float] = field(default_factory=list)
    bytes: list[int] = field(default_factory=list)
    cpu_seconds: float = 0.0


def main() -> None:
    """Run the benchmark."""
    options = _options()
    _say(_about())
    with ExitStack() as stack:
        model = stack.enter_context(serve_app("benchmarks.scripted_model:application", {}, path="/read/nothing"))
        people = max(2, *(-(-count // _CHATS_OF_A_PERSON) for count in options.chats))
        peer = stack.enter_context(serve_devcontext(model.url, people=people))
        bare = stack.enter_context(_bare())
        ours = Side("DevContext", peer.server, lambda: open_devcontext(peer.server.url, session=peer.sessions[0]))
        for line in _idle([bare, ours], count=options.idle):
            _say(line)
        for line in _followed([bare, ours], options=options):
            _say(line)
        for count in options.chats:
            _say(_chats(peer, count=count, seconds=options.seconds))
    _say(f"load {os.getloadavg()[0]:.1f} after")


def _say(line: str) -> None:
    """Print a line at once: what was measured before is not lost where the rest is cut off."""
    print(line, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--idle", type=int, default=400, help="sockets that are open and silent")
    parser.add_argument("--followers", type=int, default=100, help="pages that follow one run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chats", type=int, nargs="+", default=[5, 10, 20, 40], help="chats that go on at once")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long they do")
    return parser.parse_args()


def _about() -> str:
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    busy = ": a busy machine, whose milliseconds say little" if load > processors / 2 else ""
    return f"Python {platform.python_version()}, {processors} processors, load {load:.1f} before{busy}"


@contextmanager
def _bare() -> Iterator[Side]:
    with serve_command([sys.executable, *_BARE], {}, folder=str(ROOT)) as server:
        yield Side("bare", server, lambda: connect(server.url.replace("http", "ws", 1), proxy=None))


def _resident_bytes(server: Server) -> int:
    pages = Path(f"/proc/{server.process.pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _idle(sides: list[Side], *, count: int) -> Iterator[str]:
    """Tell what a socket costs to open and to keep: once each, since what was freed once is taken up again."""
    found = {side.name: async_to_sync(_open_idle)(side, count=count) for side in sides}
    for what, unit, number in (("memory of an idle socket", "KB", 0), ("processor of opening one", "ms", 1)):
        ours, bare = found["DevContext"][number], found["bare"][number]
        yield f"{what}: {ours:.1f} {unit}, bare {bare:.1f}, {ours / bare:.1f} times, over {count} sockets"


async def _open_idle(side: Side, *, count: int) -> tuple[float, float]:
    """Return KB and ms of processor for each of `count` sockets."""
    async with AsyncExitStack() as stack:
        await _open_pages(side, count=_FIRST_SOCKETS, stack=stack)
        memory, cpu = _resident_bytes(side.server), side.server.cpu_seconds()
        await _open_pages(side, count=count, stack=stack)
        kb = (_resident_bytes(side.server) - memory) / count / 1024
        return kb, 1000 * (side.server.cpu_seconds() - cpu) / count


async def _open_pages(side: Side, *, count: int, stack: AsyncExitStack) -> list[ClientConnection]:
    pages: list[ClientConnection] = []
    while len(pages) < count:
        some = min(_OPENED_AT_ONCE, count - len(pages))
        pages += await asyncio.gather(*(stack.enter_async_context(side.open()) for _ in range(some)))
    # A socket that answers is whole, also behind its handshake.
    for pong in [await page.ping() for page in pages]:
        await pong
    return pages


def _followed(sides: list[Side], *, options: argparse.Namespace) -> Iterator[str]:
    """Let one and many follow a stream, in turns: what each frame costs for each page that hears it, and its lag."""
    bare, ours = sides
    shape = _shape(async_to_sync(_stream_ours)(ours, followers=1))
    many: dict[str, list[Stream]] = {"bare": [], "DevContext": []}
    cost: dict[str, list[float]] = {"bare": [], "DevContext": []}
    for number in range(options.rounds):
        for side in (bare, ours) if number % 2 else (ours, bare):
            one = _stream(side, followers=1, shape=shape)
            all_of_them = _stream(side, followers=options.followers, shape=shape)
            many[side.name].append(all_of_them)
            sent = len(all_of_them.lag_ms) - len(one.lag_ms)
            cost[side.name].append(1e6 * (all_of_them.cpu_seconds - one.cpu_seconds) / sent)
    ratios = sorted(a / b for a, b in zip(cost["DevContext"], cost["bare"], strict=True))
    yield (
        f"processor of a frame for each of {options.followers} followers: {median(cost['DevContext']):.0f} us, "
        f"bare {median(cost['bare']):.0f}, {median(ratios):.1f} times ({ratios[0]:.1f} to {ratios[-1]:.1f})"
    )
    for name, streams in many.items():
        lags = [lag for stream in streams for lag in stream.lag_ms]
        yield f"lag of a frame, {name}: p50 {median(lags):.1f}, p99 {_p99(lags):.1f} ms of {len(lags)}"


def _shape(stream: Stream) -> dict[str, Any]:
    """Return what the bare consumer is asked for: as many bytes in as many frames, in the same time."""
    frames = len(stream.bytes)
    return {"frames": frames, "bytes": round(mean(stream.bytes)), "pace": PIECES / 50 / frames}


def _stream(side: Side, *, followers: int, shape: dict[str, Any]) -> Stream:
    if side.name == "bare":
        return async_to_sync(_stream_bare)(side, followers=followers, shape=shape)
    return async_to_sync(_stream_ours)(side, followers=followers)


async def _stream_bare(side: Side, *, followers: int, shape: dict[str, Any]) -> Stream:
    async with AsyncExitStack() as stack:
        pages = await _open_pages(side, count=followers, stack=stack)
        for page in pages:
            await page.send("follow")
        await asyncio.sleep(0.5)
        return await _heard(side, pages, begin=pages[0].send(json.dumps(shape)))


async def _stream_ours(side: Side, *, followers: int) -> Stream:
    async with AsyncExitStack() as stack:
        pages = await _open_pages(side, count=followers, stack=stack)
        asked = {"v": 1, "type": "send", "key": uuid4().hex, "text": QUESTION.format(PIECES), "conversation": None}
        cpu = side.server.cpu_seconds()
        await pages[0].send(json.dumps(asked))
        run = json.loads(await pages[0].recv())["run"]
        for page in pages[1:]:
            await page.send(json.dumps({"v": 1, "type": "attach", "run": run, "after": 0}))
        stream = await _heard(side, pages, begin=None)
        stream.cpu_seconds = side.server.cpu_seconds() - cpu
        return stream


async def _heard(side: Side, pages: list[ClientConnection], *, begin: Any) -> Stream:
    """Return what all pages heard, to the end."""
    stream, cpu = Stream(), side.server.cpu_seconds()
    if begin:
        await begin
    await asyncio.gather(*(_hear(page, stream) for page in pages))
    stream.cpu_seconds = side.server.cpu_seconds() - cpu
    return stream


async def _hear(page: ClientConnection, stream: Stream) -> None:
    while True:
        text = await page.recv()
        frame = json.loads(text)
        stream.lag_ms.append(1000 * time.time() - frame["t"])
        stream.bytes.append(len(text))
        if frame["type"] == "run.finished":
            return
        if frame["type"] in {"run.failed", "run.stopped"}:
            raise SystemExit(f"A run ended by {frame['type']}: {frame.get('code', '')}")


def _chats(peer: Peer, *, count: int, seconds: float) -> str:
    """Tell how late the first frame of a question comes while `count` chats go on."""
    cpu = peer.server.cpu_seconds()
    heard = async_to_sync(_chat)(peer, count=count, seconds=seconds)
    cpu = peer.server.cpu_seconds() - cpu
    first = [one.first_ms for one in heard]
    late = "late" if _p99(first) > _LATE_MS else "in time"
    return (
        f"{count} chats at once: first frame p50 {median(first):.0f}, p99 {_p99(first):.0f} ms ({late}), "
        f"answer p50 {median(one.ended_ms for one in heard):,.0f} ms, "
        f"processor {1000 * cpu / len(heard):.0f} ms of each of {len(heard)} answers, "
        f"{sum(not one.is_finished for one in heard)} not finished"
    )


async def _chat(peer: Peer, *, count: int, seconds: float) -> list[Heard]:
    """Ask again and again on `count` pages, whose first questions are spread over the time of an answer."""
    until, spread = time.monotonic() + seconds, PIECES / 50 / count
    heard: list[Heard] = []

    async def go_on(number: int) -> None:
        await asyncio.sleep(number * spread)
        while time.monotonic() < until:
            heard.append(await peer.pages[number % len(peer.pages)](QUESTION.format(PIECES)))

    await asyncio.gather(*(go_on(number) for number in range(count)))
    return heard


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]


if __name__ == "__main__":
    main()
