"""When Claude fails, or there is none, a run tells what it read, says why, and keeps nothing of a half answer."""

import json
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from agent import claude, earlier, store
from devcontext.lifespan import shut_down
from permissions import switch
from tests.agent.api.upstream import Upstream
from tests.agent.claude_server import END, HALF_A_TEXT, MESSAGE_START, MESSAGES, OVERLOADED, event, stream
from tests.agent.whole_runs import ALL_THREE, STANDUP, audited, of, run

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

CALL = [
    event(
        "content_block_start",
        index=0,
        content_block={"type": "tool_use", "id": "toolu_1", "name": "github_commits", "input": {}},
    ),
    event(
        "content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": '{"since": "2026-01-01"}'}
    ),
    event("content_block_stop", index=0),
    event("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 9}),
    event("message_stop"),
]
HEAD = "Written from the facts, without a model."


async def answer_of(frames: list[dict[str, Any]]) -> str:
    run_row = await sync_to_async(store.Run.objects.get)(id=frames[0]["run"])
    return (await sync_to_async(store.load_answer)(run_row.id, user=run_row.user_id)).text


@pytest.mark.parametrize(
    ("model", "code", "sentence"),
    [
        ("sandbox-overloaded", "overloaded", "Claude is overloaded. Try again in a minute."),
        ("sandbox-cut-short", "cut_short", "Claude's answer broke off. Try again."),
        ("sandbox-breaks", "cut_short", "Claude's answer broke off. Try again."),
        ("sandbox-refuses", "refusal", "Claude declined to answer this."),
    ],
)
async def test_a_model_in_trouble_leaves_the_facts(
    maya: User, settings: Any, model: str, code: str, sentence: str
) -> None:
    settings.CLAUDE_MODEL = model
    frames = await run(maya, STANDUP)
    last = frames[-1]
    assert (last["type"], last["written_by"], last["code"]) == ("run.finished", "template", code)
    *_, restarted = of(frames, "answer.restarted")
    assert (restarted["code"], restarted["message"]) == (code, sentence)
    blocks = [frame for frame in of(frames, "block.final") if frame["seq"] > restarted["seq"]]
    assert [block["block"] for block in blocks] == list(range(len(blocks)))
    assert HEAD in blocks[0]["html"]
    assert sum(len(block["evidence"]) for block in blocks) > 5
    assert last["grounding"]["unknown"] == last["grounding"]["ungrounded"] == 0
    text = await answer_of(frames)
    (window,) = of(frames, "run.window")
    assert text.startswith(f"**Window:** {window['text']}\n\n**Coverage:** GitHub ")
    assert f"\n\n{HEAD} {sentence}\n\n## Needs you" in text
    assert ("agent:run:finished", "", code) in await audited(frames[0]["run"])


async def test_nothing_of_a_half_answer_stays(maya: User, settings: Any) -> None:
    settings.CLAUDE_MODEL = "sandbox-cut-short"
    frames = await run(maya, STANDUP)
    before = [frame for frame in of(frames, "block.tail") if frame["seq"] < of(frames, "answer.restarted")[0]["seq"]]
    assert before
    conversation = (await sync_to_async(store.Run.objects.get)(id=frames[0]["run"])).conversation_id
    history = await sync_to_async(earlier.list_history)(conversation)
    assert [turn["role"] for turn in history] == ["user", "assistant", "user", "assistant"]
    assert history[-1]["content"][0]["text"].startswith(HEAD)


async def test_the_conversation_goes_on_with_the_model(maya: User, settings: Any) -> None:
    """The stand-in refuses an edited past: our own turn is part of it from now on."""
    model, settings.CLAUDE_MODEL = settings.CLAUDE_MODEL, "sandbox-overloaded"
    first = await run(maya, STANDUP)
    settings.CLAUDE_MODEL = model
    conversation = (await sync_to_async(store.Run.objects.get)(id=first[0]["run"])).conversation_id
    second = await run(maya, ALL_THREE, conversation=conversation)
    assert (second[-1]["type"], second[-1]["written_by"]) == ("run.finished", "model")


async def test_a_question_that_fails_before_anything_was_read_fails(maya: User, settings: Any) -> None:
    settings.CLAUDE_MODEL = "sandbox-overloaded"
    frames = await run(maya, ALL_THREE)
    assert (frames[-1]["type"], frames[-1]["code"]) == ("run.failed", "overloaded")
    assert ("agent:run:failed", "", "overloaded") in await audited(frames[0]["run"])


async def test_a_sandbox_that_is_gone_is_one_sentence(maya: User, settings: Any) -> None:
    settings.ANTHROPIC_BASE_URL = "http://127.0.0.1:9/claude"
    await shut_down()
    frames = await run(maya, ALL_THREE)
    assert (frames[-1]["type"], frames[-1]["code"]) == ("run.failed", "unreachable")
    assert frames[-1]["message"].startswith("The sandbox's stand-in for Claude does not answer.")


