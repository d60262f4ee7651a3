"""A run ends within its steps, calls, seconds and tokens, and keeps enough of each for an answer."""

import asyncio
import json
import time
from typing import Any

import pytest

from agent.budget import Budget
from agent.errors import ModelError
from agent.events import (
    StepFailed,
    StepStarted,
)
from agent.tool import ReadContext, ToolResult
from tests.agent.scripted import (
    ACTIVITY,
    BUDGET,
    DEFAULT_TOOLS,
    MENTIONS,
    ScriptedModel,
    kit,
    of,
    run,
    says,
    shown,
    tool,
    turns,
    wants,
)


def budget(**changes: float) -> Budget:
    values: dict[str, Any] = {
        "max_steps": BUDGET.max_steps,
        "max_tool_calls": BUDGET.max_tool_calls,
        "max_seconds": BUDGET.max_seconds,
        "max_output_tokens": BUDGET.max_output_tokens,
    }
    return Budget(**(values | changes))


async def test_the_last_step_asks_for_an_answer_without_tools() -> None:
    model = ScriptedModel(wants(ACTIVITY), wants(ACTIVITY), says("What I have."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit, budget=budget(max_steps=3))
    assert [one["tool_choice"] for one in model.asked] == ["any", "auto", "none"]
    assert shown(events) == "What I have."


async def test_with_one_step_only_the_default_reads_come_first() -> None:
    model = ScriptedModel(says("You merged #412."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit, budget=budget(max_steps=1))
    assert [one["tool_choice"] for one in model.asked] == ["none"]
    assert len(list(of(StepStarted, events))) == 3
    assert shown(events) == "You merged #412."


async def test_calls_beyond_the_budget_are_answered_with_budget_spent() -> None:
    model = ScriptedModel(wants(ACTIVITY, MENTIONS, ACTIVITY), says("Done."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit, budget=budget(max_tool_calls=2))
    results = turns(events)[1].content
    assert [one.get("is_error", False) for one in results] == [False, False, True]
    assert json.loads(results[2]["content"])["error"] == "budget_spent"
    assert [event.code for event in of(StepFailed, events)] == ["budget_spent"]
    assert model.asked[1]["tool_choice"] == "none"


async def test_reading_stops_in_time_for_an_answer() -> None:
    async def never(_arguments: Any, _http: Any, _context: ReadContext) -> ToolResult:
        await asyncio.Event().wait()
        raise AssertionError

    model = ScriptedModel(wants(("never", {})), says("It took too long."))
    events = await run(model, kit(tool("never", run=never)).toolkit, budget=budget(max_seconds=0.4))
    assert [event.code for event in of(StepFailed, events)] == ["budget_spent"]
    assert model.asked[1]["tool_choice"] == "none"
    assert shown(events) == "It took too long."


async def test_a_tool_is_told_when_reading_ends() -> None:
    told: list[float] = []

    async def read(_arguments: Any, http: Any, _context: ReadContext) -> ToolResult:
        told.append(http.read_until)
        return ToolResult(items=())

    model = ScriptedModel(wants(("read", {})), wants(("read", {})), says("Done."))
    began_at = time.monotonic()
    await run(model, kit(tool("read", run=read)).toolkit, budget=budget(max_seconds=1000))
    # Three quarters of the run's time, counted from the run's start and not from the call's.
    assert told[0] == told[1]
    assert began_at + 750 <= told[0] <= time.monotonic() + 750


async def test_a_model_that_takes_too_long_ends_the_run() -> None:
    class Silent(ScriptedModel):
        async def ask(self, **question: Any) -> Any:
            await asyncio.Event().wait()
            yield ""

    with pytest.raises(ModelError) as caught:
        await run(Silent([]), kit(*DEFAULT_TOOLS).toolkit, budget=budget(max_seconds=0.05))
    assert caught.value.code == "budget_spent"


async def test_tokens_left_bound_each_answer_and_keep_a_part_for_the_last() -> None:
    model = ScriptedModel(wants(ACTIVITY, output_tokens=800), says("Done."))
    await run(model, kit(*DEFAULT_TOOLS).toolkit, budget=budget(max_output_tokens=1000))
    assert [(one["max_tokens"], one["tool_choice"]) for one in model.asked] == [(1000, "any"), (200, "none")]


async def test_no_tokens_left_end_the_run() -> None:
    model = ScriptedModel(wants(ACTIVITY, output_tokens=1000), says("Never asked."))
    with pytest.raises(ModelError) as caught:
        await run(model, kit(*DEFAULT_TOOLS).toolkit, budget=budget(max_output_tokens=1000))
    assert (caught.value.code, len(model.asked)) == ("budget_spent", 1)


async def test_a_model_that_never_stops_reading_ends_with_its_steps() -> None:
    model = ScriptedModel(wants(ACTIVITY))
    with pytest.raises(ModelError) as caught:
        await run(model, kit(*DEFAULT_TOOLS).toolkit)
    assert (caught.value.code, len(model.asked)) == ("cut_short", BUDGET.max_steps)
