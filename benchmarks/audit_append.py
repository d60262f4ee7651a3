"""What appending an audit event costs, beside its floors and beside chains of hashes; `benchmarks.audit` calls it.

Everything is measured in one run, in rounds whose order is drawn anew, so that a machine that is busy for a while is
busy for all alike; ratios are made inside each round. README.md beside this file says what each line does not do.
"""

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from math import ceil
from statistics import median
from threading import Barrier

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connections

from audit import group_commit, log_keys, sealer
from audit.seal import Sealer
from benchmarks.audit_designs import Designs, new_entry, open_designs

WRITERS = (1, 8)
_TITLES = {
    "floor": "floor: bare row, no index, no trigger",
    "sealed_floor": "sealing's floor: the same, hashed, signed",
    "chain": "one chain of hashes for all",
    "user_chain": "a chain of hashes for each user",
    "record": "audit.record",
    "record_sealed": "audit.record, the sealer beside it",
    "group": "audit.group_commit",
    "group_sealed": "audit.group_commit, the sealer beside it",
}
# By "name writers": events a second in each round.
Results = Mapping[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a line is measured in a round: until `seconds` went by or it appended `events`."""

    rounds: int
    seconds: float
    events: int = 1_000_000


def run(limits: Limits) -> Results:
    """Measure all lines and print the table. It leaves events and a log behind; its own tables are gone."""
    begun = os.getloadavg()[0]
    with open_designs() as designs, _threads() as pool:
        results = async_to_sync(_measure)(designs, pool=pool, limits=limits)
        designs.require_chains()
    print(f"\nAppending: {limits.rounds} rounds, load average {begun:.1f} before and {os.getloadavg()[0]:.1f} after")
    print("\n".join(_report(results)))
    return results


def _connect() -> None:
    # Which one is the calling thread's is known only there.
    connections["audit"].ensure_connection()


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    """Yield as many threads as there are writers, with their connections open."""
    with ThreadPoolExecutor(max(WRITERS)) as pool:

        def in_each(act: Callable[[], object]) -> None:
            all_there = Barrier(max(WRITERS))
            list(pool.map(lambda _: (all_there.wait(), act()), range(max(WRITERS))))

        in_each(_connect)
        try:
            yield pool
        finally:
            in_each(connections.close_all)


async def _measure(designs: Designs, *, pool: ThreadPoolExecutor, limits: Limits) -> Results:
    lines = [(name, writers) for name in _TITLES for writers in WRITERS]
    results: dict[str, list[float]] = {f"{name} {writers}": [] for name, writers in lines}
    loop = asyncio.get_running_loop()
    for _ in range(limits.rounds):
        for name, writers in random.sample(lines, len(lines)):
            is_sealed = name.endswith("_sealed")
            if is_sealed:
                # What other lines left is not to be sealed meanwhile.
                await loop.run_in_executor(pool, _seal_all)
            async with sealer.running() if is_sealed else nullcontext():
                rate = await _rate(designs, name.removesuffix("_sealed"), writers=writers, pool=pool, limits=limits)
            results[f"{name} {writers}"].append(rate)
    return results


async def _rate(designs: Designs, name: str, *, writers: int, pool: ThreadPoolExecutor, limits: Limits) -> float:
    """Return the events a second that `writers` append together."""
    most, begun = ceil(limits.events / writers), time.perf_counter()
    until = begun + limits.seconds
    if name == "group":
        counts = await asyncio.gather(*(_append_grouped(until, most=most) for _ in range(writers)))
    else:
        loop, write = asyncio.get_running_loop(), designs.writers[name]
        counts = await asyncio.gather(
            *(loop.run_in_executor(pool, _append, write, until, most) for _ in range(writers))
        )
        if name == "sealed_floor":
            designs.sign()
    return sum(counts) / (time.perf_counter() - begun)


def _append(write: Callable[[], object], until: float, most: int) -> int:
    count = 0
    while count < most and time.perf_counter() < until:
        write()
        count += 1
    return count


async def _append_grouped(until: float, *, most: int) -> int:
    count = 0
    while count < most and time.perf_counter() < until:
        await group_commit.record(new_entry())
        count += 1
    return count


def _seal_all() -> None:
    own = Sealer(log_keys.current(), pin_file=settings.AUDIT_PIN_FILE)
    while own.seal_next():
        pass


def _report(results: Results) -> Iterator[str]:
    """Yield a table for each number of writers: ratios are medians of the rounds', lowest and highest in brackets."""
    for writers in WRITERS:
        yield f"{f'{writers} at once':44}  a second   of the floor           of one chain"
        for name, title in _TITLES.items():
            ratios = [_ratio(results, name, base, writers=writers) for base in ("floor", "chain")]
            yield f"  {title:42}  {median(results[f'{name} {writers}']):8.0f}   {'   '.join(ratios)}"


def _ratio(results: Results, name: str, base: str, *, writers: int) -> str:
    pairs = zip(results[f"{name} {writers}"], results[f"{base} {writers}"], strict=True)
    ratios = sorted(rate / other for rate, other in pairs)
    return f"{median(ratios):5.2f} [{ratios[0]:5.2f} {ratios[-1]:5.2f}]"
