"""From what pages of DevContext and Chainlit heard to what is printed: goals first, figures after them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.chat_pages import Heard

# Performance goals P6 and P7.
_MAX_OVERHEAD_MS = 30
_MAX_FIRST_RATIO = 0.2
_MAX_CPU_RATIO = 0.7
_MAX_FRAMES = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """One answer of DevContext with the machine to itself, and what the model took for it."""

    is_recipe: bool
    heard: Heard
    model_ms: float
    model_requests: int
    model_bytes: int

    @property
    def overhead_ms(self) -> float:
        """What the answer took above the model's time and its slowest read."""
        return self.heard.ended_ms - self.model_ms - self.heard.slowest_read_ms


@dataclass(frozen=True, slots=True)
class Batch:
    """Answers asked for at once, and the processor's seconds that the server used for them."""

    name: str
    at_once: int
    pieces: int
    cpu_seconds: float
    heard: Sequence[Heard]

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor per answer."""
        return 1000 * self.cpu_seconds / len(self.heard)


def write(
    batches: Sequence[Batch], *, alone: Sequence[Alone], lost: Mapping[str, tuple[int, int]], about: Mapping[str, Any]
) -> str:
    """Return the report as text."""
    head = (
        f"Python {about['python']}, {about['processors']} processors, load average {about['load_before']:.1f} before, "
        f"{about['load_after']:.1f} after; {about['rounds']} rounds. Median (lowest to highest)."
    )
    return "\n".join([head, "", *_alone_lines(alone), "", *_table(batches), "", *_goals(batches), *_lost_lines(lost)])


def _alone_lines(alone: Sequence[Alone]) -> Iterator[str]:
    for is_recipe, title in ((True, "standup"), (False, "free question, three tools")):
        of = [one for one in alone if one.is_recipe == is_recipe]
        overhead = [one.overhead_ms for one in of]
        yield (
            f"  P6 {title}: {_spread(overhead)} ms above the model and the slowest read, goal {_MAX_OVERHEAD_MS}: "
            f"{_verdict(median(overhead) <= _MAX_OVERHEAD_MS)}"
        )
        yield (
            f"     {_spread([one.heard.ended_ms for one in of])} ms in all; the model "
            f"{_spread([one.model_ms for one in of])}, the slowest read "
            f"{_spread([one.heard.slowest_read_ms for one in of])}"
        )
        yield (
            f"     first status after {_spread([one.heard.first_step_ms for one in of])} ms; requests to the model "
            f"{_spread([one.model_requests for one in of])}, bytes {_spread([one.model_bytes for one in of])}; events "
            f"{_spread([one.heard.frames for one in of])}"
        )


def _table(batches: Sequence[Batch]) -> Iterator[str]:
    yield f"  {'':26}{'first frame ms':>22}{'first step ms':>24}{'answer ms':>26}{'CPU ms':>22}{'frames':>16}"
    for key in dict.fromkeys((one.name, one.at_once, one.pieces) for one in batches):
        yield line([one for one in batches if (one.name, one.at_once, one.pieces) == key])


def line(of: Sequence[Batch]) -> str:
    """Return the line of the table for batches of one kind."""
    columns = (
        (_of_pages(of, lambda heard: heard.first_ms), 22),
        (_of_pages(of, lambda heard: heard.first_step_ms), 24),
        (_of_pages(of, lambda heard: heard.ended_ms), 26),
        (_spread([one.cpu_ms for one in of]), 22),
        (_of_pages(of, lambda heard: heard.frames), 16),
    )
    cells = "".join(f"{cell:>{width}}" for cell, width in columns)
    failed = sum(not heard.is_finished for one in of for heard in one.heard)
    title = f"{of[0].name} {of[0].at_once} x {of[0].pieces}"
    return f"  {title:26}{cells}{f'  {failed} not answered' if failed else ''}"


def _goals(batches: Sequence[Batch]) -> Iterator[str]:
    longest, most = max(one.pieces for one in batches), max(one.at_once for one in batches)
    shortest = min(one.pieces for one in batches)
    for name in dict.fromkeys(one.name for one in batches):
        for at_once in dict.fromkeys(one.at_once for one in batches):
            cpu = [_cpu(batches, name=name, at_once=at_once, pieces=pieces) for pieces in (longest, shortest)]
            each = 1000 * (cpu[0] - cpu[1]) / (longest - shortest)
            yield f"     {name} {at_once} at once: {each:.0f} us of processor per further piece of text"
    frames = median(heard.frames for one in _of(batches, "DevContext", pieces=longest) for heard in one.heard)
    yield f"  P7 socket events per answer: {frames:.0f}, goal {_MAX_FRAMES}: {_verdict(frames <= _MAX_FRAMES)}"
    if not _of(batches, "Chainlit", pieces=longest):
        return
    firsts = _ratios(batches, at_once=most, pieces=longest, of=lambda one: median(h.first_step_ms for h in one.heard))
    yield (
        f"  P7 first status at {most} at once / Chainlit's: {_spread(firsts, 2)}, goal {_MAX_FIRST_RATIO}: "
        f"{_verdict(median(firsts) <= _MAX_FIRST_RATIO)}"
    )
    for at_once in dict.fromkeys(one.at_once for one in batches):
        cpus = _ratios(batches, at_once=at_once, pieces=longest, of=lambda one: one.cpu_ms)
        yield (
            f"  P7 processor per answer, {at_once} at once / Chainlit's: {_spread(cpus, 2)}, goal {_MAX_CPU_RATIO}: "
            f"{_verdict(median(cpus) <= _MAX_CPU_RATIO)}"
        )


def _lost_lines(lost: Mapping[str, tuple[int, int]]) -> Iterator[str]:
    for name, (frames, missing) in lost.items():
        goal = f", goal 0: {_verdict(missing == 0)}" if name == "DevContext" else ""
        yield f"  P7 {name}: lost where lines drop half-way {missing}, came {frames}{goal}"


def _of(batches: Sequence[Batch], name: str, *, pieces: int) -> list[Batch]:
    return [one for one in batches if (one.name, one.pieces) == (name, pieces)]


def _cpu(batches: Sequence[Batch], *, name: str, at_once: int, pieces: int) -> float:
    return median(one.cpu_ms for one in _of(batches, name, pieces=pieces) if one.at_once == at_once)


def _ratios(batches: Sequence[Batch], *, at_once: int, pieces: int, of: Callable[[Batch], float]) -> list[float]:
    """Return the ratio of each round: what slows one round slows both."""
    ours, theirs = (
        [of(one) for one in _of(batches, name, pieces=pieces) if one.at_once == at_once]
        for name in ("DevContext", "Chainlit")
    )
    return [our / their for our, their in zip(ours, theirs, strict=True)]


def _of_pages(batches: Iterable[Batch], value: Callable[[Heard], float]) -> str:
    return _spread([value(heard) for one in batches for heard in one.heard])


def _spread(values: Sequence[float], digits: int = 0) -> str:
    low, high = min(values), max(values)
    return f"{median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _verdict(is_met: bool) -> str:  # noqa: FBT001, a yes or no is what it words
    return "met" if is_met else "MISSED"
