"""A question has one answer, of its own user, in its own time; what cannot be recorded does not count."""

import threading
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.utils import timezone

from audit.errors import AuditUnavailableError
from audit.models import AuditEvent
from permissions import questions, store
from permissions.errors import AllowanceNotFoundError, QuestionClosedError, QuestionNotFoundError
from permissions.models import ReadQuestion
from permissions.policy import Answer, Mode
from permissions.subjects import subject_of
from tests.broken import table_away
from tests.permissions.answers import answer_of

pytestmark = pytest.mark.django_db(databases=["default", "audit"], transaction=True)

RUN, CHAT, ELSEWHERE = uuid4(), uuid4(), uuid4()
TOOL = "slack_direct_messages"


@pytest.fixture
def alice() -> str:
    user = subject_of(User.objects.create(username="alice").pk)
    store.set_modes(user, provider="slack", modes={TOOL: Mode.ASK})
    return user


@pytest.fixture
def mallory() -> str:
    return subject_of(User.objects.create(username="mallory").pk)


def ask(
    user: str,
    *,
    conversation: UUID = CHAT,
    tool: str = TOOL,
    run: UUID = RUN,
    account: str = "connection-1",
    seconds: float = 60,
) -> UUID:
    """Put a question, and return its id."""
    asked = questions.ask(
        user,
        run=run,
        conversation=conversation,
        provider="slack",
        tool=tool,
        tool_call=f"toolu_{uuid4().hex}",
        connection=account,
        seconds=seconds,
    )
    return asked.id


def say(question: UUID, user: str, answer: Answer, *, run: UUID = RUN) -> None:
    """Answer a question."""
    questions.answer(question, run=run, user=user, answer=answer)


def recorded() -> list[tuple[str, str]]:
    """Return (event, reason) of what is on record about questions, tools and allowances, oldest first."""
    rows = AuditEvent.objects.filter(event__startswith="permission:").order_by("id")
    return [(row.event.removeprefix("permission:"), row.reason) for row in rows][1:]


@pytest.mark.parametrize("answer", sorted(questions.ANSWERS))
def test_a_question_and_its_answer_are_on_record(alice: str, answer: Answer) -> None:
    question = ask(alice)
    assert answer_of(question) is Answer.UNASKED
    say(question, alice, answer)
    assert answer_of(question) is answer
    is_no = answer is Answer.NO
    outcome = ("question:denied", "answered_no") if is_no else ("question:allowed", answer.value)
    assert recorded()[:2] == [("question:asked", ""), outcome]
    rows = AuditEvent.objects.filter(event__startswith="permission:question")
    assert {(row.provider, row.tool, row.run, row.connection) for row in rows} == {
        ("slack", TOOL, str(RUN), "connection-1")
    }


@pytest.mark.parametrize("answer", [Answer.UNASKED, Answer.NOBODY, Answer.UNANSWERED])
def test_what_nobody_can_say_is_no_answer(alice: str, answer: Answer) -> None:
    question = ask(alice)
    with pytest.raises(ValueError, match="not a user's answer"):
        say(question, alice, answer)
    assert answer_of(question) is Answer.UNASKED


def test_once_and_no_leave_nothing_behind(alice: str) -> None:
    for answer in (Answer.ONCE, Answer.NO):
        say(ask(alice), alice, answer)
    assert store.load_mode(alice, tool=TOOL) is Mode.ASK
    assert questions.list_allowances(alice, provider="slack") == ()


def test_always_sets_the_tools_switch_and_that_is_on_record(alice: str) -> None:
    say(ask(alice), alice, Answer.ALWAYS)
    assert store.load_mode(alice, tool=TOOL) is Mode.ALLOW
    assert recorded()[-1] == ("tool:changed", "ask → allow")


def test_a_conversation_is_allowed_by_itself_for_one_account_and_can_be_taken_back(alice: str, mallory: str) -> None:
    say(ask(alice), alice, Answer.CONVERSATION)
    assert questions.list_allowed_connections(alice, conversation=CHAT, tool=TOOL) == {"connection-1"}
    assert not questions.list_allowed_connections(alice, conversation=ELSEWHERE, tool=TOOL)
    assert not questions.list_allowed_connections(alice, conversation=CHAT, tool="slack_search")
    assert not questions.list_allowed_connections(mallory, conversation=CHAT, tool=TOOL)
    (allowance,) = questions.list_allowances(alice, provider="slack")
    assert questions.list_allowances(alice, provider="github") == ()
    with pytest.raises(AllowanceNotFoundError):
        questions.end_allowance(allowance.id, user=mallory)
    assert questions.list_allowances(alice, provider="slack") == (allowance,)
    questions.end_allowance(allowance.id, user=alice)
    with pytest.raises(AllowanceNotFoundError):
        questions.end_allowance(allowance.id, user=alice)
    assert questions.list_allowances(alice, provider="slack") == ()
    assert [event for event, _ in recorded()].count("allowance:ended") == 1


