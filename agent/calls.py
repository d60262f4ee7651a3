"""One tool call in progress: its clock, the events it emits, and the one result it ends with.

What a call read is told by `ReadingEnded`, which is here and not in `agent.events`: events are what pages show, and
`agent.briefing` stands on them.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from agent import results
from agent.briefing.types import Reading
from agent.errors import ToolFailedError
from agent.events import Evidence, LoopEvent, StepFailed, StepFinished, StepProgress

Emit = Callable[[LoopEvent], None]
# A context in which the clocks of a call and its run stand still.
Waiting = Callable[[], AbstractContextManager[None]]

# Enough to recognise what was read; every event of a run is sealed, stored and sent again to each page that opens it.
_MAX_TITLES = 5


@dataclass(frozen=True, slots=True)
class ReadingEnded:
    """A tool call is over: what it read, or why it could not, and what the answer may cite; for the runner only."""

    tool_call: str
    reading: Reading
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Dispatched:
    """How one tool call ended: the content of its `tool_result`, and what the answer may cite.

    `reading` is None for a call that never began: of an invented tool, or with arguments that do not fit.
    """

    content: str
    is_error: bool
    evidence: tuple[Evidence, ...] = ()
    items: int = 0
    reading: Reading | None = None

    @property
    def is_reading(self) -> bool:
        """Whether a service was asked, also when it, the user or the vault said no."""
        return self.reading is not None and self.reading.provider != ""


class Clock(Protocol):
    """How long a run may still read. It stands still while its person is asked something."""

    @property
    def read_until(self) -> float:
        """When reading ends, on the clock of `time.monotonic`."""
        ...

    def waiting(self) -> AbstractContextManager[None]:
        """Return a context in which the clock stands still."""
        ...


class _Endless:
    """The clock of a call that may take as long as it needs."""

    read_until = math.inf

    def waiting(self) -> AbstractContextManager[None]:
        return nullcontext()


ENDLESS: Clock = _Endless()


@dataclass(slots=True)
class Call:
    """One call, from its start to its result; `name` is safe to log and to show, whatever the model sent.

    `clock` is its run's, and `limit` what gives the call up when that says so.
    """

    id: str
    name: str
    emit: Emit
    clock: Clock = ENDLESS
    limit: asyncio.Timeout | None = None
    _reading: Reading | None = None
    _started: float = field(default_factory=time.monotonic)

    @property
    def seconds_left(self) -> float | None:
        """How long the call may still take; None for as long as it needs."""
        until = self.clock.read_until
        return None if until == math.inf else max(0.0, until - time.monotonic())

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Stop the clocks of call and run while the person is asked: their time to think is not time to read."""
        began_at = time.monotonic()
        reschedule(self.limit, seconds=None)
        with self.clock.waiting():
            yield
        self._started += time.monotonic() - began_at
        reschedule(self.limit, seconds=self.seconds_left)

    def begin(self, *, provider: str, arguments: Mapping[str, Any]) -> None:
        """Note that the call is one that can be made; from here on it ends with a reading."""
        self._reading = Reading(tool=self.name, provider=provider, arguments=arguments)

    def report_progress(self, done: int, total: int) -> None:
        """Tell that `done` of `total` parts are read."""
        self.emit(StepProgress(id=self.id, done=done, total=total))

    def finish(
        self, written: results.Written, *, evidence: tuple[Evidence, ...], received_bytes: int, read_ms: int
    ) -> Dispatched:
        """End the call with what was read, of which its page gets the first titles and no more."""
        items = len(written.entries)
        self.emit(
            StepFinished(
                id=self.id,
                ms=self._elapsed_ms(),
                items=items,
                bytes=received_bytes,
                read_ms=read_ms,
                evidence=tuple(item.id for item in evidence),
                titles=tuple(str(entry["title"]) for entry in written.entries[:_MAX_TITLES]),
                is_truncated=written.is_truncated,
                warnings=written.warnings,
            )
        )
        reading = self._reading and replace(
            self._reading,
            entries=written.entries,
            is_truncated=written.is_truncated,
            warnings=written.warnings,
        )
        return Dispatched(written.content, is_error=False, evidence=evidence, items=items, reading=reading)

    def fail(self, error: ToolFailedError) -> Dispatched:
        """End the call with the reason why nothing was read."""
        self.emit(StepFailed(id=self.id, ms=self._elapsed_ms(), code=error.code, message=error.message))
        reading = self._reading and replace(
            self._reading, error=error.code, message=error.message, retry_after_seconds=error.retry_after_seconds
        )
        return Dispatched(results.write_failure(error), is_error=True, reading=reading)

    def _elapsed_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)


class NoProvider:
    """What a tool without a provider gets in place of a client: nothing to reach, and no token."""

    received_bytes = 0
    read_until = math.inf

    async def get(self, *_: Any, **__: Any) -> Any:
        """Refuse."""
        raise ToolFailedError("policy_denied", "This tool reads no service.")

    post = get


def reschedule(limit: asyncio.Timeout | None, *, seconds: float | None) -> None:
    """Let `limit` end its block in so many seconds from now, or never; one that has ended it already stays as it is."""
    if limit is not None and not limit.expired():
        limit.reschedule(None if seconds is None else asyncio.get_running_loop().time() + seconds)
