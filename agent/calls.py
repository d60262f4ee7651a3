"""One tool call in progress: its clock, the events it emits, and the one result it ends with."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from agent import results
from agent.errors import ToolFailedError
from agent.events import Evidence, LoopEvent, StepFailed, StepFinished, StepProgress

Emit = Callable[[LoopEvent], None]


@dataclass(frozen=True, slots=True)
class Dispatched:
    """How one tool call ended: the content of its `tool_result`, and what the answer may cite.

    `is_reading` tells that a service was asked, also when it, the user or the vault said no; an invented tool, bad
    arguments and a tool without a provider do not count.
    """

    content: str
    is_error: bool
    evidence: tuple[Evidence, ...] = ()
    items: int = 0
    is_reading: bool = False


@dataclass(slots=True)
class Call:
    """One call, from its start to its result; `name` is safe to log and to show, whatever the model sent.

    `read_until` is when its reading ends at the latest, on the clock of `time.monotonic`.
    """

    id: str
    name: str
    emit: Emit
    read_until: float = math.inf
    is_reading: bool = False
    _started: float = field(default_factory=time.monotonic)

    def report_progress(self, done: int, total: int) -> None:
        """Tell that `done` of `total` parts are read."""
        self.emit(StepProgress(id=self.id, done=done, total=total))

    def finish(self, content: str, *, evidence: tuple[Evidence, ...], items: int, received_bytes: int) -> Dispatched:
        """End the call with what was read."""
        self.emit(StepFinished(id=self.id, ms=self._elapsed_ms(), items=items, bytes=received_bytes))
        return Dispatched(content, is_error=False, evidence=evidence, items=items, is_reading=self.is_reading)

    def fail(self, error: ToolFailedError) -> Dispatched:
        """End the call with the reason why nothing was read."""
        self.emit(StepFailed(id=self.id, ms=self._elapsed_ms(), code=error.code, message=error.message))
        return Dispatched(results.write_failure(error), is_error=True, is_reading=self.is_reading)

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
