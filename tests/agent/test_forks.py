"""A fork begins as its original was up to one answer, under places of its own, and lives no longer than that one."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from agent import conversations, earlier, forks, retention, store
from agent.errors import ContentClosedError, RunNotFoundError
from agent.event_log import encode
from agent.events import (
    BlockFinal,
    BlockTail,
    Evidence,
    GroundingCounts,
    RunEvent,
    RunFinished,
    RunStarted,
    StepFinished,
    TurnAdded,
)
from agent.models import Conversation, Event, FactSet, Run
from agent.models import Evidence as EvidenceRow
from agent.runner import current_runner
from agent.stored_events import append_events
from agent.types import RunStatus, RunTicket
from tests.agent import whole_runs
from tests.agent.conftest import request_of, start

pytestmark = pytest.mark.django_db(databases=["default", "audit", "vault"])

MARK = "0123456789abcdef"
END = RunFinished(elapsed_ms=1, coverage=(), grounding=GroundingCounts())


def item(number: int) -> Evidence:
    return Evidence(f"gh-0000000{number}", "github", f"Fix {number}", f"https://github.example/{number}")


def thought(answer: str) -> list[dict[str, Any]]:
    """Return a turn of the model as the Messages API signs it."""
    return [{"type": "thinking", "thinking": "…", "signature": "EqQB"}, {"type": "text", "text": answer}]


def answered(user: User, number: int, *, within: UUID | None = None, replaces: UUID | None = None) -> RunTicket:
    """Return a run that read item `number`, cited it and finished."""
    question, cited = f"Question {number}", item(number)
    ticket = start(replace(request_of(user, text=question, conversation=within), replaces=replaces))
    earlier.keep_evidence(ticket.conversation, [cited])
    events: tuple[RunEvent, ...] = (
        RunStarted(question=question, model="m", is_simulated=True, replaces=str(replaces or "")),
        StepFinished(id="t", ms=1, items=1, bytes=1, evidence=(cited.id,), titles=(cited.title,)),
        BlockTail(block=0, html="<p>Ans"),
        BlockFinal(block=0, html=f"<p>Answer {number}</p>", evidence=(cited,)),
    )
    frames = [(ticket.run, seq, encode(event, run=ticket.run, seq=seq)) for seq, event in enumerate(events, start=1)]
    append_events(frames)
    last = (len(frames) + 1, encode(END, run=ticket.run, seq=len(frames) + 1))
    turns = [TurnAdded("user", question), TurnAdded("assistant", thought(f"Answer {number}"))]
    store.end_run(ticket.run, status=RunStatus.FINISHED, last=last, answer=f"Answer {number}", turns=turns, prefix=MARK)
    return ticket


def chat(user: User, *, length: int = 3) -> list[RunTicket]:
    """Return the runs of a conversation."""
    tickets = [answered(user, 1)]
    return tickets + [answered(user, number, within=tickets[0].conversation) for number in range(2, length + 1)]


def runs_of(conversation: UUID, user: User) -> list[UUID]:
    return conversations.load_conversation(conversation, user=user.pk)[1]


def frames_of(run: UUID, user: User) -> list[dict[str, Any]]:
    return [json.loads(frame) for _, frame in store.list_frames(run, user=user.pk, after=0)]


def test_a_fork_holds_what_was_said_up_to_that_answer_and_no_more(alice: User) -> None:
    first, second, _ = chat(alice)
    new = forks.fork(second.run, user=alice.pk)
    answers = [store.load_answer(run, user=alice.pk) for run in runs_of(new, alice)]
    assert [(one.question, one.text) for one in answers] == [("Question 1", "Answer 1"), ("Question 2", "Answer 2")]
    assert new != first.conversation
    assert len(runs_of(first.conversation, alice)) == 3


def test_the_messages_of_a_fork_are_those_that_the_model_signed(alice: User) -> None:
    """Thinking signatures bind all that came before them: a block more, less or other than then is refused."""
    first, second, _ = chat(alice)
    new = forks.fork(second.run, user=alice.pk)
    assert earlier.list_history(new) == earlier.list_history(first.conversation)[:4]
    assert earlier.list_history(new)[1]["content"] == thought("Answer 1")
    assert earlier.load_earlier(new).prefixes == {MARK}


def test_only_what_was_read_by_then_may_be_cited(alice: User) -> None:
    _, second, _ = chat(alice)
    new = forks.fork(second.run, user=alice.pk)
    assert earlier.list_evidence(new) == {item(1).id: item(1), item(2).id: item(2)}


def test_a_copy_tells_the_same_without_gaps_and_names_the_run_that_the_audit_knows(alice: User) -> None:
    (ticket,) = chat(alice, length=1)
    (copy,) = runs_of(forks.fork(ticket.run, user=alice.pk), alice)
    frames = frames_of(copy, alice)
    assert [frame["type"] for frame in frames] == ["run.started", "step.finished", "block.final", "run.finished"]
    assert [frame["seq"] for frame in frames] == [1, 2, 3, 4]
    assert {frame["run"] for frame in frames} == {str(copy)}
    assert frames[0]["copy_of"] == str(ticket.run)
    (again,) = runs_of(forks.fork(copy, user=alice.pk), alice)
    assert frames_of(again, alice)[0]["copy_of"] == str(ticket.run)


def test_an_answer_whose_place_another_took_can_be_forked_and_is_then_the_last(alice: User) -> None:
    first = answered(alice, 1)
    second = answered(alice, 2, within=first.conversation)
    third = answered(alice, 3, within=first.conversation, replaces=second.run)
    for run, said in ((second.run, ["Question 1", "Question 2"]), (third.run, ["Question 1", "Question 3"])):
        copies = runs_of(forks.fork(run, user=alice.pk), alice)
        assert [store.load_answer(copy, user=alice.pk).question for copy in copies] == said
        assert frames_of(copies[-1], alice)[0]["replaces"] == ""


def test_what_was_never_answered_stays_as_it_ended_and_what_goes_on_is_left_out(alice: User) -> None:
    first = answered(alice, 1)
    stopped = start(request_of(alice, text="Stopped", conversation=first.conversation))
    store.end_run(
        stopped.run, status=RunStatus.STOPPED, last=(1, encode(END, run=stopped.run, seq=1)), answer="", turns=[]
    )
    third = answered(alice, 3, within=first.conversation)
    start(request_of(alice, text="Going on", conversation=first.conversation))
    copies = runs_of(forks.fork(third.run, user=alice.pk), alice)
    assert list(Run.objects.filter(id__in=copies).order_by("started_at").values_list("status", flat=True)) == [
        RunStatus.FINISHED,
        RunStatus.STOPPED,
        RunStatus.FINISHED,
    ]


@pytest.mark.parametrize("which", ["running", "somebody else's", "deleted", "unknown"])
def test_nothing_else_is_forked(alice: User, mallory: User, which: str) -> None:
    ticket = answered(alice, 1)
    run, user = ticket.run, alice
    if which == "running":
        run = start(request_of(alice, conversation=ticket.conversation)).run
    elif which == "somebody else's":
        user = mallory
    elif which == "deleted":
        conversations.delete(ticket.conversation, user=alice.pk)
    else:
        run = uuid4()
    with pytest.raises(RunNotFoundError):
        forks.fork(run, user=user.pk)
    assert Conversation.objects.count() == 1


def test_a_copy_is_sealed_for_its_own_place_and_opens_in_no_other(alice: User) -> None:
    (ticket,) = chat(alice, length=1)
    (copy,) = runs_of(forks.fork(ticket.run, user=alice.pk), alice)
    original, copied = Run.objects.get(id=ticket.run), Run.objects.get(id=copy)
    assert b"Question" not in bytes(copied.sealed_question)
    Run.objects.filter(id=copy).update(sealed_question=original.sealed_question)
    with pytest.raises(ContentClosedError):
        store.load_answer(copy, user=alice.pk)


def test_a_fork_does_not_keep_what_was_read_for_longer(alice: User) -> None:
    (ticket,) = chat(alice, length=1)
    long_ago = timezone.now() - timedelta(days=31)
    Run.objects.filter(id=ticket.run).update(started_at=long_ago)
    EvidenceRow.objects.update(seen_at=long_ago)
    new = forks.fork(ticket.run, user=alice.pk)
    (copy,) = runs_of(new, alice)
    assert retention.expire_content().runs == 2
    assert not EvidenceRow.objects.exists()
    assert earlier.list_history(new) == []
    assert "step.finished" not in {frame["type"] for frame in frames_of(copy, alice)}
    # What is left of it can still be forked.
    assert [run.expired_at is None for run in Run.objects.filter(conversation=forks.fork(copy, user=alice.pk))] == [
        False
    ]


def test_a_fork_outlives_the_chat_that_it_came_from(alice: User) -> None:
    (ticket,) = chat(alice, length=1)
    new = forks.fork(ticket.run, user=alice.pk)
    conversations.delete(ticket.conversation, user=alice.pk)
    conversations.erase_deleted(now=timezone.now() + timedelta(hours=1))
    assert not Event.objects.filter(run=ticket.run).exists()
    (copy,) = runs_of(new, alice)
    assert store.load_answer(copy, user=alice.pk).text == "Answer 1"


def test_the_name_of_a_fork_tells_it_from_its_original_however_long_that_is(alice: User) -> None:
    (ticket,) = chat(alice, length=1)
    conversations.rename(ticket.conversation, user=alice.pk, title="x" * 80)
    forks.fork(ticket.run, user=alice.pk)
    newest = conversations.list_recent(alice.pk)[0]
    assert newest.title == f"{'x' * 73} (fork)"


def test_forking_is_a_plain_form_that_leads_to_the_new_chat(alice: User, mallory: User) -> None:
    (ticket,) = chat(alice, length=1)
    browser, stranger = Client(), Client()
    browser.force_login(alice)
    stranger.force_login(mallory)
    address = f"/runs/{ticket.run}/fork/"
    assert f'action="{address}"' in browser.get(f"/runs/{ticket.run}/").content.decode()
    found = browser.post(address)
    (new,) = Conversation.objects.exclude(id=ticket.conversation).values_list("id", flat=True)
    assert (found.status_code, found["location"]) == (303, f"/chat/{new}/")
    assert "This is a new chat" in browser.get(found["location"]).content.decode()
    assert browser.get(address).status_code == 405
    assert stranger.post(address).status_code == stranger.post(f"/runs/{uuid4()}/fork/").status_code == 404
    assert Client().post(address)["location"].startswith("/accounts/login/")
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    assert strict.post(address).status_code == 403
    assert Conversation.objects.count() == 2


def test_the_page_of_a_copy_leads_to_the_audit_of_the_run_that_read(alice: User) -> None:
    (ticket,) = chat(alice, length=1)
    (copy,) = runs_of(forks.fork(ticket.run, user=alice.pk), alice)
    browser = Client()
    browser.force_login(alice)
    assert f"/audit/?run={ticket.run}" in browser.get(f"/runs/{copy}/").content.decode()


@pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])
async def test_a_briefing_tells_from_when_it_was_asked_for_and_its_facts_are_of_its_conversation(maya: User) -> None:
    since = timezone.now() - timedelta(days=2)
    runner = current_runner()
    ticket = await runner.start(replace(request_of(maya, text="Catch me up"), recipe="catch-up", since=since))
    frames = await whole_runs.follow(runner, ticket.run, maya)
    assert (frames[0]["recipe"], frames[0]["since"]) == ("catch-up", since.isoformat())
    kept = await sync_to_async(list)(FactSet.objects.values_list("conversation_id", flat=True))
    assert kept == [ticket.conversation]


@pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])
async def test_a_fork_goes_on_where_it_was_forked(maya: User) -> None:
    """The stand-in checks the signatures of the messages before as the API does: a changed one is an error."""
    first = await whole_runs.run(maya, whole_runs.ALL_THREE)
    run = UUID(first[0]["run"])
    new = await sync_to_async(forks.fork)(run, user=maya.pk)
    second = await whole_runs.run(maya, "What needs my review?", conversation=new)
    assert second[-1]["type"] == "run.finished"
    (original,) = await sync_to_async(list)(Run.objects.filter(id=run).values_list("conversation_id", flat=True))
    assert len(await sync_to_async(earlier.list_history)(new)) > len(
        await sync_to_async(earlier.list_history)(original)
    )
