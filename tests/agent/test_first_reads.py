"""A recipe's reads come before the model is asked, and what follows from them goes with their results."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from agent.briefing.types import Read, Reading
from agent.calls import ReadingEnded
from agent.errors import ToolFailedError
from agent.events import LoopEvent, StepStarted
from agent.loop import run_loop
from agent.tool import ReadContext, ToolResult
from agent.toolkit import Toolkit
from tests.agent.scripted import (
    ACTIVITY,
    BUDGET,
    DEFAULT_TOOLS,
    MENTIONS,
    QUESTION,
    ScriptedModel,
    kit,
    of,
    says,
    shown,
    tool,
    turns,
    wants,
)

READS = (Read(*ACTIVITY), Read(*MENTIONS))


async def run(
    model: ScriptedModel, toolkit: Toolkit, *, reads: Sequence[Read] = READS, note: str = ""
) -> list[LoopEvent]:
    return [
        event
        async for event in run_loop(
            model=model,
            system="",
            messages=[QUESTION],
            toolkit=toolkit,
            budget=BUDGET,
            first_reads=reads,
            after_reads=lambda _: note,
        )
    ]


async def test_a_briefing_costs_one_question_to_the_model() -> None:
    model = ScriptedModel(says("You merged #412."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit)
    assert len(model.asked) == 1
    assert [event.tool for event in of(StepStarted, events)] == ["github_activity", "slack_mentions"]
    assert shown(events) == "You merged #412."


async def test_the_reads_are_a_turn_of_our_own_and_its_results_end_with_the_note() -> None:
    model = ScriptedModel(says("You merged #412."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit, note='{"merged":["gh-1"]}')
    called, results, _ = turns(events)
    assert [(block["type"], block["name"], block["input"]) for block in called.content] == [
        ("tool_use", *ACTIVITY),
        ("tool_use", *MENTIONS),
    ]
    assert [block["type"] for block in results.content] == ["tool_result", "tool_result", "text"]
    assert results.content[-1]["text"] == '{"merged":["gh-1"]}'
    assert model.asked[0]["messages"] == [
        QUESTION,
        {"role": "assistant", "content": called.content},
        {"role": "user", "content": results.content},
    ]


async def test_without_a_note_there_is_no_empty_text() -> None:
    """The API refuses empty text blocks."""
    events = await run(ScriptedModel(says("Done.")), kit(*DEFAULT_TOOLS).toolkit)
    assert [block["type"] for block in turns(events)[1].content] == ["tool_result", "tool_result"]


async def test_the_note_is_made_from_the_readings_in_the_order_of_the_reads() -> None:
    async def slow(_arguments: Any, _http: Any, _context: ReadContext) -> ToolResult:
        await asyncio.sleep(0.02)
        return ToolResult(items=())

    given: list[Reading] = []

    def note(readings: Sequence[Reading]) -> str:
        given.extend(readings)
        return "noted"

    no = ToolFailedError("revoked", "Slack is revoked.")
    made = kit(tool("github_activity", run=slow), *DEFAULT_TOOLS[1:], refused={"slack": no})
    events = [
        event
        async for event in run_loop(
            model=ScriptedModel(says("Done.")),
            system="",
            messages=[QUESTION],
            toolkit=made.toolkit,
            budget=BUDGET,
            first_reads=READS,
            after_reads=note,
        )
    ]
    assert [(reading.tool, reading.error) for reading in given] == [
        ("github_activity", ""),
        ("slack_mentions", "revoked"),
    ]
    told = [ended.reading for ended in of(ReadingEnded, events)]
    assert sorted(told, key=lambda reading: reading.tool) == given


async def test_the_reads_are_made_at_the_same_time() -> None:
    together = asyncio.Barrier(2)

    async def meet(_arguments: Any, _http: Any, _context: ReadContext) -> ToolResult:
        await together.wait()
        return ToolResult(items=())

    made = kit(tool("one", run=meet), tool("two", run=meet))
    events = await run(ScriptedModel(says("Met.")), made.toolkit, reads=(Read("one", {}), Read("two", {})))
    assert shown(events) == "Met."


async def test_a_tool_that_the_run_lacks_is_left_out() -> None:
    made = kit(DEFAULT_TOOLS[0])
    events = await run(ScriptedModel(says("Done.")), made.toolkit)
    assert [event.tool for event in of(StepStarted, events)] == ["github_activity"]
    assert made.refusals == []


async def test_the_model_may_read_more() -> None:
    model = ScriptedModel(wants(MENTIONS), says("Nobody asked."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit, reads=(Read(*ACTIVITY),), note="noted")
    assert [event.tool for event in of(StepStarted, events)] == ["github_activity", "slack_mentions"]
    assert [block["type"] for block in turns(events)[3].content] == ["tool_result"]


async def test_a_read_without_an_answer_is_made_by_default_after_reads_that_gave_nothing() -> None:
    """Reads that no tool of the run can make are none, so the answer still has to wait for one."""
    model = ScriptedModel(says("Guessed."), says("You merged #412."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit, reads=(Read("no_such_tool", {}),), note="noted")
    assert shown(events) == "You merged #412."
    assert "noted" not in json.dumps([turn.content for turn in turns(events)])
