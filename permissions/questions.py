"""Questions to a user whether a tool call may read, their answers, and what they allow for one conversation.

The ORM calls of both: sync and short. A question and an answer are audited before they are committed; of several
answers the first counts.
"""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.record import record
from permissions import store
from permissions.errors import AllowanceNotFoundError, QuestionClosedError, QuestionNotFoundError
from permissions.models import ConversationAllowance, ReadQuestion
from permissions.policy import Answer, Mode
from permissions.subjects import subject_of, user_id_of

logger = logging.getLogger(__name__)

# What a user can say; the rest of `Answer` is what became of a question that nobody answered.
ANSWERS = frozenset({Answer.ONCE, Answer.CONVERSATION, Answer.ALWAYS, Answer.NO})


# How often a question's time can be had once more. Source: WCAG 2.2, success criterion 2.2.1, "Extend".
_EXTENSIONS = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was put, until when it can be answered, how far that can be put off, and what was said."""

    id: UUID
    ends_at: datetime
    latest_at: datetime
    answer: Answer = Answer.UNASKED

    @property
    def is_extendable(self) -> bool:
        """Whether there is more time to be had."""
        return self.ends_at < self.latest_at


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a tool may read of a service in one conversation without being asked about again."""

    id: int
    conversation: UUID
    provider: str
    tool: str
    given_at: datetime


def ask(
    user: str,
    *,
    run: UUID,
    conversation: UUID,
    provider: str,
    tool: str,
    tool_call: str,
    connection: str,
    seconds: float,
) -> Asked:
    """Put the question whether this call may read; it can be answered for `seconds`, and for longer if they ask.

    Raises:
        audit.errors.AuditUnavailableError: The question could not be recorded, and was not put.
    """
    now = timezone.now()
    row = ReadQuestion(
        user_id=user_id_of(user),
        run=run,
        conversation=conversation,
        provider=provider,
        tool=tool,
        tool_call=tool_call,
        connection=connection,
        ends_at=now + timedelta(seconds=seconds),
        latest_at=now + timedelta(seconds=seconds * (1 + _EXTENSIONS)),
    )
    with transaction.atomic(using="default"):
        row.save(force_insert=True)
        record(_entry(row, event=Event.PERMISSION_QUESTION_ASKED))
    return Asked(row.id, row.ends_at, row.latest_at)


def look_again(asked: Asked) -> Asked:
    """Return the question as it stands now; one that is not there any more is unanswered."""
    row = ReadQuestion.objects.filter(id=asked.id).first()
    if row is None:
        return replace(asked, answer=Answer.UNANSWERED)
    return Asked(row.id, row.ends_at, row.latest_at, Answer(row.answer))


def answer(question: UUID, *, run: UUID, user: str, answer: Answer) -> None:
    """Take the user's answer to an open question.

    For a conversation or for good it also answers their other open questions that it settles.

    Raises:
        QuestionNotFoundError: Nobody asked this user that in this run.
        QuestionClosedError: Somebody answered before, in another tab, or its time is over.
        audit.errors.AuditUnavailableError: The answer could not be recorded, and does not count.
    """
    if answer not in ANSWERS:
        raise ValueError("not a user's answer")
    with transaction.atomic(using="default"):
        row = ReadQuestion.objects.filter(id=question, run=run, user_id=user_id_of(user)).first()
        if row is None:
            raise QuestionNotFoundError
        # Locked in one order, so that two answers that settle the same questions wait for each other.
        rows = list(ReadQuestion.objects.select_for_update().filter(_settles(row, answer=answer)).order_by("id"))
        row = next((one for one in rows if one.id == question), None)
        if row is None:
            # Deleted since, with its conversation.
            raise QuestionNotFoundError
        if row.answer or row.ends_at <= timezone.now():
            raise QuestionClosedError
        _close(rows, answer=answer, reason="answered_no" if answer is Answer.NO else answer.value)
        _keep(row, answer=answer)


def extend(question: UUID, *, run: UUID, user: str, seconds: float) -> None:
    """Let the user think about an open question for `seconds` more, or for what is left of its longest time.

    Nothing is allowed by it, so it is not audited; that they were asked and what they said is.

    Raises:
        QuestionNotFoundError: Nobody asked this user that in this run.
        QuestionClosedError: It was answered, its time is over, or there is no more time to be had.
    """
    with transaction.atomic(using="default"):
        mine = ReadQuestion.objects.select_for_update().filter(id=question, run=run, user_id=user_id_of(user))
        row = mine.first()
        if row is None:
            raise QuestionNotFoundError
        if row.answer or not timezone.now() < row.ends_at < row.latest_at:
            raise QuestionClosedError
        row.ends_at = min(row.ends_at + timedelta(seconds=seconds), row.latest_at)
        row.save(update_fields=["ends_at"])


def lapse(question: UUID) -> None:
    """Close a question if its time is over; an answer that came before stands, and so does more time.

    Raises:
        audit.errors.AuditUnavailableError: That nobody answered could not be recorded.
    """
    with transaction.atomic(using="default"):
        due = ReadQuestion.objects.select_for_update().filter(id=question, answer="", ends_at__lte=timezone.now())
        if (row := due.first()) is not None:
            _close([row], answer=Answer.UNANSWERED, reason="not_answered")