async def test_without_a_model_a_recipe_is_answered_and_nothing_is_sent(maya: User, settings: Any) -> None:
    settings.HAS_MODEL, settings.IS_MODEL_SIMULATED = False, False
    await claude.close()
    async with Upstream.running() as api:
        settings.ANTHROPIC_BASE_URL = api.url
        frames = await run(maya, STANDUP)
        assert api.received == []
    assert (frames[-1]["type"], frames[-1]["written_by"], frames[-1]["code"]) == (
        "run.finished",
        "template",
        "no_model",
    )
    assert f"\n\n{HEAD} This installation has no model." in await answer_of(frames)


async def test_without_a_model_a_free_question_is_told_what_works(maya: User, settings: Any) -> None:
    settings.HAS_MODEL = False
    frames = await run(maya, ALL_THREE)
    assert (frames[-1]["type"], frames[-1]["code"]) == ("run.failed", "no_model")
    assert "“Brief me for standup”" in frames[-1]["message"]
    assert not of(frames, "step.started")


async def test_what_was_not_read_is_said_without_a_model_as_well(maya: User, settings: Any) -> None:
    settings.HAS_MODEL = False
    await switch.revoke(user=f"user:{maya.pk}", sid="a-session", auth_time=1.0, provider="slack")
    frames = await run(maya, STANDUP)
    text = await answer_of(frames)
    assert "AI access to Slack is revoked." in text
    (covered,) = [line for line in text.splitlines() if line.startswith("**Coverage:** GitHub ")]
    assert covered.endswith("Slack revoked, not read")
    states = {part["provider"]: part["state"] for part in frames[-1]["coverage"]}
    assert states == {"github": "read", "google-calendar": "read", "slack": "revoked"}


async def test_a_citation_of_what_only_an_earlier_run_has_read_is_counted(maya: User, settings: Any) -> None:
    """Revoked in between: its link is a true one, and nobody looked again."""
    first = await run(maya, STANDUP)
    cited = next(
        item["id"] for block in of(first, "block.final") for item in block["evidence"] if item["id"][:2] == "gh"
    )
    await switch.revoke(user=f"user:{maya.pk}", sid="a-session", auth_time=1.0, provider="github")
    conversation = (await sync_to_async(store.Run.objects.get)(id=first[0]["run"])).conversation_id
    text = event("content_block_delta", index=0, delta={"type": "text_delta", "text": f"[It waits](evidence:{cited})."})
    await claude.close()
    async with Upstream.running() as api:
        settings.ANTHROPIC_BASE_URL = api.url
        api.tell(MESSAGES, stream(MESSAGE_START, *CALL), stream(MESSAGE_START, HALF_A_TEXT[0], text, *END))
        frames = await run(maya, "And now?", conversation=conversation)
        await claude.close()
    assert (frames[-1]["grounding"]["cited"], frames[-1]["grounding"]["earlier"]) == (1, 1)
    assert first[-1]["grounding"]["earlier"] == 0
    assert {part["provider"]: part["state"] for part in frames[-1]["coverage"]}["github"] == "revoked"


async def test_a_question_that_was_half_read_is_told_as_far(maya: User, settings: Any) -> None:
    """The model asks for a tool, and is gone when it should answer."""
    await claude.close()
    async with Upstream.running() as api:
        settings.ANTHROPIC_BASE_URL = api.url
        api.tell(MESSAGES, stream(MESSAGE_START, *CALL), stream(MESSAGE_START, *HALF_A_TEXT, OVERLOADED))
        frames = await run(maya, "Which commits did I make?")
        await claude.close()
    assert len(of(frames, "step.finished")) == 1
    assert (frames[-1]["type"], frames[-1]["written_by"]) == ("run.finished", "template")
    (window,) = of(frames, "run.window")
    assert (await answer_of(frames)).startswith(f"**Window:** {window['text']}\n\n**Coverage:** ")


async def test_the_models_own_word_on_what_was_read_is_replaced_by_ours(maya: User) -> None:
    frames = await run(maya, STANDUP)
    seen = json.dumps([frame for frame in frames if frame["type"].startswith("block.")])
    assert "Coverage" not in seen
    text = await answer_of(frames)
    assert text.count("Coverage:") == 1
    (window,) = of(frames, "run.window")
    assert text.splitlines()[0] == f"**Window:** {window['text']}"
    assert text.splitlines()[2].startswith("**Coverage:** GitHub ")
    assert window["seq"] < of(frames, "step.started")[0]["seq"]


async def test_a_question_in_passing_has_no_window(maya: User) -> None:
    frames = await run(maya, ALL_THREE)
    assert not of(frames, "run.window")
    assert (await answer_of(frames)).splitlines()[-1].startswith("**Coverage:** GitHub ")
