"""What was read is deleted when its time is over; question, answer and whatever is younger stay."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.management import call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from agent import content_keys, conversations, earlier, housekeeping, memory, store, tasks
from agent.briefing.facts.types import FactSet
from agent.delivery_models import Delivery
from agent.events import Evidence, TurnAdded
from agent.retention import Expired, expire_content
from agent.schedule_models import Occurrence, Schedule
from agent.stored_events import append_events
from agent.types import RunStatus, RunTicket
from tests.agent.conftest import request_of, start
from tests.agent.schedules.conftest import due_row, make_schedule

pytestmark = pytest.mark.django_db

TYPES = ("run.started", "step.started", "step.finished", "block.tail", "block.final", "usage")
LASTING = ["run.started", "block.final", "run.finished"]
TURNS = [
    TurnAdded(role="user", content="Brief me"),
    TurnAdded(role="assistant", content=[{"type": "thinking", "signature": "s"}, {"type": "tool_use", "id": "1"}]),
    TurnAdded(role="user", content=[{"type": "tool_result", "tool_use_id": "1"}]),
    TurnAdded(role="assistant", content=[{"type": "redacted_thinking"}, {"type": "text", "text": "Done."}]),
]


def finish(ticket: RunTicket, *, days_ago: float) -> RunTicket:
    """Let a run end, and let it have begun so long ago."""
    frames = [json.dumps({"type": kind}) for kind in TYPES]
    append_events([(ticket.run, seq, frame) for seq, frame in enumerate(frames, 1)])
    last = (len(frames) + 1, json.dumps({"type": "run.finished"}))
    store.end_run(ticket.run, status=RunStatus.FINISHED, last=last, answer="Done.", turns=TURNS)
    age(ticket, days=days_ago)
    return ticket


def age(ticket: RunTicket, *, days: float) -> None:
    store.Run.objects.filter(id=ticket.run).update(started_at=timezone.now() - timedelta(days=days))


def kinds(user: User, ticket: RunTicket) -> list[str]:
    return [json.loads(frame)["type"] for _, frame in store.list_frames(ticket.run, user=user.pk, after=0)]


def test_of_an_old_run_the_page_keeps_question_and_answer_and_the_model_nothing(alice: User) -> None:
    old, young = finish(start(request_of(alice)), days_ago=31), finish(start(request_of(alice)), days_ago=29)
    assert expire_content() == Expired(runs=1, evidence=0, facts=0)
    assert kinds(alice, old) == LASTING
    assert earlier.list_history(old.conversation) == []
    assert store.load_answer(old.run, user=alice.pk).text == "Done."
    assert kinds(alice, young) == [*TYPES, "run.finished"]
    assert len(earlier.list_history(young.conversation)) == len(TURNS)
    assert [row.title for row in conversations.list_recent(alice.pk)] == ["Brief me", "Brief me"]
    assert expire_content() == Expired(runs=0, evidence=0, facts=0)


def test_the_time_is_a_setting(alice: User, settings: Settings) -> None:
    ticket = finish(start(request_of(alice)), days_ago=3)
    settings.CONTENT_RETENTION_DAYS = 2
    out = StringIO()
    call_command("expire_content", stdout=out)
    assert out.getvalue().startswith("Deleted what was read for 1 runs, 0 items of evidence and")
    assert kinds(alice, ticket) == LASTING


def test_the_worker_does_the_same(alice: User) -> None:
    ticket = finish(start(request_of(alice)), days_ago=31)
    tasks.expire_content_task()
    assert kinds(alice, ticket) == LASTING


def test_a_run_that_goes_on_loses_nothing(alice: User) -> None:
    ticket = start(request_of(alice))
    append_events([(ticket.run, 1, json.dumps({"type": "step.started"}))])
    age(ticket, days=31)
    assert expire_content() == Expired(runs=0, evidence=0, facts=0)
    assert kinds(alice, ticket) == ["step.started"]


def test_what_is_left_of_a_conversation_carries_no_thinking(alice: User) -> None:
    """Its signatures bind the turns that are gone; the API refuses them, and takes a message that has none."""
    old = finish(start(request_of(alice)), days_ago=31)
    finish(start(request_of(alice, conversation=old.conversation)), days_ago=1)
    expire_content()
    contents = [message["content"] for message in earlier.list_history(old.conversation)]
    assert contents == [
        "Brief me",
        [{"type": "tool_use", "id": "1"}],
        [{"type": "tool_result", "tool_use_id": "1"}],
        [{"type": "text", "text": "Done."}],
    ]


def test_evidence_lives_on_while_tools_return_it(alice: User) -> None:
    ticket = start(request_of(alice))
    items = [Evidence(f"gh-0000000{n}", "github", "Fix upload", f"https://example.org/{n}") for n in range(3)]
    earlier.keep_evidence(ticket.conversation, items)
    earlier.EvidenceRow.objects.update(seen_at=timezone.now() - timedelta(days=31))
    earlier.keep_evidence(ticket.conversation, [items[1]])
    assert expire_content() == Expired(runs=0, evidence=2, facts=0)
    assert earlier.list_evidence(ticket.conversation) == {items[1].id: items[1]}


def test_what_does_not_open_is_not_taken_for_a_step(alice: User, settings: Settings) -> None:
    """A key that is missing by mistake must not cost the answers that it would open."""
    ticket, keys = finish(start(request_of(alice)), days_ago=31), settings.CONTENT_KEYS
    settings.CONTENT_KEYS = content_keys.new_entry(1)
    assert expire_content() == Expired(runs=1, evidence=0, facts=0)
    settings.CONTENT_KEYS = keys
    assert kinds(alice, ticket) == [*TYPES, "run.finished"]
    assert earlier.list_history(ticket.conversation) == []


@pytest.mark.django_db(transaction=True)
async def test_a_web_process_expires_by_itself(alice: User) -> None:
    ticket = await sync_to_async(start)(request_of(alice))
    await sync_to_async(finish)(ticket, days_ago=31)
    async with housekeeping.running():
        pass
    assert await sync_to_async(kinds)(alice, ticket) == LASTING


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("case", "is_told"), [(("worker", 15), True), (("worker", 5), False), (("web", 15), False)], ids=str
)
async def test_a_web_process_warns_where_no_worker_runs_the_schedules(
    alice: User, settings: Settings, caplog: pytest.LogCaptureFixture, *, case: tuple[str, int], is_told: bool
) -> None:
    settings.SCHEDULER, minutes = case
    made = await sync_to_async(make_schedule)(alice, now=timezone.now())
    await Schedule.objects.filter(id=made.id).aupdate(next_due_at=timezone.now() - timedelta(minutes=minutes))
    async with housekeeping.running():
        pass
    assert ("agent.no_worker_runs_schedules" in caplog.text) is is_told


def test_what_became_of_due_times_is_kept_for_a_year(alice: User) -> None:
    schedule, now = make_schedule(alice, now=timezone.now()), timezone.now()
    old, new, waiting = (
        due_row(schedule, due_at=now - timedelta(days=days), ended_at=ended and now - timedelta(days=days))
        for days, ended in ((367, True), (365, True), (400, None))
    )
    Delivery.objects.create(occurrence_id=old.id, kind="inbox", state="delivered", next_try_at=now)
    expire_content()
    assert {row.id for row in Occurrence.objects.all()} == {new.id, waiting.id}
    assert not Delivery.objects.exists()


def test_what_old_briefings_said_is_deleted(alice: User) -> None:
    chat = start(request_of(alice)).conversation
    for days in (29, 31):
        made_at = timezone.now() - timedelta(days=days)
        memory.keep_facts(alice.pk, recipe="standup", fact_set=FactSet(made_at), conversation=chat)
    assert expire_content() == Expired(runs=0, evidence=0, facts=1)
