"""Rows of runs: one run per key, one at a time per conversation, nobody else's anything."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings

from agent import content_keys, conversations, earlier, store
from agent.errors import ContentClosedError, ConversationBusyError, RunNotFoundError, TooManyRunsError
from agent.events import TurnAdded
from agent.runner import end_dead_runs
from agent.stored_events import append_events
from agent.types import RunStatus
from tests.agent.conftest import request_of, start
from tests.agent.schedules.conftest import at_once

QUESTION = TurnAdded(role="user", content="Brief me")
LAST = (1, "{}")
ANSWER = TurnAdded(role="assistant", content=[{"type": "text", "text": "Done."}])


def test_the_same_key_starts_one_run(alice: User) -> None:
    first, again = start(request_of(alice, key="k" * 12)), start(request_of(alice, key="k" * 12))
    assert first.is_new
    assert not again.is_new
    assert (again.run, again.conversation) == (first.run, first.conversation)


@pytest.mark.django_db(transaction=True)
def test_a_user_has_no_more_runs_at_once_than_anybody_may_however_many_processes_begin_them(
    alice: User, mallory: User
) -> None:
    def begin() -> bool:
        try:
            start(request_of(alice))
        except TooManyRunsError:
            return False
        return True

    assert sum(map(bool, at_once(begin, threads=store.MAX_RUNS_AT_ONCE + 3))) == store.MAX_RUNS_AT_ONCE
    assert start(request_of(mallory)).is_new


def test_two_users_may_use_the_same_key(alice: User, mallory: User) -> None:
    assert start(request_of(alice, key="k" * 12)).run != start(request_of(mallory, key="k" * 12)).run


def test_a_conversation_answers_one_question_at_a_time(alice: User) -> None:
    ticket = start(request_of(alice))
    with pytest.raises(ConversationBusyError):
        start(request_of(alice, conversation=ticket.conversation))


def test_another_users_conversation_is_unknown(alice: User, mallory: User) -> None:
    ticket = start(request_of(alice))
    with pytest.raises(RunNotFoundError):
        start(request_of(mallory, conversation=ticket.conversation))
    with pytest.raises(RunNotFoundError):
        conversations.load_conversation(ticket.conversation, user=mallory.pk)
    with pytest.raises(RunNotFoundError):
        store.list_frames(ticket.run, user=mallory.pk, after=0)
    with pytest.raises(RunNotFoundError):
        store.ask_to_stop(ticket.run, user=mallory.pk)


def test_a_conversation_that_never_was_is_unknown(alice: User) -> None:
    with pytest.raises(RunNotFoundError):
        start(request_of(alice, conversation=uuid4()))


def test_a_run_without_a_heartbeat_is_ended_once_with_its_reason(alice: User) -> None:
    ticket = start(request_of(alice))
    append_events([(ticket.run, 1, "{}")])
    assert end_dead_runs() == 0
    store.Run.objects.filter(id=ticket.run).update(heartbeat_at=timezone.now() - store.DEAD_AFTER - timedelta(1))
    assert end_dead_runs() == 1
    assert end_dead_runs() == 0
    (seq, frame) = store.list_frames(ticket.run, user=alice.pk, after=1)[0]
    assert seq == 2
    assert '"type":"run.failed"' in frame
    assert "Ask again" in frame


def test_a_run_that_ended_is_not_ended_again(alice: User) -> None:
    ticket = start(request_of(alice))
    store.end_run(ticket.run, status=RunStatus.FINISHED, last=LAST, answer="", turns=[])
    assert not store.fail_dead_run(ticket.run, seq=2, frame="{}")
    assert store.list_frames(ticket.run, user=alice.pk, after=0) == [LAST]


def test_a_run_that_was_given_up_is_not_finished_later(alice: User) -> None:
    ticket = start(request_of(alice))
    assert store.fail_dead_run(ticket.run, seq=1, frame='{"type":"run.failed"}')
    store.end_run(ticket.run, status=RunStatus.FINISHED, last=(2, "{}"), answer="late", turns=[QUESTION, ANSWER])
    assert store.list_frames(ticket.run, user=alice.pk, after=0) == [(1, '{"type":"run.failed"}')]
    assert earlier.list_history(ticket.conversation) == []


def test_a_heartbeat_brings_back_the_wish_to_stop(alice: User) -> None:
    ticket = start(request_of(alice))
    assert store.touch_runs([ticket.run]) == set()
    store.ask_to_stop(ticket.run, user=alice.pk)
    assert store.touch_runs([ticket.run]) == {ticket.run}


def test_a_title_that_does_not_open_is_listed_as_such(alice: User, settings: Settings) -> None:
    ticket = start(request_of(alice, text="Brief me"))
    assert [row.title for row in conversations.list_recent(alice.pk)] == ["Brief me"]
    settings.CONTENT_KEYS = content_keys.new_entry(1)
    assert [row.title for row in conversations.list_recent(alice.pk)] == [conversations.CLOSED_TITLE]
    assert conversations.load_conversation(ticket.conversation, user=alice.pk)[0].title == conversations.CLOSED_TITLE


def test_rows_that_are_swapped_do_not_open(alice: User) -> None:
    """Who may write to the database but has no key can neither move a text nor answer with another run's."""
    ticket, other = start(request_of(alice)), start(request_of(alice))
    for run in (ticket.run, other.run):
        append_events([(run, 1, "{}"), (run, 2, "{}")])
    first, second = store.Event.objects.filter(run_id=ticket.run).order_by("seq")
    first.sealed_frame, second.sealed_frame = second.sealed_frame, first.sealed_frame
    first.save()
    with pytest.raises(ContentClosedError):
        store.list_frames(ticket.run, user=alice.pk, after=0)
    store.Event.objects.filter(run_id=other.run).delete()
    store.Event.objects.filter(run_id=ticket.run).update(run_id=other.run)
    with pytest.raises(ContentClosedError):
        store.list_frames(other.run, user=alice.pk, after=1)
