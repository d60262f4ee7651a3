"""How much one run may use, and the meter that says when it has to answer and when it has to end."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from agent.calls import reschedule
from agent.errors import ModelError
from agent.events import UsageReported
from agent.model import AssistantMessage

# The part of time and tokens that reading must leave for the answer: with the default limits 30 s and 4,000 tokens,
# several times what a long briefing of about 1,000 tokens needs.
_ANSWER_SHARE = 0.25


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits of one run: questions to the model, tool calls, seconds, and tokens the model writes."""

    max_steps: int
    max_tool_calls: int
    max_seconds: float
    max_output_tokens: int


@dataclass(slots=True)
class Meter:
    """What a run has used of its budget; `limit` is what ends it when its time is over."""

    budget: Budget
    steps: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_write_tokens: int = 0
    cache_read_tokens: int = 0
    limit: asyncio.Timeout | None = None
    _started: float = field(default_factory=time.monotonic)
    _waits: int = 0
    _waits_since: float = 0.0

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """Stop the run's clock for the block, in which a person is asked; of several such blocks, from first to last.

        How long that can take is bounded by whoever asks.
        """
        if not self._waits:
            self._waits_since = time.monotonic()
            reschedule(self.limit, seconds=None)
        self._waits += 1
        try:
            yield
        finally:
            self._waits -= 1
            if not self._waits:
                self._started += time.monotonic() - self._waits_since
                reschedule(self.limit, seconds=self.seconds_left)

    @property
    def read_until(self) -> float:
        """When reading has to end, so that an answer fits after it, on the clock of `time.monotonic`."""
        return self._started + self.budget.max_seconds * (1 - _ANSWER_SHARE)

    @property
    def seconds_to_read(self) -> float:
        """How long reading may still take."""
        return max(0.0, self.read_until - time.monotonic())

    @property
    def seconds_left(self) -> float:
        """How long the run may still take."""
        return max(0.0, self._started + self.budget.max_seconds - time.monotonic())

    @property
    def may_read(self) -> bool:
        """Whether the next question may be answered by tool calls; if not, it asks for the answer."""
        return (
            self.steps + 1 < self.budget.max_steps
            and self.tool_calls < self.budget.max_tool_calls
            and self.output_tokens < self.budget.max_output_tokens * (1 - _ANSWER_SHARE)
            and self.seconds_to_read > 0
        )

    @property
    def may_ask(self) -> bool:
        """Whether a question and a token are left."""
        return self.steps < self.budget.max_steps and self.output_tokens < self.budget.max_output_tokens

    def begin_step(self) -> int:
        """Count one question to the model and return how many tokens its answer may have.

        Raises:
            agent.errors.ModelError: `budget_spent`, no question or no token is left.
        """
        if not self.may_ask:
            raise budget_spent()
        self.steps += 1
        return self.budget.max_output_tokens - self.output_tokens

    def count(self, message: AssistantMessage) -> UsageReported:
        """Count the tokens of one answer, and return those of the run so far."""
        self.input_tokens += message.input_tokens
        self.output_tokens += message.output_tokens
        self.cache_write_tokens += message.cache_write_tokens
        self.cache_read_tokens += message.cache_read_tokens
        return UsageReported(
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cache_write_tokens=self.cache_write_tokens,
            cache_read_tokens=self.cache_read_tokens,
        )

    def take_calls(self, wanted: int) -> int:
        """Count `wanted` tool calls as far as they are left, and return how many may run."""
        granted = max(0, min(wanted, self.budget.max_tool_calls - self.tool_calls))
        self.tool_calls += granted
        return granted


def budget_spent() -> ModelError:
    """Return the error that ends a run whose budget went before its answer."""
    return ModelError("budget_spent", "The run used up its budget before Claude finished. Ask for less at once.")