def close_run(run: UUID) -> None:
    """Close what a run that has ended still asked.

    Raises:
        audit.errors.AuditUnavailableError: That could not be recorded; the question ends by itself.
    """
    with transaction.atomic(using="default"):
        rows = ReadQuestion.objects.select_for_update().filter(run=run, answer="").order_by("id")
        _close(list(rows), answer=Answer.UNANSWERED, reason="run_ended")


def find_open(run: UUID, *, user: str) -> frozenset[UUID]:
    """Return the questions of the user's run that can still be answered."""
    mine = ReadQuestion.objects.filter(run=run, user_id=user_id_of(user), answer="", ends_at__gt=timezone.now())
    return frozenset(mine.values_list("id", flat=True))


def list_allowed_connections(user: str, *, conversation: UUID, tool: str) -> frozenset[str]:
    """Return the accounts, by connection id, of which `tool` may read in `conversation` without asking again."""
    mine = ConversationAllowance.objects.filter(user_id=user_id_of(user), conversation=conversation, tool=tool)
    return frozenset(mine.values_list("connection", flat=True))


def list_allowances(user: str, *, provider: str) -> tuple[Allowance, ...]:
    """Return what the user allowed of `provider` for single conversations, the newest first."""
    rows = ConversationAllowance.objects.filter(user_id=user_id_of(user), provider=provider).order_by("-given_at")
    return tuple(Allowance(row.id, row.conversation, row.provider, row.tool, row.given_at) for row in rows)


def end_allowance(allowance: int, *, user: str) -> None:
    """Ask again from the next call on.

    Raises:
        AllowanceNotFoundError: It is gone already, or another user's.
        audit.errors.AuditUnavailableError: The change could not be recorded, and was not made.
    """
    with transaction.atomic(using="default"):
        mine = ConversationAllowance.objects.select_for_update().filter(id=allowance, user_id=user_id_of(user))
        row = mine.first()
        if row is None:
            raise AllowanceNotFoundError
        row.delete()
        event = Event.PERMISSION_ALLOWANCE_ENDED
        record(Entry(event=event, user=user, provider=row.provider, tool=row.tool, connection=row.connection))


def end_service(user: str, *, provider: str, connection: str = "") -> None:
    """End what the user allowed of a service for single conversations, and what it is still asked for.

    Where `connection` names an account, of that one alone. It follows from a revoke, which is on record and waits for
    nothing: what cannot be recorded here is done as well.
    """
    of = {"user_id": user_id_of(user), "provider": provider} | ({"connection": connection} if connection else {})
    ConversationAllowance.objects.filter(**of).delete()
    with transaction.atomic(using="default"):
        mine = ReadQuestion.objects.select_for_update().filter(**of, answer="")
        rows = list(mine.order_by("id"))
        ReadQuestion.objects.filter(id__in=[row.id for row in rows]).update(answer=Answer.UNANSWERED)
    for row in rows:
        try:
            record(replace(_entry(row, event=Event.PERMISSION_QUESTION_DENIED), reason="revoked"))
        except AuditUnavailableError:
            logger.exception("permissions.question_end_not_audited", extra={"run": str(row.run)})


def forget_conversations(conversations: Collection[UUID]) -> None:
    """Delete what was allowed and asked in conversations that are erased."""
    ConversationAllowance.objects.filter(conversation__in=conversations).delete()
    ReadQuestion.objects.filter(conversation__in=conversations).delete()


def forget_questions(*, before: datetime) -> None:
    """Delete the questions that ended before an instant; the audit keeps that they were put and answered."""
    ReadQuestion.objects.filter(ends_at__lt=before).delete()


def _settles(row: ReadQuestion, *, answer: Answer) -> Q:
    """Return which questions this answer is one to: of the same tool and account, and here or everywhere."""
    others = Q(user_id=row.user_id, tool=row.tool, connection=row.connection, answer="")
    match answer:
        case Answer.CONVERSATION:
            return Q(id=row.id) | (others & Q(conversation=row.conversation))
        case Answer.ALWAYS:
            return Q(id=row.id) | others
        case _:
            return Q(id=row.id)


def _close(rows: Iterable[ReadQuestion], *, answer: Answer, reason: str) -> None:
    is_yes = answer not in (Answer.NO, Answer.UNANSWERED)
    event = Event.PERMISSION_QUESTION_ALLOWED if is_yes else Event.PERMISSION_QUESTION_DENIED
    for row in rows:
        row.answer = answer.value
        row.save(update_fields=["answer"])
        record(replace(_entry(row, event=event), reason=reason))


def _keep(row: ReadQuestion, *, answer: Answer) -> None:
    """Make of the answer what holds beyond this call."""
    user = subject_of(row.user_id)
    if answer is Answer.ALWAYS:
        store.set_modes(user, provider=row.provider, modes={row.tool: Mode.ALLOW})
    elif answer is Answer.CONVERSATION:
        ConversationAllowance.objects.get_or_create(
            user_id=row.user_id,
            conversation=row.conversation,
            provider=row.provider,
            tool=row.tool,
            connection=row.connection,
        )


def _entry(row: ReadQuestion, *, event: Event) -> Entry:
    return Entry(
        event=event,
        user=subject_of(row.user_id),
        provider=row.provider,
        run=str(row.run),
        tool=row.tool,
        tool_call=row.tool_call,
        connection=row.connection,
    )
