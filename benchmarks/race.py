"""Fifty callers in four processes meet a token that has ended; the provider takes 100 ms to answer."""

import time
from dataclasses import dataclass, field
from statistics import median

from benchmarks.processes import Worker
from tests.vault.upstream import Upstream

USER = "user:99"
PROCESSES = 4
CALLERS = 50
PROVIDER_DELAY_SECONDS = 0.1
# Until then every process has read its order and made its tasks.
_START_AFTER_SECONDS = 0.3


@dataclass(slots=True)
class Races:
    """The outcomes of all repetitions; durations in ms."""

    lone: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    last: list[float] = field(default_factory=list)
    refreshes: list[int] = field(default_factory=list)
    failures: int = 0

    def ratio(self) -> float:
        """Return how long the last of all callers waits, by a lone one."""
        return median(self.last) / median(self.lone)


def run(workers: list[Worker], *, upstream: Upstream, repetitions: int) -> Races:
    """Race `repetitions` times, with a lone caller before each."""
    races = Races()
    upstream.delay_seconds = PROVIDER_DELAY_SECONDS
    for worker in workers:
        # The first exchange of a process opens its connections and imports what it needs.
        _start([(worker, 1)], upstream=upstream)
    for _ in range(repetitions):
        lone, failed, _ = _start([(workers[0], 1)], upstream=upstream)
        shares = [CALLERS // PROCESSES + (number < CALLERS % PROCESSES) for number in range(PROCESSES)]
        durations, failures, refreshes = _start(list(zip(workers, shares, strict=True)), upstream=upstream)
        races.failures += failures + failed
        races.refreshes.append(refreshes)
        races.lone += lone
        races.first.append(min(durations))
        races.last.append(max(durations))
    upstream.delay_seconds = 0.0
    return races


def _start(callers: list[tuple[Worker, int]], *, upstream: Upstream) -> tuple[list[float], int, int]:
    """Return the durations, the number of failures, and how often the provider was asked."""
    callers[0][0].ask("expire", user=USER)
    before = upstream.calls["github refresh_token"]
    starts_at = time.monotonic() + _START_AFTER_SECONDS
    for worker, number in callers:
        worker.send("race", user=USER, callers=number, starts_at=starts_at)
    answers = [worker.receive() for worker, _ in callers]
    durations = [duration for answer in answers for duration in answer["ms"]]
    failures = sum(answer["failures"] for answer in answers)
    return durations, failures, upstream.calls["github refresh_token"] - before
