"""Whatever the Messages API sends, a run ends with an answer or with one reason, within its budget."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from agent import claude
from agent.briefing.types import Read
from agent.budget import Budget
from agent.calls import ReadingEnded
from agent.errors import ModelError
from agent.events import AnswerRestarted, LoopEvent, StepFailed, StepStarted
from agent.loop import run_loop
from tests.agent.api.upstream import Told, Upstream, told
from tests.agent.claude_server import MESSAGE_START, MESSAGES, OVERLOADED, call, end, stream, text
from tests.agent.scripted import ACTIVITY, BUDGET, DEFAULT_TOOLS, QUESTION, Kit, kit, of, shown

READS = (Read(*ACTIVITY),)
ANSWER = stream(MESSAGE_START, *text("You merged ", "#412."), *end("end_turn"))
CALLS = stream(MESSAGE_START, *call("github_activity", '{"since":"2026-11-20"}'), *end("tool_use"))
CUT_CALL = stream(MESSAGE_START, *call("github_activity", '{"since":"2026'))
NOTHING = stream(MESSAGE_START, *end("end_turn"))
BROKEN_TEXT = (MESSAGE_START, *text("You mer"))


@pytest.fixture
async def api(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Upstream]:
    """A Messages API that answers what a test tells it to."""
    monkeypatch.setattr(claude, "_FIRST_DELAY_SECONDS", 0.001)
    async with Upstream.running() as upstream:
        settings.IS_MODEL_SIMULATED = True
        settings.ANTHROPIC_BASE_URL = upstream.url
        # Importing the SDK takes seconds, which are none of a run's.
        await claude.warm_up()
        yield upstream
        await claude.close()


@dataclass
class Ended:
    """How a run ended: its events, and the code of its error or ""."""

    events: list[LoopEvent | ReadingEnded]
    code: str = ""


async def run(made: Kit, *, reads: tuple[Read, ...] = READS, budget: Budget = BUDGET) -> Ended:
    ended = Ended([])
    events = run_loop(
        model=claude.Claude(),
        system="Read first.",
        messages=[QUESTION],
        toolkit=made.toolkit,
        budget=budget,
        first_reads=reads,
    )
    try:
        async for event in events:
            ended.events.append(event)
    except ModelError as error:
        ended.code = error.code
    return ended


@pytest.mark.parametrize(
    ("answers", "code", "text_shown", "asked"),
    [
        # what the API does on a good day
        ([ANSWER], "", "You merged #412.", 1),
        ([CALLS, ANSWER], "", "You merged #412.", 2),
        # reasons to stop that are no answer
        ([stream(*BROKEN_TEXT, *end("refusal"))], "refusal", "You mer", 1),
        ([stream(*BROKEN_TEXT, *end("max_tokens"))], "max_tokens", "You mer", 1),
        ([stream(*BROKEN_TEXT, *end("model_context_window_exceeded"))], "context_full", "You mer", 1),
        ([told({"error": {"type": "invalid_request_error"}}, status=400)], "bad_request", "", 1),
        # nothing, once and for good
        ([NOTHING, ANSWER], "", "You merged #412.", 2),
        ([NOTHING], "cut_short", "", 2),
        ([stream(MESSAGE_START, *text("  "), *end("end_turn")), ANSWER], "", "  \n\nYou merged #412.", 2),
        # a stream that stops without a word about it
        ([CUT_CALL, ANSWER], "", "You merged #412.", 2),
        ([CUT_CALL], "cut_short", "", 2),
        ([stream(MESSAGE_START), ANSWER], "", "You merged #412.", 2),
        ([stream(*BROKEN_TEXT), ANSWER], "", "You merged #412.", 2),
        ([stream(*BROKEN_TEXT)], "cut_short", "You mer", 2),
        # an error inside a stream of status 200
        ([stream(MESSAGE_START, OVERLOADED), ANSWER], "", "You merged #412.", 2),
        ([stream(MESSAGE_START, OVERLOADED)], "overloaded", "", 3),
        ([stream(*BROKEN_TEXT, OVERLOADED), ANSWER], "", "You merged #412.", 2),
        ([stream(*BROKEN_TEXT, OVERLOADED)], "cut_short", "You mer", 2),
        # a dropped connection
        ([stream(MESSAGE_START, is_whole=False), ANSWER], "", "You merged #412.", 2),
        ([stream(*BROKEN_TEXT, is_whole=False), ANSWER], "", "You merged #412.", 2),
        ([stream(*BROKEN_TEXT, is_whole=False)], "cut_short", "You mer", 2),
        # limits
        (
            [told({}, status=529), told({}, status=429, headers={"retry-after": "0.01"}), ANSWER],
            "",
            "You merged #412.",
            3,
        ),
        ([told({}, status=429, headers={"retry-after": "30"}), ANSWER], "rate_limited", "", 1),
        (
            [told({}, status=429, headers={"retry-after": "Mon, 23 Nov 2026 09:00:00 GMT"}), ANSWER],
            "",
            "You merged #412.",
            2,
        ),
        ([told({}, status=429, headers={"retry-after": "nan"}), ANSWER], "", "You merged #412.", 2),
        # a server that speaks the protocol in its own way
        ([stream(MESSAGE_START, *call("github_activity", "{}", call_id=""), *end("tool_use"))], "unreachable", "", 3),
        (
            [
                stream(
                    MESSAGE_START,
                    *call("github_activity", "{}"),
                    *call("slack_mentions", "{}", index=1),
                    *end("tool_use"),
                )
            ],
            "unreachable",
            "",
            3,
        ),
        ([stream(MESSAGE_START, *text("a" * 1_000_000), *end("end_turn"))], "max_tokens", "a" * 1_000_000, 1),
        ([stream(MESSAGE_START, *text(*["a" * 1000] * 1000), *end("end_turn"))], "max_tokens", None, 1),
    ],
)
async def test_each_way_to_answer_has_one_outcome(
    api: Upstream, answers: list[Told], code: str, text_shown: str | None, asked: int
) -> None:
    api.tell(MESSAGES, *answers)
    ended = await run(kit(*DEFAULT_TOOLS))
    assert (ended.code, len(api.received)) == (code, asked)
    assert text_shown is None or shown(ended.events) == text_shown


@pytest.mark.parametrize("answers", [[ANSWER], [NOTHING, ANSWER], [stream(*BROKEN_TEXT), ANSWER]])
async def test_an_answer_that_read_nothing_is_never_seen(api: Upstream, answers: list[Told]) -> None:
    api.tell(MESSAGES, *answers)
    made = kit(*DEFAULT_TOOLS)
    ended = await run(made, reads=())
    first_read = next(index for index, event in enumerate(ended.events) if isinstance(event, ReadingEnded))
    assert shown(ended.events[:first_read]) == ""
    assert shown(ended.events) == "You merged #412."
    assert len(list(of(StepStarted, ended.events))) == 3


async def test_what_was_shown_before_the_answer_broke_off_stays(api: Upstream) -> None:
    """Text of an earlier turn is part of the conversation; only that of the broken one is taken back."""
    then = stream(MESSAGE_START, *text("Merged #412."), *call("slack_mentions", "{}", index=1), *end("tool_use"))
    answer = stream(MESSAGE_START, *text("Nobody asked."), *end("end_turn"))
    api.tell(MESSAGES, then, stream(*BROKEN_TEXT), answer)
    ended = await run(kit(*DEFAULT_TOOLS))
    assert len(list(of(AnswerRestarted, ended.events))) == 1
    assert shown(ended.events) == "Merged #412.\n\nNobody asked."


async def test_an_answer_that_broke_off_with_the_last_step_is_final(api: Upstream) -> None:
    api.tell(MESSAGES, stream(*BROKEN_TEXT), ANSWER)
    ended = await run(kit(*DEFAULT_TOOLS), budget=replace(BUDGET, max_steps=1))
    assert (ended.code, len(api.received)) == ("cut_short", 1)


async def test_invented_tools_and_arguments_are_refused_and_the_run_goes_on(api: Upstream) -> None:
    invented = stream(
        MESSAGE_START,
        *call("delete_repository", '{"name":"harbor-api"}', call_id="toolu_1"),
        *call("github_activity", '{"since":"2026-11-20","url":"http://evil.example"}', index=1, call_id="toolu_2"),
        *call("github_activity", '["since"]', index=2, call_id="toolu_3"),
        *end("tool_use"),
    )
    api.tell(MESSAGES, invented, ANSWER)
    made = kit(*DEFAULT_TOOLS)
    ended = await run(made)
    assert [event.code for event in of(StepFailed, ended.events)] == ["unknown_tool", "bad_arguments", "bad_arguments"]
    assert [reason for _, reason, _ in made.refusals] == ["unknown_tool", "bad_arguments", "bad_arguments"]
    assert (ended.code, shown(ended.events)) == ("", "You merged #412.")


async def test_a_model_that_reads_for_ever_is_told_to_answer_and_then_ended(api: Upstream) -> None:
    api.tell(MESSAGES, CALLS)
    ended = await run(kit(*DEFAULT_TOOLS))
    assert (ended.code, len(api.received)) == ("cut_short", BUDGET.max_steps)
    assert [request.json["tool_choice"]["type"] for request in api.received] == ["auto"] * 4 + ["none"]


async def test_a_stream_that_drips_ends_with_the_runs_time(api: Upstream) -> None:
    drip = (b": ping\n\n",) * 100
    api.tell(MESSAGES, Told(stream(*BROKEN_TEXT, is_whole=False).parts + drip, pause_seconds=0.05))
    ended = await run(kit(*DEFAULT_TOOLS), budget=replace(BUDGET, max_seconds=1.5))
    assert (ended.code, shown(ended.events)) == ("budget_spent", "You mer")


async def test_a_wait_that_would_outlast_the_run_is_not_begun(api: Upstream) -> None:
    api.tell(MESSAGES, told({}, status=429, headers={"retry-after": "4.5"}), ANSWER)
    ended = await run(kit(*DEFAULT_TOOLS), budget=replace(BUDGET, max_seconds=4))
    assert (ended.code, len(api.received)) == ("rate_limited", 1)


async def test_the_urge_to_answer_comes_after_the_results(api: Upstream) -> None:
    """A text turn after the results joins their turn at the API, which takes neighbours of one role together."""
    api.tell(MESSAGES, NOTHING, ANSWER)
    await run(kit(*DEFAULT_TOOLS))
    messages: list[dict[str, Any]] = api.received[1].json["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user", "user"]
    assert messages[3]["content"] == [{"type": "text", "text": "Answer now, from what was read."}]
