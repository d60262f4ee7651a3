"""What came before in a conversation: finished runs alone, in order, and as it went in."""

from django.contrib.auth.models import User

from agent import earlier, store
from agent.events import Evidence, TurnAdded
from agent.types import RunStatus
from tests.agent.conftest import request_of, start

QUESTION = TurnAdded(role="user", content="Brief me")
LAST = (1, "{}")
ANSWER = TurnAdded(role="assistant", content=[{"type": "text", "text": "Done."}])


def test_the_history_holds_finished_runs_only_and_in_order(alice: User) -> None:
    first = start(request_of(alice))
    store.end_run(first.run, status=RunStatus.FINISHED, last=LAST, answer="Done.", turns=[QUESTION, ANSWER])
    second = start(request_of(alice, conversation=first.conversation))
    store.end_run(second.run, status=RunStatus.STOPPED, last=LAST, answer="", turns=[])
    third = start(request_of(alice, conversation=first.conversation))
    store.end_run(third.run, status=RunStatus.FINISHED, last=LAST, answer="Again.", turns=[QUESTION, ANSWER])
    roles = [message["role"] for message in earlier.list_history(first.conversation)]
    assert roles == ["user", "assistant", "user", "assistant"]
    assert earlier.list_history(first.conversation)[1]["content"] == ANSWER.content


def test_evidence_seen_twice_is_kept_once(alice: User) -> None:
    ticket = start(request_of(alice))
    item = Evidence("gh-00000001", "github", "Fix upload", "https://github.com/tidewater/harbor/pull/412")
    earlier.keep_evidence(ticket.conversation, [item])
    earlier.keep_evidence(ticket.conversation, [item])
    assert earlier.list_evidence(ticket.conversation) == {item.id: item}


def test_turns_come_back_as_the_model_signed_them(alice: User) -> None:
    content = [{"type": "text", "text": "Ünï \x00 \ud83d 🔐", "n": 1.50, "list": [None, True]}]
    ticket = start(request_of(alice))
    turns = [TurnAdded(role="assistant", content=content)]
    store.end_run(ticket.run, status=RunStatus.FINISHED, last=LAST, answer="a \x00 b", turns=turns)
    assert earlier.list_history(ticket.conversation) == [{"role": "assistant", "content": content}]
    assert store.load_answer(ticket.run, user=alice.pk).text == "a \x00 b"
