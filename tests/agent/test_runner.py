"""A whole run in this process against the sandbox over loopback: gate, vault, tools, loop; nothing of ours is faked."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from agent import earlier, memory, store
from agent.errors import RunNotFoundError
from agent.runner import current_runner
from agent.tools import REGISTERED
from audit.models import AuditEvent
from devcontext import sessions
from devcontext.sessions import Ended
from permissions import switch
from tests.agent.conftest import request_of
from tests.agent.whole_runs import ALL_THREE, STANDUP, audited, follow, of, run
from vault.client import sessions as vault_sessions

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])


async def test_a_free_question_makes_one_exchange_per_service(maya: User) -> None:
    frames = await run(maya, ALL_THREE)
    assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
    assert sorted(frame["tool"] for frame in of(frames, "step.started")) == [
        "calendar_agenda",
        "github_activity",
        "slack_mentions",
    ]
    events = [event for event, _, _ in await audited(frames[0]["run"])]
    assert events.count("permission:check:allowed") == 3
    assert events.count("vault:exchange:granted") == 3
    assert events[0] == "agent:run:started"
    assert events[-1] == "agent:run:finished"
    assert frames[-1]["type"] == "run.finished"
    assert [part["state"] for part in frames[-1]["coverage"]] == ["read", "read", "read"]


async def test_a_recipe_is_read_before_the_model_is_asked_and_asked_once(maya: User) -> None:
    frames = await run(maya, STANDUP)
    assert {frame["tool"] for frame in of(frames, "step.started")} >= {"github_activity", "github_failing_checks"}
    assert len(of(frames, "usage")) == 1
    assert frames.index(of(frames, "usage")[0]) > frames.index(of(frames, "step.finished")[-1])
    assert frames[-1]["type"] == "run.finished"
    assert frames[-1]["ignored"] == {"calls": 0, "hid": []}
    answer = await sync_to_async(store.load_answer)(UUID(frames[0]["run"]), user=maya.pk)
    assert answer.text.startswith("**Window:**")
    assert "Ignored" not in answer.text


async def test_a_briefing_is_remembered_for_the_next_one(maya: User) -> None:
    await run(maya, STANDUP)
    tomorrow = timezone.now() + timedelta(days=1)
    past = await sync_to_async(memory.load_past)(maya.pk, recipe="standup", today_began_at=tomorrow)
    assert past.fact_set
    assert past.last_at == past.fact_set.made_at
    assert {seen.id[:2] for seen in past.fact_set.seen} >= {"gh", "sl"}


async def test_each_step_is_told_in_the_order_in_which_it_happens(maya: User) -> None:
    frames = await run(maya, ALL_THREE)
    for started in of(frames, "step.started"):
        kinds = [frame["type"] for frame in frames if frame.get("id") == started["id"]]
        assert [kind for kind in kinds if kind != "step.progress"] == [
            "step.started",
            "step.permission",
            "step.exchanged",
            "step.finished",
        ]
    text_starts = frames.index(of(frames, "block.tail")[0])
    assert text_starts > max(frames.index(frame) for frame in of(frames, "step.finished"))


async def test_every_link_of_the_answer_is_evidence_that_a_tool_returned(maya: User) -> None:
    frames = await run(maya, STANDUP)
    cited = {item["url"] for block in of(frames, "block.final") for item in block["evidence"]}
    conversation = (await sync_to_async(store.Run.objects.get)(id=frames[0]["run"])).conversation_id
    known = await sync_to_async(earlier.list_evidence)(conversation)
    assert len(cited) > 10
    assert cited <= {item.url for item in known.values()}
    assert frames[-1]["grounding"]["unknown"] == 0


async def test_a_revoked_service_is_refused_and_the_answer_says_so(maya: User) -> None:
    await switch.revoke(user=f"user:{maya.pk}", sid="a-session", auth_time=1.0, provider="slack")
    frames = await run(maya, ALL_THREE)
    (failed,) = of(frames, "step.failed")
    assert failed["code"] == "revoked"
    assert "AI access to Slack is revoked." in failed["message"]
    assert ("permission:check:denied", "slack", "revoked") in await audited(frames[0]["run"])
    assert len(of(frames, "step.exchanged")) == 2
    answer = await sync_to_async(store.load_answer)(UUID(frames[0]["run"]), user=maya.pk)
    assert "revoked" in answer.text
    assert {part["provider"]: part["state"] for part in frames[-1]["coverage"]}["slack"] == "revoked"


async def test_a_conversation_goes_on_after_a_revoke(maya: User) -> None:
    """The stand-in refuses a changed prefix: what was said stays as it was, whatever the permissions are now."""
    first = await run(maya, ALL_THREE)
    conversation = (await sync_to_async(store.Run.objects.get)(id=first[0]["run"])).conversation_id
    await switch.revoke(user=f"user:{maya.pk}", sid="a-session", auth_time=1.0, provider="slack")
    second = await run(maya, STANDUP, conversation=conversation)
    assert second[-1]["type"] == "run.finished"
    assert "revoked" in {frame["code"] for frame in of(second, "step.failed")}


async def test_a_conversation_goes_on_after_a_release_with_other_tools(
    maya: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stand-in refuses thinking that was signed under other tools: what was said is kept as text alone."""
    first = await run(maya, ALL_THREE)
    conversation = (await sync_to_async(store.Run.objects.get)(id=first[0]["run"])).conversation_id
    before = await sync_to_async(earlier.list_history)(conversation)
    monkeypatch.delitem(REGISTERED, "slack_direct_messages")
    for question in ("hello", STANDUP, "What needs my review?"):
        frames = await run(maya, question, conversation=conversation)
        assert frames[-1]["type"] == "run.finished"
    assert frames[-1]["written_by"] == "model"
    runs = await sync_to_async(list)(store.Run.objects.filter(conversation=conversation).order_by("started_at"))
    assert [one.begins_history for one in runs] == [False, False, True, False], "once, and not by a greeting"
    after = await sync_to_async(earlier.list_history)(conversation)
    assert after[0] == before[0]
    assert [block["type"] for block in after[1]["content"]] == ["text"]


