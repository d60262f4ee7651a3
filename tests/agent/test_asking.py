"""A run asks its person where they want to be asked: the call waits, the others go on, and the first answer counts."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings

from agent import conversations, store
from agent.budget import Budget, Meter
from agent.calls import Call
from agent.models import Run
from agent.retention import expire_content
from agent.runner import Runner, current_runner, end_dead_runs
from agent.types import RunTicket
from permissions import questions, switch
from permissions import store as policy_store
from permissions.errors import QuestionClosedError, QuestionNotFoundError
from permissions.models import ReadQuestion
from permissions.policy import Answer, Mode
from tests.agent.conftest import request_of
from tests.agent.conftest import start as start_elsewhere
from tests.agent.whole_runs import ALL_THREE, STANDUP, audited, of
from tests.permissions.answers import answer_of

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])

Act = Callable[[dict[str, Any]], Awaitable[object]]


async def set_mode(user: User, mode: Mode, *tools: str) -> None:
    """Let tools do what `mode` says."""
    for tool in tools:
        await sync_to_async(policy_store.set_modes)(f"user:{user.pk}", provider="slack", modes={tool: mode})


@pytest.fixture
async def mia(maya: User) -> User:
    """The demo user, who wants to be asked before mentions in Slack are read."""
    await set_mode(maya, Mode.ASK, "slack_mentions")
    return maya


async def begin(user: User, text: str = ALL_THREE, *, conversation: UUID | None = None) -> RunTicket:
    """Start a run as the chat page does."""
    request = request_of(user, text=text, conversation=conversation)
    return await current_runner().start(replace(request, can_be_asked=True))


async def watch(user: User, ticket: RunTicket, *, on_asked: Act | None = None) -> list[dict[str, Any]]:
    """Follow a run to its end, doing `on_asked` with each question, and return its events."""
    frames = []
    async for _, text in current_runner().log.follow(ticket.run, user=user.pk, after=0):
        frame = json.loads(text)
        frames.append(frame)
        if on_asked and frame.get("state") == "asked":
            await on_asked(frame)
    return frames


def saying(user: User, answer: Answer) -> Act:
    """Return what answers a question at once."""

    async def say(frame: dict[str, Any]) -> None:
        await reply(user, frame, answer)

    return say


async def reply(user: User, frame: dict[str, Any], answer: Answer, *, runner: Runner | None = None) -> None:
    """Answer the question of a frame."""
    run, question = UUID(frame["run"]), UUID(frame["question"])
    await (runner or current_runner()).answer(question, run=run, user=f"user:{user.pk}", answer=answer)


async def question_row() -> ReadQuestion:
    """Return the one question there is."""
    return await sync_to_async(ReadQuestion.objects.get)()


async def test_a_question_says_what_would_be_read_and_once_lets_that_call_read(mia: User) -> None:
    frames = await watch(mia, await begin(mia), on_asked=saying(mia, Answer.ONCE))
    (asked,) = (frame for frame in frames if frame.get("state") == "asked")
    assert (asked["reads"], "search:read" in asked["scopes"].split()) == ("your mentions in Slack", True)
    assert 0 < asked["ends_ms"] - asked["t"] <= 121_000
    steps = [frame for frame in frames if frame.get("id") == asked["id"] and frame["type"] != "step.progress"]
    assert [(step["type"], step.get("state")) for step in steps] == [
        ("step.started", None),
        ("step.permission", "asked"),
        ("step.permission", "answered"),
        ("step.permission", "allowed"),
        ("step.exchanged", None),
        ("step.finished", None),
    ]
    assert frames[-1]["type"] == "run.finished"
    slack = [event for event, provider, _ in await audited(asked["run"]) if provider == "slack"]
    assert slack[:4] == [
        "permission:question:asked",
        "permission:question:allowed",
        "permission:check:allowed",
        "vault:exchange:granted",
    ]


async def test_the_other_calls_of_the_message_go_on_meanwhile(mia: User) -> None:
    ticket = await begin(mia)
    asked: dict[str, Any] = {}
    finished = set()
    async for _, text in current_runner().log.follow(ticket.run, user=mia.pk, after=0):
        frame = json.loads(text)
        asked = frame if frame.get("state") == "asked" else asked
        finished |= {frame["id"]} if frame["type"] == "step.finished" else set()
        if asked and len(finished) == 2:
            break
    assert asked["id"] not in finished
    await reply(mia, asked, Answer.ONCE)
    frames = await watch(mia, ticket)
    assert len(of(frames, "step.finished")) == 3


async def test_no_is_told_to_the_model_and_in_the_answer(mia: User) -> None:
    frames = await watch(mia, await begin(mia), on_asked=saying(mia, Answer.NO))
    (failed,) = of(frames, "step.failed")
    assert failed["code"] == "declined"
    assert failed["message"].startswith("You said no when you were asked whether the AI may read this of Slack")
    assert {one["provider"]: one["state"] for one in frames[-1]["coverage"]}["slack"] == "declined"
    answer = await sync_to_async(store.load_answer)(UUID(frames[0]["run"]), user=mia.pk)
    assert "not read, you said no" in answer.text
    events = [(event, reason) for event, provider, reason in await audited(frames[0]["run"]) if provider == "slack"]
    assert events == [
        ("permission:question:asked", ""),
        ("permission:question:denied", "answered_no"),
        ("permission:check:denied", "answered_no"),
    ]


async def test_silence_is_no_and_the_run_asks_no_more(mia: User, settings: Settings) -> None:
    """Its first reads ask of one tool and time out; what the model wants later is refused at once."""
    settings.RUN_ASK_SECONDS = 0.3
    await set_mode(mia, Mode.ASK, "slack_mentions", "slack_direct_messages")
    frames = await watch(mia, await begin(mia, STANDUP))
    assert frames[-1]["type"] == "run.finished"
    assert "not_answered" in {failed["code"] for failed in of(frames, "step.failed")}
    answered = [frame["answer"] for frame in frames if frame.get("state") == "answered"]
    assert set(answered) == {"unanswered"}
    reasons = [(event, reason) for event, _, reason in await audited(frames[0]["run"]) if "question" in event]
    assert reasons.count(("permission:question:denied", "not_answered")) == len(answered)
    row = await sync_to_async(ReadQuestion.objects.first)()
    assert row
    with pytest.raises(QuestionClosedError):
        await current_runner().answer(row.id, run=row.run, user=f"user:{mia.pk}", answer=Answer.ALWAYS)
    assert (await sync_to_async(policy_store.list_modes)(f"user:{mia.pk}"))["slack_mentions"] is Mode.ASK


async def test_more_time_is_waited_for_and_shown_with_its_new_end(mia: User) -> None:
    """Once by this process and once by another one; the third question is answered."""
    elsewhere, ends = Runner(), []

    async def think(frame: dict[str, Any]) -> None:
        ends.append(frame["ends_ms"])
        assert frame["is_extendable"]
        if len(ends) == 3:
            await reply(mia, frame, Answer.ONCE)
            return
        runner = elsewhere if len(ends) == 2 else current_runner()
        await runner.extend(UUID(frame["question"]), run=UUID(frame["run"]), user=f"user:{mia.pk}")

    frames = await watch(mia, await begin(mia), on_asked=think)
    assert ends == [ends[0], ends[0] + 120_000, ends[0] + 240_000]
    assert len(of(frames, "step.finished")) == 3
    await elsewhere.aclose()


async def test_a_question_outlasts_its_first_end_when_more_time_was_asked_for(mia: User, settings: Settings) -> None:
    settings.RUN_ASK_SECONDS = 1.0
    ends = []

    async def think(frame: dict[str, Any]) -> None:
        ends.append(frame["ends_ms"])
        if len(ends) < 3:
            await current_runner().extend(UUID(frame["question"]), run=UUID(frame["run"]), user=f"user:{mia.pk}")

    frames = await watch(mia, await begin(mia), on_asked=think)
    (answered,) = (frame for frame in frames if frame.get("state") == "answered")
    assert answered["answer"] == "unanswered"
    assert answered["t"] >= ends[2] == ends[0] + 2000


async def test_a_recipes_own_reads_ask_as_well(mia: User) -> None:
    frames = await watch(mia, await begin(mia, STANDUP), on_asked=saying(mia, Answer.CONVERSATION))
    asked = [frame for frame in frames if frame.get("state") == "asked"]
    assert asked
    assert frames.index(asked[-1]) < frames.index(of(frames, "usage")[0])
    assert frames[-1]["type"] == "run.finished"


async def test_a_conversation_is_asked_once_and_the_next_one_anew(mia: User) -> None:
    ticket = await begin(mia)
    await watch(mia, ticket, on_asked=saying(mia, Answer.CONVERSATION))
    again = await watch(mia, await begin(mia, conversation=ticket.conversation))
    assert not [frame for frame in again if frame.get("state") == "asked"]
    assert len(of(again, "step.finished")) == 3
    other = await watch(mia, await begin(mia), on_asked=saying(mia, Answer.NO))
    assert len([frame for frame in other if frame.get("state") == "asked"]) == 1


async def test_where_nobody_can_be_asked_the_call_is_refused(mia: User) -> None:
    """A terminal, or a schedule."""
    ticket = await current_runner().start(request_of(mia, text=ALL_THREE))
    frames = await watch(mia, ticket)
    (failed,) = of(frames, "step.failed")
    assert (failed["code"], "nobody can be asked here" in failed["message"]) == ("not_answered", True)
    assert ("permission:check:denied", "slack", "nobody_to_ask") in await audited(frames[0]["run"])
    assert await sync_to_async(ReadQuestion.objects.count)() == 0


async def test_a_run_that_is_stopped_while_it_asks_ends_and_closes_its_question(mia: User) -> None:
    async def stop(frame: dict[str, Any]) -> None:
        await current_runner().stop(UUID(frame["run"]), user=mia.pk)

    frames = await watch(mia, await begin(mia), on_asked=stop)
    assert frames[-1]["type"] == "run.stopped"
    await current_runner().aclose()
    assert (await question_row()).answer == Answer.UNANSWERED
    assert ("permission:question:denied", "slack", "run_ended") in await audited(frames[0]["run"])
    (asked,) = (frame for frame in frames if frame.get("state") == "asked")
    with pytest.raises(QuestionClosedError):
        await reply(mia, asked, Answer.ALWAYS)


async def test_a_revoke_while_asking_ends_the_question_without_an_answer(mia: User) -> None:
    async def revoke(_frame: dict[str, Any]) -> None:
        await switch.revoke(user=f"user:{mia.pk}", sid="a-session", auth_time=1.0, provider="slack")

    frames = await watch(mia, await begin(mia), on_asked=revoke)
    (failed,) = of(frames, "step.failed")
    assert failed["code"] == "revoked"
    (asked,) = (frame for frame in frames if frame.get("state") == "asked")
    with pytest.raises(QuestionClosedError):
        await reply(mia, asked, Answer.ONCE)
    assert not [frame for frame in of(frames, "step.exchanged") if frame["id"] == asked["id"]]


async def test_of_two_tabs_the_first_answers_and_both_are_told(mia: User) -> None:
    ended: list[object] = []

    async def twice(frame: dict[str, Any]) -> None:
        both = [reply(mia, frame, Answer.NO), reply(mia, frame, Answer.ALWAYS)]
        ended.extend(await asyncio.gather(*both, return_exceptions=True))

    frames = await watch(mia, await begin(mia), on_asked=twice)
    assert sorted(type(one).__name__ for one in ended) == ["NoneType", "QuestionClosedError"]
    counted = Answer.NO if ended[0] is None else Answer.ALWAYS
    (answered,) = (frame for frame in frames if frame.get("state") == "answered")
    assert answered["answer"] == counted
    mode = await sync_to_async(policy_store.load_mode)(f"user:{mia.pk}", tool="slack_mentions")
    assert mode is (Mode.ASK if counted is Answer.NO else Mode.ALLOW)


async def test_nobody_else_answers(mia: User, mallory: User) -> None:
    async def meddle(frame: dict[str, Any]) -> None:
        with pytest.raises(QuestionNotFoundError):
            await reply(mallory, frame, Answer.ALWAYS)
        await reply(mia, frame, Answer.NO)

    frames = await watch(mia, await begin(mia), on_asked=meddle)
    assert [failed["code"] for failed in of(frames, "step.failed")] == ["declined"]


async def test_an_answer_that_another_process_takes_is_heard(mia: User) -> None:
    elsewhere = Runner()

    async def say(frame: dict[str, Any]) -> None:
        await reply(mia, frame, Answer.ONCE, runner=elsewhere)

    frames = await watch(mia, await begin(mia), on_asked=say)
    assert len(of(frames, "step.finished")) == 3
    await elsewhere.aclose()


def test_a_dead_process_leaves_no_question_open(alice: User) -> None:
    run = start_elsewhere(request_of(alice)).run
    asked = questions.ask(
        f"user:{alice.pk}",
        run=run,
        conversation=uuid4(),
        provider="slack",
        tool="slack_mentions",
        tool_call="toolu_1",
        connection="c",
        seconds=60,
    )
    Run.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=1))
    assert end_dead_runs() == 1
    assert answer_of(asked.id) is Answer.UNANSWERED


def test_what_was_allowed_in_a_conversation_goes_with_it(alice: User) -> None:
    ticket, user = start_elsewhere(request_of(alice)), f"user:{alice.pk}"
    asked = questions.ask(
        user,
        run=ticket.run,
        conversation=ticket.conversation,
        provider="slack",
        tool="slack_mentions",
        tool_call="toolu_1",
        connection="c",
        seconds=60,
    )
    questions.answer(asked.id, run=ticket.run, user=user, answer=Answer.CONVERSATION)
    Run.objects.update(status="stopped")
    conversations.delete(ticket.conversation, user=alice.pk)
    assert conversations.erase_deleted(now=timezone.now() + timedelta(hours=1)) == 1
    assert questions.list_allowances(user, provider="slack") == ()
    assert ReadQuestion.objects.count() == 0


def test_old_questions_are_forgotten_with_what_was_read(alice: User) -> None:
    questions.ask(
        f"user:{alice.pk}",
        run=uuid4(),
        conversation=uuid4(),
        provider="slack",
        tool="slack_mentions",
        tool_call="toolu_1",
        connection="c",
        seconds=60,
    )
    ReadQuestion.objects.update(ends_at=timezone.now() - timedelta(days=100))
    expire_content()
    assert ReadQuestion.objects.count() == 0


async def test_the_clocks_of_call_and_run_stand_still_while_somebody_thinks() -> None:
    meter = Meter(Budget(max_steps=5, max_tool_calls=5, max_seconds=100, max_output_tokens=100))
    async with asyncio.timeout(100) as meter.limit, asyncio.timeout(75) as limit, asyncio.timeout(75) as other_limit:
        call = Call(id="a", name="a", emit=print, clock=meter, limit=limit)
        other = Call(id="b", name="b", emit=print, clock=meter, limit=other_limit)
        before = meter.read_until
        with call.waiting():
            assert (limit.when(), meter.limit.when()) == (None, None)
            assert other_limit.when() is not None
            with other.waiting():
                await asyncio.sleep(0.02)
            # The first still thinks: the run's clock stands.
            assert meter.limit.when() is None
        assert meter.read_until >= before + 0.02
        assert limit.when() is not None
        assert meter.limit.when() is not None
        assert meter.seconds_left > 99
