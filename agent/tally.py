"""Counts what a run read, from its own events: the coverage line of the page and the object of `brief --json`."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.briefing.facts.coverage import coverage
from agent.briefing.facts.types import ServiceCoverage
from agent.briefing.types import Reading
from agent.events import Coverage, Ignored, LoopEvent, StepExchanged, StepFailed, StepFinished, StepStarted
from agent.providers import PROVIDERS
from agent.toolkit import HIDDEN_WORDS

# What the toolkit calls a call that no tool and no arguments of ours allow.
_NOT_ALLOWED = frozenset({"unknown_tool", "bad_arguments"})


@dataclass(slots=True)
class ToolCallTally:
    """One tool call: `outcome` is `running`, `read` or a failure's code; `exchange` is "" when there was none."""

    name: str
    provider: str
    outcome: str = "running"
    ms: int = 0
    items: int = 0
    exchange: str = ""


@dataclass(slots=True)
class Tally:
    """The tool calls of a run in the order in which they began."""

    calls: dict[str, ToolCallTally] = field(default_factory=dict)

    def add(self, event: LoopEvent) -> None:
        """Take note of a step event; others do not count."""
        match event:
            case StepStarted():
                self.calls[event.id] = ToolCallTally(name=event.tool, provider=event.provider)
            case StepExchanged():
                self.calls[event.id].exchange = event.exchange
            case StepFinished():
                call = self.calls[event.id]
                call.outcome, call.ms, call.items = "read", event.ms, event.items
            case StepFailed():
                # A call of a tool that does not exist fails without having begun.
                call = self.calls.setdefault(event.id, ToolCallTally(name="", provider=""))
                call.outcome, call.ms = event.code, event.ms
            case _:
                pass

    def coverage(self, readings: Sequence[Reading]) -> tuple[Coverage, ...]:
        """Return what is known of each provider, in fixed order, by what its calls gave."""
        covered = {one.provider: one for one in coverage(readings)}
        return tuple(self._coverage_of(provider, found=covered.get(provider)) for provider in PROVIDERS)

    def ignored(self, readings: Sequence[Reading]) -> Ignored:
        """Return what the run did not follow."""
        hid = {one.provider for one in readings if HIDDEN_WORDS in one.warnings}
        return Ignored(
            calls=sum(call.outcome in _NOT_ALLOWED for call in self.calls.values()),
            hid=tuple(provider for provider in PROVIDERS if provider in hid),
        )

    def _coverage_of(self, provider: str, *, found: ServiceCoverage | None) -> Coverage:
        exchanged = [call for call in self.calls.values() if call.provider == provider and call.exchange]
        return Coverage(
            provider=provider,
            state=found.state if found else "nothing_asked",
            items=found.items if found else 0,
            exchanges=len(exchanged),
            is_partial=found is not None and found.is_partial,
        )