@pytest.mark.parametrize(("name", "value"), [("CLAUDE_MODEL", "sandbox-another"), ("IS_MODEL_SIMULATED", False)])
async def test_a_conversation_begins_anew_for_another_model(maya: User, settings: Any, name: str, value: Any) -> None:
    first = await run(maya, ALL_THREE)
    conversation = (await sync_to_async(store.Run.objects.get)(id=first[0]["run"])).conversation_id
    setattr(settings, name, value)
    assert (await run(maya, STANDUP, conversation=conversation))[-1]["written_by"] == "model"
    assert await store.Run.objects.filter(conversation=conversation, begins_history=True).acount() == 1


async def test_a_conversation_of_before_the_mark_was_kept_begins_anew(maya: User) -> None:
    """Nobody knows what its turns were signed under."""
    first = await run(maya, ALL_THREE)
    conversation = (await sync_to_async(store.Run.objects.get)(id=first[0]["run"])).conversation_id
    await store.Run.objects.filter(conversation=conversation).aupdate(prefix="")
    assert (await run(maya, STANDUP, conversation=conversation))[-1]["written_by"] == "model"
    assert await store.Run.objects.filter(conversation=conversation, begins_history=True).acount() == 1


async def test_a_conversation_goes_on_after_what_it_read_first_has_expired(maya: User, settings: Any) -> None:
    """The stand-in refuses thinking whose signature does not fit what comes before it."""
    first = await run(maya, ALL_THREE)
    conversation = (await sync_to_async(store.Run.objects.get)(id=first[0]["run"])).conversation_id
    await run(maya, STANDUP, conversation=conversation)
    await sync_to_async(store.expire_run)(UUID(first[0]["run"]), lasting=lambda _frame: False)
    history = await sync_to_async(earlier.list_history)(conversation)
    assert history[0]["content"].startswith(STANDUP)
    assert (await run(maya, ALL_THREE, conversation=conversation))[-1]["type"] == "run.finished"


async def test_a_disconnected_service_is_refused_as_not_connected(maya: User) -> None:
    await switch.disconnect(user=f"user:{maya.pk}", sid="a-session", auth_time=1.0, provider="slack")
    frames = await run(maya, ALL_THREE)
    (failed,) = of(frames, "step.failed")
    assert failed["code"] == "not_connected"
    assert failed["message"] == "Slack is not connected. Connect it in Settings to include Slack data in briefings."


async def test_a_model_that_answers_without_reading_is_made_to_read(maya: User, settings: Any) -> None:
    settings.CLAUDE_MODEL = "sandbox-answers-without-reading"
    frames = await run(maya, ALL_THREE)
    assert frames[-1]["type"] == "run.finished"
    assert len(of(frames, "step.finished")) == 3
    assert frames.index(of(frames, "block.tail")[0]) > frames.index(of(frames, "step.finished")[-1])


async def test_a_tool_that_the_model_invents_is_refused_and_audited(maya: User, settings: Any) -> None:
    settings.CLAUDE_MODEL = "sandbox-invents-tools"
    frames = await run(maya, ALL_THREE)
    assert "unknown_tool" in {frame["code"] for frame in of(frames, "step.failed")}
    assert ("agent:tool:refused", "", "unknown_tool") in await audited(frames[0]["run"])
    assert frames[-1]["type"] == "run.finished"
    assert frames[-1]["ignored"] == {"calls": 2, "hid": []}
    answer = await sync_to_async(store.load_answer)(UUID(frames[0]["run"]), user=maya.pk)
    assert answer.text.endswith("**Ignored:** 2 calls of the model that are not allowed")


async def test_a_model_that_loops_is_stopped_by_its_budget(maya: User, settings: Any) -> None:
    settings.CLAUDE_MODEL = "sandbox-loops"
    settings.RUN_MAX_STEPS = 4
    frames = await run(maya, STANDUP)
    assert frames[-1]["type"] in {"run.finished", "run.failed"}
    assert len(of(frames, "usage")) <= 4