def test_the_first_of_two_answers_counts(alice: str) -> None:
    question = ask(alice)
    say(question, alice, Answer.NO)
    with pytest.raises(QuestionClosedError):
        say(question, alice, Answer.ALWAYS)
    assert answer_of(question) is Answer.NO
    assert store.load_mode(alice, tool=TOOL) is Mode.ASK


def test_of_two_tabs_at_the_same_moment_one_answers(alice: str) -> None:
    question = ask(alice)
    together, ended = threading.Barrier(2), []

    def answer(said: Answer) -> None:
        together.wait()
        try:
            say(question, alice, said)
            ended.append(said)
        except QuestionClosedError:
            ended.append(None)
        finally:
            connections.close_all()

    tabs = [threading.Thread(target=answer, args=(said,)) for said in (Answer.NO, Answer.CONVERSATION)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    (counted,) = [said for said in ended if said]
    assert ended.count(None) == 1
    assert answer_of(question) is counted
    assert len(questions.list_allowances(alice, provider="slack")) == (counted is Answer.CONVERSATION)
    assert len([event for event, _ in recorded() if event.startswith("question:")]) == 2


def test_an_answer_after_the_time_is_none(alice: str) -> None:
    question = ask(alice)
    ReadQuestion.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(QuestionClosedError):
        say(question, alice, Answer.ALWAYS)
    assert questions.find_open(RUN, user=alice) == frozenset()
    questions.lapse(question)
    assert answer_of(question) is Answer.UNANSWERED
    assert recorded()[-1] == ("question:denied", "not_answered")
    assert store.load_mode(alice, tool=TOOL) is Mode.ASK


def test_an_answer_that_came_just_before_the_end_counts(alice: str) -> None:
    question = ask(alice)
    say(question, alice, Answer.ONCE)
    questions.lapse(question)
    assert answer_of(question) is Answer.ONCE
    assert recorded()[-1] == ("question:allowed", "once")


def test_more_time_puts_the_end_off_and_is_still_no_answer(alice: str) -> None:
    question = ask(alice, seconds=60)
    before = ReadQuestion.objects.get().ends_at
    questions.extend(question, run=RUN, user=alice, seconds=60)
    row = ReadQuestion.objects.get()
    assert row.ends_at == before + timedelta(seconds=60)
    questions.lapse(question)
    assert answer_of(question) is Answer.UNASKED
    say(question, alice, Answer.ONCE)


def test_time_can_be_had_ten_times_and_no_more(alice: str) -> None:
    """WCAG 2.2, 2.2.1: at least ten times; a run does not wait for ever."""
    question = ask(alice, seconds=60)
    first = ReadQuestion.objects.get()
    for _ in range(10):
        questions.extend(question, run=RUN, user=alice, seconds=60)
    row = ReadQuestion.objects.get()
    assert row.ends_at == row.latest_at == first.ends_at + timedelta(seconds=600)
    with pytest.raises(QuestionClosedError):
        questions.extend(question, run=RUN, user=alice, seconds=60)


def test_nobody_has_more_time_for_what_is_over_or_not_theirs(alice: str, mallory: str) -> None:
    question = ask(alice)
    for user, run in ((mallory, RUN), (alice, ELSEWHERE)):
        with pytest.raises(QuestionNotFoundError):
            questions.extend(question, run=run, user=user, seconds=60)
    say(question, alice, Answer.NO)
    late = ask(alice)
    ReadQuestion.objects.filter(id=late).update(ends_at=timezone.now() - timedelta(seconds=1))
    for one in (question, late):
        with pytest.raises(QuestionClosedError):
            questions.extend(one, run=RUN, user=alice, seconds=60)


def test_another_user_finds_no_question(alice: str, mallory: str) -> None:
    question = ask(alice)
    assert questions.find_open(RUN, user=alice) == {question}
    assert questions.find_open(RUN, user=mallory) == frozenset()
    for user, run in ((mallory, RUN), (alice, ELSEWHERE)):
        with pytest.raises(QuestionNotFoundError):
            say(question, user, Answer.ALWAYS, run=run)
    with pytest.raises(QuestionNotFoundError):
        say(uuid4(), alice, Answer.ALWAYS)
    assert answer_of(question) is Answer.UNASKED


@pytest.mark.parametrize(
    ("answer", "settled"),
    [
        (Answer.ONCE, set()),
        (Answer.NO, set()),
        (Answer.CONVERSATION, {"same chat"}),
        (Answer.ALWAYS, {"same chat", "another chat"}),
    ],
)
def test_an_answer_for_more_than_once_settles_the_other_questions_that_it_answers(
    alice: str, mallory: str, answer: Answer, settled: set[str]
) -> None:
    others = {
        "same chat": ask(alice),
        "another chat": ask(alice, conversation=ELSEWHERE, run=uuid4()),
        "another tool": ask(alice, tool="slack_search"),
        "another account": ask(alice, account="connection-2"),
        "another user": ask(mallory),
    }
    say(ask(alice), alice, answer)
    assert {name for name, question in others.items() if answer_of(question) is answer} == settled
    assert len([event for event, _ in recorded() if event == "question:allowed"]) == len(settled) + (
        answer is not Answer.NO
    )


def test_a_run_that_ended_asks_nothing_any_more(alice: str) -> None:
    question, other = ask(alice), ask(alice, run=ELSEWHERE)
    questions.close_run(RUN)
    assert (answer_of(question), answer_of(other)) == (Answer.UNANSWERED, Answer.UNASKED)
    with pytest.raises(QuestionClosedError):
        say(question, alice, Answer.ALWAYS)
    assert recorded()[-1] == ("question:denied", "run_ended")


def test_a_service_that_is_revoked_is_no_more_asked_about_and_allowed_nowhere(alice: str, mallory: str) -> None:
    say(ask(alice), alice, Answer.CONVERSATION)
    say(ask(mallory), mallory, Answer.CONVERSATION)
    question = ask(alice, tool="slack_search")
    questions.end_service(alice, provider="github")
    assert answer_of(question) is Answer.UNASKED
    questions.end_service(alice, provider="slack")
    assert answer_of(question) is Answer.UNANSWERED
    assert questions.list_allowances(alice, provider="slack") == ()
    assert recorded()[-1] == ("question:denied", "revoked")
    assert len(questions.list_allowances(mallory, provider="slack")) == 1


def test_a_switch_of_one_account_ends_nothing_of_another(alice: str) -> None:
    say(ask(alice), alice, Answer.CONVERSATION)
    question = ask(alice, tool="slack_search")
    questions.end_service(alice, provider="slack", connection="connection-2")
    assert answer_of(question) is Answer.UNASKED
    assert len(questions.list_allowances(alice, provider="slack")) == 1
    questions.end_service(alice, provider="slack", connection="connection-1")
    assert answer_of(question) is Answer.UNANSWERED
    assert questions.list_allowances(alice, provider="slack") == ()


def test_a_revoke_does_not_wait_for_the_audit_to_close_a_question(alice: str) -> None:
    question = ask(alice)
    with table_away("audit", table="audit_event"):
        questions.end_service(alice, provider="slack")
    assert answer_of(question) is Answer.UNANSWERED


def test_what_is_erased_or_old_is_forgotten(alice: str) -> None:
    say(ask(alice), alice, Answer.CONVERSATION)
    say(ask(alice, conversation=ELSEWHERE), alice, Answer.CONVERSATION)
    questions.forget_conversations([CHAT])
    assert [one.conversation for one in questions.list_allowances(alice, provider="slack")] == [ELSEWHERE]
    questions.forget_questions(before=timezone.now())
    assert ReadQuestion.objects.count() == 1
    questions.forget_questions(before=timezone.now() + timedelta(hours=1))
    assert ReadQuestion.objects.count() == 0


def test_a_question_that_is_gone_counts_as_not_answered() -> None:
    now = timezone.now()
    assert questions.look_again(questions.Asked(uuid4(), now, now)).answer is Answer.UNANSWERED


@pytest.mark.parametrize("answer", sorted(questions.ANSWERS))
def test_what_cannot_be_recorded_does_not_count(alice: str, answer: Answer) -> None:
    """No audit row, no action: neither question nor answer."""
    question = ask(alice)
    with table_away("audit", table="audit_event"):
        with pytest.raises(AuditUnavailableError):
            ask(alice)
        with pytest.raises(AuditUnavailableError):
            say(question, alice, answer)
        ReadQuestion.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
        with pytest.raises(AuditUnavailableError):
            questions.lapse(question)
        with pytest.raises(AuditUnavailableError):
            questions.close_run(RUN)
    assert ReadQuestion.objects.count() == 1
    assert answer_of(question) is Answer.UNASKED
    assert questions.list_allowances(alice, provider="slack") == ()
    assert store.load_mode(alice, tool=TOOL) is Mode.ASK


def test_taking_an_allowance_back_is_recorded_or_not_done(alice: str) -> None:
    say(ask(alice), alice, Answer.CONVERSATION)
    (allowance,) = questions.list_allowances(alice, provider="slack")
    with table_away("audit", table="audit_event"), pytest.raises(AuditUnavailableError):
        questions.end_allowance(allowance.id, user=alice)
    assert questions.list_allowances(alice, provider="slack") == (allowance,)
