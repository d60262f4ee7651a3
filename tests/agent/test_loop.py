"""The loop: reads before it answers, one result for every call, within its budget, and stoppable at any moment."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from agent.briefing.types import Reading
from agent.calls import ReadingEnded
from agent.errors import ModelError, ToolFailedError
from agent.events import (
    LoopEvent,
    StepFinished,
    StepStarted,
    TextDelta,
    UsageReported,
)
from agent.loop import run_loop
from agent.model import AssistantMessage
from agent.tool import Item, ReadContext, ToolResult
from tests.agent.scripted import (
    ACTIVITY,
    BUDGET,
    DEFAULT_TOOLS,
    MENTIONS,
    QUESTION,
    ScriptedModel,
    kit,
    of,
    run,
    says,
    shown,
    start,
    tool,
    turns,
    wants,
)


async def follow(events: AsyncIterator[LoopEvent], *, into: list[LoopEvent]) -> None:
    """Keep what happens, also when it ends badly."""
    async for event in events:
        into.append(event)  # noqa: PERF401, a comprehension keeps nothing when it is broken off


async def test_an_answer_after_reading_is_shown_as_it_comes() -> None:
    model = ScriptedModel(wants(ACTIVITY), says("You merged ", "#412."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit)
    assert [event.text for event in of(TextDelta, events)] == ["You merged ", "#412."]
    assert [turn.role for turn in turns(events)] == ["assistant", "user", "assistant"]


async def test_events_come_in_the_order_they_happen() -> None:
    model = ScriptedModel(wants(ACTIVITY), says("Done."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit)
    kinds = [event.type if hasattr(event, "type") else type(event).__name__ for event in events]
    assert kinds == [
        "usage",
        "step.started",
        "step.permission",
        "step.finished",
        "ReadingEnded",
        "TurnAdded",
        "TurnAdded",
        "TextDelta",
        "usage",
        "TurnAdded",
    ]


async def test_steps_are_told_while_the_tool_is_still_reading() -> None:
    may_finish = asyncio.Event()

    async def wait(_arguments: Any, _http: Any, context: ReadContext) -> ToolResult:
        context.report_progress(1, 2)
        await may_finish.wait()
        return ToolResult(items=())

    seen = []
    async with aclosing(
        start(ScriptedModel(wants(("slow", {})), says("Done.")), kit(tool("slow", run=wait)).toolkit)
    ) as events:  # type: ignore[type-var]
        async for event in events:
            seen.append(getattr(event, "type", type(event).__name__))
            if seen[-1] == "step.progress":
                assert "step.finished" not in seen
                may_finish.set()
    assert seen.index("step.progress") < seen.index("step.finished")


async def test_calls_of_one_message_run_at_the_same_time() -> None:
    together = asyncio.Barrier(3)

    async def meet(_arguments: Any, _http: Any, _context: ReadContext) -> ToolResult:
        await together.wait()
        return ToolResult(items=())

    tools = [tool(name, run=meet) for name in ("one", "two", "three")]
    model = ScriptedModel(wants(("one", {}), ("two", {}), ("three", {})), says("All met."))
    events = await run(model, kit(*tools).toolkit)
    assert len(list(of(StepFinished, events))) == 3


async def test_results_go_back_in_one_message_in_the_order_of_the_calls() -> None:
    async def slow(_arguments: Any, _http: Any, _context: ReadContext) -> ToolResult:
        await asyncio.sleep(0.02)
        return ToolResult(items=())

    model = ScriptedModel(wants(("slow", {}), ("quick", {}), ("no_such_tool", {})), says("Done."))
    events = await run(model, kit(tool("slow", run=slow), tool("quick")).toolkit)
    called, results, _ = turns(events)
    assert [one["tool_use_id"] for one in results.content] == [one["id"] for one in called.content]
    assert [one.get("is_error", False) for one in results.content] == [False, False, True]
    assert [event.id for event in of(StepFinished, events)] == [called.content[1]["id"], called.content[0]["id"]]


async def test_the_conversation_only_grows_and_the_prompt_and_tools_stay() -> None:
    """Thinking signatures bind system prompt, tools and all earlier messages."""
    model = ScriptedModel(wants(ACTIVITY), wants(MENTIONS), says("Done."))
    await run(model, kit(*DEFAULT_TOOLS).toolkit)
    first, second, third = model.asked
    assert first["messages"] == [QUESTION]
    assert second["messages"][: len(first["messages"])] == first["messages"]
    assert third["messages"][: len(second["messages"])] == second["messages"]
    assert all(one["system"] == first["system"] and one["tools"] == first["tools"] for one in model.asked)


async def test_the_callers_messages_stay_as_they_are() -> None:
    messages = [dict(QUESTION)]
    model = ScriptedModel(wants(ACTIVITY), says("Done."))
    async for _ in run_loop(
        model=model, system="", messages=messages, toolkit=kit(*DEFAULT_TOOLS).toolkit, budget=BUDGET
    ):
        pass
    assert messages == [QUESTION]


async def test_an_answer_without_reading_is_dropped_and_the_default_reads_are_made() -> None:
    model = ScriptedModel(says("Yesterday you fixed ", "the login."), says("You merged #412."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit)
    assert shown(events) == "You merged #412."
    assert "login" not in json.dumps(model.asked[1]["messages"])
    assert [event.tool for event in of(StepStarted, events)] == ["github_activity", "calendar_agenda", "slack_mentions"]


async def test_the_default_reads_are_a_turn_of_our_own_with_one_result_each() -> None:
    model = ScriptedModel(says("Guessed."), says("Read."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit)
    called, results, _ = turns(events)
    assert [block["type"] for block in called.content] == ["tool_use"] * 3
    assert called.content[1]["input"] == {"start": "2026-11-20", "end": "2026-11-23"}
    assert [one["tool_use_id"] for one in results.content] == [one["id"] for one in called.content]
    assert model.asked[1]["messages"][1]["content"] == called.content


async def test_a_read_is_asked_for_until_there_is_one_and_looked_for_whatever_the_model_does() -> None:
    model = ScriptedModel(wants(("connections", {})), says("Guessed."), says("You merged #412."))
    events = await run(model, kit(tool("connections", provider=""), *DEFAULT_TOOLS).toolkit)
    assert [one["tool_choice"] for one in model.asked] == ["any", "any", "auto"]
    assert shown(events) == "You merged #412."


async def test_a_tool_that_reads_no_service_does_not_count_as_reading() -> None:
    connections = tool("connections", provider="")
    model = ScriptedModel(wants(("connections", {})), says("All is well."), says("You merged #412."))
    events = await run(model, kit(connections, *DEFAULT_TOOLS).toolkit)
    assert shown(events) == "You merged #412."
    assert "github_activity" in [event.tool for event in of(StepStarted, events)]


@pytest.mark.parametrize("call", [("no_such_tool", {}), ("github_activity", {"url": "http://evil.example"})])
async def test_a_refused_call_does_not_count_as_reading(call: tuple[str, dict[str, Any]]) -> None:
    model = ScriptedModel(wants(call), says("I know it anyway."), says("You merged #412."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit)
    assert shown(events) == "You merged #412."


async def test_a_service_that_says_no_counts_so_that_the_answer_can_say_it() -> None:
    no = ToolFailedError("revoked", "Slack is revoked.")
    model = ScriptedModel(wants(MENTIONS), says("Slack is revoked."))
    events = await run(model, kit(*DEFAULT_TOOLS, refused={"slack": no}).toolkit)
    assert shown(events) == "Slack is revoked."
    assert [event.tool for event in of(StepStarted, events)] == ["slack_mentions"]


async def test_text_before_the_first_read_stays_unseen_and_in_the_conversation() -> None:
    model = ScriptedModel(wants(ACTIVITY, before="Surely you shipped it. "), says("You merged #412."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit)
    assert shown(events) == "You merged #412."
    assert turns(events)[0].content[0] == {"type": "text", "text": "Surely you shipped it. "}


async def test_text_of_two_turns_is_two_paragraphs() -> None:
    model = ScriptedModel(wants(ACTIVITY), wants(MENTIONS, before="Merged #412."), says("Nobody asked."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit)
    assert shown(events) == "Merged #412.\n\nNobody asked."


async def test_nothing_to_read_with_is_no_answer() -> None:
    with pytest.raises(ModelError) as caught:
        await run(ScriptedModel(says("Guessed.")), kit(tool("connections", provider="")).toolkit)
    assert caught.value.code == "no_reading"


async def test_what_was_read_is_told_with_its_call_as_the_model_got_it() -> None:
    events = await run(ScriptedModel(wants(ACTIVITY), says("Done.")), kit(*DEFAULT_TOOLS).toolkit)
    (ended,) = of(ReadingEnded, events)
    items = json.loads(turns(events)[1].content[0]["content"])["items"]
    assert ended.tool_call == turns(events)[0].content[0]["id"]
    assert ended.reading == Reading(
        tool="github_activity", provider="github", arguments={"since": "2026-11-20"}, entries=tuple(items)
    )
    assert [item["id"] for item in items] == [item.id for item in ended.evidence]


async def test_a_read_that_failed_is_told_with_its_reason() -> None:
    no = ToolFailedError("revoked", "Slack is revoked.")
    model = ScriptedModel(wants(MENTIONS), says("Slack is revoked."))
    events = await run(model, kit(*DEFAULT_TOOLS, refused={"slack": no}).toolkit)
    (ended,) = of(ReadingEnded, events)
    assert (ended.reading.provider, ended.reading.entries) == ("slack", ())
    assert (ended.reading.error, ended.reading.message) == ("revoked", "Slack is revoked.")


async def test_a_call_that_never_began_is_no_reading() -> None:
    model = ScriptedModel(wants(("no_such_tool", {}), ACTIVITY), says("Done."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit)
    assert [ended.reading.tool for ended in of(ReadingEnded, events)] == ["github_activity"]


async def test_usage_is_the_sum_of_all_questions() -> None:
    events = await run(ScriptedModel(wants(ACTIVITY), says("Done.")), kit(*DEFAULT_TOOLS).toolkit)
    assert list(of(UsageReported, events))[-1] == UsageReported(input_tokens=20, output_tokens=10)


@pytest.mark.parametrize(
    ("stop_reason", "code"),
    [
        (None, "cut_short"),
        ("refusal", "refusal"),
        ("max_tokens", "max_tokens"),
        ("model_context_window_exceeded", "context_full"),
    ],
)
async def test_an_answer_that_is_none_is_an_error_and_joins_nothing(stop_reason: str | None, code: str) -> None:
    model = ScriptedModel(wants(ACTIVITY), says("Half an", stop_reason=stop_reason))
    seen: list[LoopEvent] = []
    with pytest.raises(ModelError) as caught:
        await follow(start(model, kit(*DEFAULT_TOOLS).toolkit), into=seen)
    assert caught.value.code == code
    assert [turn.role for turn in turns(seen)] == ["assistant", "user"]


async def test_an_empty_answer_is_an_error() -> None:
    """The API sometimes ends a turn after tool results with nothing, and refuses it when it is sent back."""
    model = ScriptedModel(wants(ACTIVITY), [AssistantMessage([], "end_turn", 1, 1)])
    with pytest.raises(ModelError) as caught:
        await run(model, kit(*DEFAULT_TOOLS).toolkit)
    assert caught.value.code == "cut_short"


async def test_a_stream_without_its_message_is_an_error() -> None:
    with pytest.raises(ModelError) as caught:
        await run(ScriptedModel(["Half an"]), kit(*DEFAULT_TOOLS).toolkit)
    assert caught.value.code == "cut_short"


async def test_a_paused_turn_goes_on() -> None:
    model = ScriptedModel(wants(ACTIVITY), says("First half, ", stop_reason="pause_turn"), says("second half."))
    events = await run(model, kit(*DEFAULT_TOOLS).toolkit)
    assert shown(events) == "First half, \n\nsecond half."
    assert model.asked[2]["messages"][-1]["role"] == "assistant"


async def test_the_models_own_error_comes_through() -> None:
    with pytest.raises(ModelError) as caught:
        await run(ScriptedModel([ModelError("overloaded", "Claude is overloaded.")]), kit(*DEFAULT_TOOLS).toolkit)
    assert caught.value.code == "overloaded"


async def test_cancelling_the_run_cancels_its_tools_and_keeps_half_a_turn_out() -> None:
    reading, cancelled = asyncio.Event(), asyncio.Event()

    async def wait(_arguments: Any, _http: Any, _context: ReadContext) -> ToolResult:
        reading.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        raise AssertionError

    seen: list[LoopEvent] = []

    events = start(ScriptedModel(wants(("slow", {}))), kit(tool("slow", run=wait)).toolkit)
    task = asyncio.create_task(follow(events, into=seen))
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled.is_set()
    assert turns(seen) == []


async def test_leaving_the_run_cancels_the_model() -> None:
    closed = asyncio.Event()

    class Endless(ScriptedModel):
        async def ask(self, **question: Any) -> Any:
            if len(question["messages"]) == 1:
                async for piece in super().ask(**question):
                    yield piece
                return
            try:
                while True:
                    yield "and "
                    await asyncio.sleep(0)
            finally:
                closed.set()

    events = start(Endless(wants(ACTIVITY)), kit(*DEFAULT_TOOLS).toolkit)
    async for event in events:
        if isinstance(event, TextDelta):
            break
    await events.aclose()  # type: ignore[attr-defined]
    assert closed.is_set()


async def test_a_result_has_only_the_items_that_fit() -> None:
    async def read_much(_arguments: Any, _http: Any, _context: ReadContext) -> ToolResult:
        return ToolResult(
            items=tuple(
                Item(title=f"#{n}", url=f"https://example.org/{n}", fields={"text": "x" * 500}) for n in range(80)
            )
        )

    events = await run(ScriptedModel(wants(("much", {})), says("Done.")), kit(tool("much", run=read_much)).toolkit)
    result = json.loads(turns(events)[1].content[0]["content"])
    (ended,) = of(ReadingEnded, events)
    assert (result["truncated"], ended.reading.is_truncated) == (True, True)
    assert [item["id"] for item in result["items"]] == [item.id for item in ended.evidence]
    assert tuple(result["items"]) == ended.reading.entries
    assert 0 < len(result["items"]) < 80