async def test_stopping_ends_the_run_once_and_keeps_nothing_of_its_turns(maya: User) -> None:
    runner = current_runner()
    ticket = await runner.start(request_of(maya, text=STANDUP))
    following = asyncio.create_task(follow(runner, ticket.run, maya))
    await asyncio.sleep(0.2)
    await runner.stop(ticket.run, user=maya.pk)
    frames = await following
    assert frames[-1]["type"] == "run.stopped"
    ends = {"run.finished", "run.stopped", "run.failed"}
    assert [frame["type"] for frame in frames if frame["type"] in ends] == ["run.stopped"]
    assert await sync_to_async(earlier.list_history)(ticket.conversation) == []
    assert (await audited(str(ticket.run)))[-1][0] == "agent:run:stopped"


async def test_a_sign_out_stops_the_runs_of_its_session_and_says_so(maya: User) -> None:
    runner = current_runner()
    ticket = await runner.start(request_of(maya, text=STANDUP))
    following = asyncio.create_task(follow(runner, ticket.run, maya))
    await asyncio.sleep(0.2)
    await sessions.end(Ended(user=f"user:{maya.pk}", sid="a-session", signed_in_at=1.0))
    frames = await following
    assert (frames[-1]["type"], frames[-1]["code"]) == ("run.failed", "session_ended")
    assert frames[-1]["message"].startswith("You signed out while this was being answered")
    assert await sync_to_async(earlier.list_history)(ticket.conversation) == []
    assert (await audited(str(ticket.run)))[-1] == ("agent:run:failed", "", "session_ended")


@pytest.mark.parametrize(
    "ended",
    [
        Ended(user="user:{}", sid="another-session", signed_in_at=1.0),
        Ended(user="user:{}", sid="", signed_in_at=0.5),
        Ended(user="user:9{}", sid="a-session", signed_in_at=1.0),
    ],
)
async def test_a_run_goes_on_when_another_session_ends(maya: User, ended: Ended) -> None:
    runner = current_runner()
    ticket = await runner.start(request_of(maya, text=ALL_THREE))
    await sessions.end(replace(ended, user=ended.user.format(maya.pk)))
    assert (await follow(runner, ticket.run, maya))[-1]["type"] == "run.finished"


async def test_a_run_whose_session_ended_elsewhere_reads_nothing_and_ends(maya: User) -> None:
    """Another process took the sign-out; this one learns of it from the vault, at its next tool call."""
    await vault_sessions.end_session(user=f"user:{maya.pk}", sid="a-session", auth_time=1.0)
    frames = await run(maya, ALL_THREE)
    failed = of(frames, "step.failed")
    assert {(frame["code"], frame["message"]) for frame in failed} == {
        ("session_ended", "You signed out, so nothing more is read.")
    }
    assert (frames[-1]["type"], frames[-1]["code"]) == ("run.failed", "session_ended")
    assert not of(frames, "step.exchanged")
    assert not of(frames, "block.tail")


async def test_a_run_cannot_be_stopped_by_somebody_else(maya: User, mallory: User) -> None:
    runner = current_runner()
    ticket = await runner.start(request_of(maya, text=ALL_THREE))
    with pytest.raises(RunNotFoundError):
        await runner.stop(ticket.run, user=mallory.pk)
    assert (await follow(runner, ticket.run, maya))[-1]["type"] == "run.finished"


async def test_shutting_down_ends_every_run_with_its_reason(maya: User) -> None:
    runner = current_runner()
    ticket = await runner.start(request_of(maya, text=STANDUP))
    following = asyncio.create_task(follow(runner, ticket.run, maya))
    await asyncio.sleep(0.1)
    await runner.aclose()
    frames = await following
    assert (frames[-1]["type"], frames[-1]["code"]) == ("run.failed", "interrupted")


async def test_runs_at_the_same_time_do_not_disturb_each_other(maya: User) -> None:
    results = await asyncio.gather(*(run(maya, ALL_THREE) for _ in range(5)))
    for frames in results:
        assert {frame["run"] for frame in frames} == {frames[0]["run"]}
        assert [frame["seq"] for frame in frames] == list(range(1, len(frames) + 1))
        assert frames[-1]["type"] == "run.finished"


async def test_without_the_audit_nothing_is_read(maya: User) -> None:
    """The audit refuses every row, as when its database is gone; the fault is a trigger in the database."""

    @sync_to_async
    def execute(sql: str) -> None:
        from django.db import connections  # noqa: PLC0415

        with connections["audit"].cursor() as cursor:
            cursor.execute(sql)

    table = AuditEvent._meta.db_table
    await execute(f"CREATE TRIGGER full BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'disk full'); END")
    try:
        frames = await run(maya, STANDUP)
    finally:
        await execute("DROP TRIGGER full")
    assert (frames[-1]["type"], frames[-1]["code"]) == ("run.failed", "audit_unavailable")
    assert not of(frames, "step.started")
