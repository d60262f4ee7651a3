"""A conversation that has grown long goes on from its questions and answers, and its signatures hold."""

import json
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from agent import earlier
from agent.history import begin_anew
from agent.models import Run, Turn
from agent.sealing import Place, seal
from tests.agent.whole_runs import ALL_THREE, STANDUP, run

whole_runs = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])


def said(question: str, answer: str) -> list[dict[str, Any]]:
    """Return the turns of a run with one read."""
    return [
        {"role": "user", "content": question},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "", "signature": "s"},
                {"type": "text", "text": "Let me look."},
                {"type": "tool_use", "id": "toolu_1", "name": "github_activity", "input": {}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "x" * 1000}]},
        {"role": "user", "content": [{"type": "text", "text": "Answer now."}]},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "", "signature": "s"},
                {"type": "text", "text": answer},
            ],
        },
    ]


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [one["content"] if isinstance(one["content"], str) else one["content"][0]["text"] for one in messages]


def test_a_short_conversation_stays_as_it_is() -> None:
    assert begin_anew(said("What?", "That."), max_characters=10_000) is None
    assert begin_anew([], max_characters=0) is None


def test_one_that_was_signed_under_another_beginning_keeps_its_questions_and_answers_however_short() -> None:
    anew = begin_anew(said("What?", "That."), max_characters=10_000, is_signed=False)
    assert anew == [
        {"role": "user", "content": "What?"},
        {"role": "assistant", "content": [{"type": "text", "text": "That."}]},
    ]


def test_a_long_one_keeps_its_questions_and_answers_alone() -> None:
    answer = "Merged [#412](evidence:gh-3f9a1c2e)."
    anew = begin_anew([*said("What?", answer), *said("And then?", "Nothing.")], max_characters=2000)
    assert anew == [
        {"role": "user", "content": "What?"},
        {"role": "assistant", "content": [{"type": "text", "text": answer}]},
        {"role": "user", "content": "And then?"},
        {"role": "assistant", "content": [{"type": "text", "text": "Nothing."}]},
    ]


def test_what_does_not_fit_is_left_out_oldest_first_and_whole() -> None:
    history = [turn for number in range(9) for turn in said(f"Question {number}", f"Answer {number}")]
    anew = begin_anew(history, max_characters=1000)
    assert anew
    assert texts(anew) == [text for number in range(4, 9) for text in (f"Question {number}", f"Answer {number}")]


def test_a_long_text_loses_its_middle_and_keeps_its_end() -> None:
    anew = begin_anew(said("a" * 20_000 + "[Context: Monday]", "b" * 20_000), max_characters=50_000)
    assert anew is None
    anew = begin_anew(said("a" * 50_000 + "[Context: Monday]", "b" * 20_000), max_characters=60_000)
    assert anew
    question, answer = texts(anew)
    assert question.endswith("[Context: Monday]")
    assert "[…]" in question
    assert len(question) <= len(answer) <= 6000


def test_what_is_begun_anew_can_be_begun_anew() -> None:
    once = begin_anew([*said("What?", "That."), *said("And?", "This.")], max_characters=1000)
    assert once
    assert begin_anew([*once, *said("Last?", "Yes.")], max_characters=1000) == [
        *once,
        {"role": "user", "content": "Last?"},
        {"role": "assistant", "content": [{"type": "text", "text": "Yes."}]},
    ]


async def conversation_of(frames: list[dict[str, Any]]) -> UUID:
    found: UUID = (await Run.objects.aget(id=frames[0]["run"])).conversation_id
    return found


@whole_runs
async def test_a_conversation_goes_on_after_it_was_begun_anew(maya: User, settings: Any) -> None:
    """The stand-in checks every signature: the beginning that a run stored is the one that later runs send."""
    first = await run(maya, ALL_THREE)
    conversation = await conversation_of(first)
    history = await sync_to_async(earlier.list_history)(conversation)
    settings.HISTORY_MAX_CHARACTERS = len(json.dumps(history)) // 2
    for question in (STANDUP, "What needs my review?", "What is in #engineering?"):
        frames = await run(maya, question, conversation=conversation)
        assert (frames[-1]["type"], frames[-1]["written_by"]) == ("run.finished", "model")
        settings.HISTORY_MAX_CHARACTERS = 1_000_000
    runs = await sync_to_async(list)(Run.objects.filter(conversation=conversation).order_by("started_at"))
    assert [row.begins_history for row in runs] == [False, True, False, False]
    history = await sync_to_async(earlier.list_history)(conversation)
    assert history[0]["content"].startswith(ALL_THREE)
    assert [block["type"] for block in history[1]["content"]] == ["text"]
    assert sum(isinstance(message["content"], str) for message in history) == len(runs)


@whole_runs
async def test_a_run_that_fails_begins_nothing(maya: User, settings: Any) -> None:
    first = await run(maya, STANDUP)
    conversation = await conversation_of(first)
    before = await sync_to_async(earlier.list_history)(conversation)
    settings.HISTORY_MAX_CHARACTERS, settings.CLAUDE_MODEL = 20_000, "sandbox-overloaded"
    failed = await run(maya, ALL_THREE, conversation=conversation)
    assert failed[-1]["type"] == "run.failed"
    assert await sync_to_async(earlier.list_history)(conversation) == before


@sync_to_async
def edit_question(begun: Run) -> None:
    """Put another question in place of the one that a run began with, sealed as if we had written it."""
    turn = Turn.objects.filter(run=begun).earliest("position")
    assert turn.role == "user"
    turn.sealed_content = seal(json.dumps("Something else."), place=Place("turn.content", begun.pk, turn.position))
    turn.save()


@whole_runs
async def test_an_edited_beginning_is_refused(maya: User, settings: Any) -> None:
    first = await run(maya, STANDUP)
    conversation = await conversation_of(first)
    settings.HISTORY_MAX_CHARACTERS = 20_000
    await run(maya, ALL_THREE, conversation=conversation)
    settings.HISTORY_MAX_CHARACTERS = 1_000_000
    await edit_question(await Run.objects.aget(conversation=conversation, begins_history=True))
    history = await sync_to_async(earlier.list_history)(conversation)
    assert history[0] == {"role": "user", "content": "Something else."}
    assert json.dumps(history).count('"thinking"') > 0
    frames = await run(maya, "What is in #engineering?", conversation=conversation)
    assert (frames[-1]["type"], frames[-1]["code"]) == ("run.failed", "bad_request")
