"""A model, tools and credentials that do what a test tells them to, behind the loop's own protocols."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from agent.briefing.working_week import WorkingWeek
from agent.budget import Budget
from agent.calls import Emit, ReadingEnded, Waiting
from agent.errors import ToolFailedError
from agent.events import AnswerRestarted, LoopEvent, StepPermission, TextDelta, TurnAdded
from agent.exclusions import NOTHING_EXCLUDED, Exclusions
from agent.loop import run_loop
from agent.model import AssistantMessage, Model
from agent.tool import Arguments, Item, ReadContext, Tool, ToolResult
from agent.toolkit import Opened as OpenedTool
from agent.toolkit import Toolkit

NOW = datetime(2026, 11, 23, 8, 12, tzinfo=UTC)
BUDGET = Budget(max_steps=5, max_tool_calls=24, max_seconds=10, max_output_tokens=16_000)
QUESTION = {"role": "user", "content": "What did I work on yesterday?"}

Piece = str | AssistantMessage | Exception
Run = Callable[[Any, Any, ReadContext], Awaitable[ToolResult]]

_ids = count(1)


def says(*texts: str, stop_reason: str | None = "end_turn", output_tokens: int = 5) -> list[Piece]:
    """Return an answer of text, in the given pieces."""
    content = [{"type": "thinking", "thinking": "", "signature": "s"}, {"type": "text", "text": "".join(texts)}]
    return [*texts, AssistantMessage(content, stop_reason, input_tokens=10, output_tokens=output_tokens)]


def wants(*calls: tuple[str, dict[str, Any]], before: str = "", output_tokens: int = 5) -> list[Piece]:
    """Return an answer that calls tools, after the text `before`."""
    blocks = [{"type": "tool_use", "id": f"toolu_{next(_ids)}", "name": name, "input": value} for name, value in calls]
    text = [{"type": "text", "text": before}] if before else []
    message = AssistantMessage([*text, *blocks], "tool_use", input_tokens=10, output_tokens=output_tokens)
    return [before, message] if before else [message]


ACTIVITY = ("github_activity", {"since": "2026-11-20"})
MENTIONS = ("slack_mentions", {"since": "2026-11-20"})


class ScriptedModel:
    """Gives `answers` one after the other, the last one again and again, and keeps what it was asked."""

    def __init__(self, *answers: list[Piece]) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answers = list(answers)

    async def ask(self, **question: Any) -> AsyncGenerator[str | AssistantMessage, None]:
        self.asked.append(deepcopy(question))
        for piece in self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]:
            await asyncio.sleep(0)
            if isinstance(piece, Exception):
                raise piece
            yield piece


class SinceArguments(Arguments):
    """Arguments of the tools of these tests."""

    since: str | None = None
    start: str | None = None
    end: str | None = None


async def read_one(_arguments: Any, _http: Any, _context: ReadContext) -> ToolResult:
    """Read one item."""
    return ToolResult(items=(Item(title="#412 Retries", url="https://example.org/412", fields={"kind": "merged"}),))


def tool(name: str, *, provider: str = "github", run: Run = read_one) -> Tool:
    """Return a tool."""
    return Tool(
        name=name,
        provider=provider,
        label=f"Reading {name}…",
        reads="things",
        description=f"Reads {name}.",
        arguments=SinceArguments,
        scope="",
        run=run,
        endpoints=(),
    )


DEFAULT_TOOLS = (
    tool("github_activity"),
    tool("calendar_agenda", provider="google-calendar"),
    tool("slack_mentions", provider="slack"),
)


class HTTP:
    """A provider's client that nobody calls."""

    received_bytes = 120
    read_until = 0.0


@dataclass
class Opened:
    """Credentials that open every provider but the refused ones, and keep who was opened."""

    refused: dict[str, ToolFailedError] = field(default_factory=dict)
    tools: list[str] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)
    places: list[tuple[str, ...]] = field(default_factory=list)
    exclusions: Exclusions = NOTHING_EXCLUDED

    @asynccontextmanager
    async def open(
        self, *, tool: Tool, tool_call: str, emit: Emit, places: tuple[str, ...], waiting: Waiting
    ) -> AsyncIterator[Any]:
        if tool.provider in self.refused:
            emit(StepPermission(id=tool_call, state="revoked"))
            raise self.refused[tool.provider]
        emit(StepPermission(id=tool_call, state="allowed"))
        self.tools.append(tool.name)
        self.scopes.append(tool.scope)
        self.places.append(places)
        yield OpenedTool(HTTP(), self.exclusions)


@dataclass
class Kit:
    """A toolkit with what it was made of."""

    toolkit: Toolkit
    credentials: Opened
    refusals: list[tuple[str, str, str]]


def kit(*tools: Tool, refused: dict[str, ToolFailedError] | None = None) -> Kit:
    """Return a toolkit of `tools`."""
    credentials = Opened(refused or {})
    refusals: list[tuple[str, str, str]] = []

    async def on_refused(name: str, reason: str, tool_call: str) -> None:
        refusals.append((name, reason, tool_call))

    async def list_services() -> tuple[()]:
        return ()

    context = ReadContext(
        now=NOW,
        week=WorkingWeek(time_zone=ZoneInfo("Europe/Berlin")),
        report_progress=lambda _done, _total: None,
        list_services=list_services,
    )
    toolkit = Toolkit(
        tools={one.name: one for one in tools}, credentials=credentials, context=context, on_refused=on_refused
    )
    return Kit(toolkit, credentials, refusals)


async def run(model: Model, toolkit: Toolkit, *, budget: Budget = BUDGET) -> list[LoopEvent]:
    """Return the events of a whole run."""
    return [event async for event in start(model, toolkit, budget=budget)]


def start(model: Model, toolkit: Toolkit, *, budget: Budget = BUDGET) -> AsyncIterator[LoopEvent]:
    """Return a run, not yet begun."""
    return run_loop(model=model, system="Read first.", messages=[QUESTION], toolkit=toolkit, budget=budget)


def of(kind: type[Any], events: list[LoopEvent]) -> Iterator[Any]:
    """Yield the events of one kind."""
    return (event for event in events if isinstance(event, kind))


def shown(events: Sequence[LoopEvent | ReadingEnded]) -> str:
    """Return the text that is to be seen in the end."""
    text = ""
    for event in events:
        if isinstance(event, AnswerRestarted):
            text = ""
        elif isinstance(event, TextDelta):
            text += event.text
    return text


def turns(events: list[LoopEvent]) -> list[TurnAdded]:
    return list(of(TurnAdded, events))
