"""A user's conversations as they keep them: listed, opened, searched, renamed, pinned, deleted, and erased in the end.

Short sync functions, each its own transaction, as in `agent.store`; nobody else's conversation is ever there. A deleted
one is not there either, but for `restore`.
"""

import json
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, OuterRef, QuerySet, Subquery
from django.utils import timezone

from agent.errors import ContentClosedError, RunNotFoundError
from agent.models import Conversation, Event, Run
from agent.paging import LISTED
from agent.sealing import Place, seal, unseal
from agent.search import Query, Said
from agent.store import TITLE_CHARACTERS
from agent.types import ConversationRow, RunStatus
from permissions import questions

# As many as the rail shows without becoming a page of its own.
_RECENT = 20
# How long a deleted conversation can be brought back: long enough to notice, short enough to be meant.
UNDO_FOR = timedelta(minutes=10)
# What a search looks at.
_SAID = ("id", "conversation_id", "started_at", "conversation__sealed_title", "sealed_question", "sealed_answer")
# In the place of a title whose key is missing: the page still lists the conversation.
CLOSED_TITLE = "(cannot be opened)"


def has_any(user: int) -> bool:
    """Tell whether the user has asked something that is not erased; what they deleted a moment ago counts."""
    return Conversation.objects.filter(user_id=user).exists()


def list_recent(user: int) -> list[ConversationRow]:
    """Return the user's pinned conversations, and after them the newest others, as many as the rail shows."""
    rows = _shown(user).order_by(F("pinned_at").desc(nulls_last=True), "-updated_at")
    return [_open(row) for row in rows[:_RECENT]]


def list_pinned(user: int) -> list[ConversationRow]:
    """Return the user's pinned conversations, the last pinned first."""
    return [_open(row) for row in _shown(user).exclude(pinned_at=None).order_by("-pinned_at")]


def list_page(user: int, *, before: datetime | None) -> list[ConversationRow]:
    """Return the newest conversations that are not pinned and were last asked something before `before`.

    As many as `agent.paging.page_of` takes.
    """
    rows = _shown(user).filter(pinned_at=None)
    if before is not None:
        rows = rows.filter(updated_at__lt=before)
    return [_open(row) for row in rows.order_by("-updated_at")[:LISTED]]


def load_conversation(conversation: UUID, *, user: int) -> tuple[ConversationRow, list[UUID]]:
    """Return the conversation and the ids of its runs, oldest first, without those whose place another took.

    Raises:
        RunNotFoundError: It is not this user's.
    """
    row = _shown(user).filter(id=conversation).first()
    if row is None:
        raise RunNotFoundError
    runs = list(row.runs.filter(replacement=None).order_by("started_at").values_list("id", flat=True))
    return _open(row), runs


def list_titles(user: int, *, conversations: Collection[UUID]) -> dict[UUID, str]:
    """Return by id the titles of those of `conversations` that the user has."""
    return {row.id: _open(row).title for row in _shown(user).filter(id__in=conversations)}


def rename(conversation: UUID, *, user: int, title: str) -> None:
    """Give the conversation the title, on one line and cut where the rail would; an empty one changes nothing.

    Raises:
        RunNotFoundError: It is not this user's.
    """
    short = " ".join(title.split())[:TITLE_CHARACTERS]
    if not short:
        # An answer that differs would tell whose conversation it is.
        if not _shown(user).filter(id=conversation).exists():
            raise RunNotFoundError
        return
    _change(conversation, user=user, sealed_title=seal(short, place=_title_place(conversation)))


def pin(conversation: UUID, *, user: int, is_pinned: bool) -> None:
    """Keep the conversation above the others, or no longer.

    Raises:
        RunNotFoundError: It is not this user's.
    """
    _change(conversation, user=user, pinned_at=timezone.now() if is_pinned else None)


def delete(conversation: UUID, *, user: int) -> None:
    """Show the conversation no more and stop its run; it is erased once `UNDO_FOR` has passed.

    Raises:
        RunNotFoundError: It is not this user's.
    """
    _change(conversation, user=user, deleted_at=timezone.now())
    Run.objects.filter(conversation_id=conversation, status=RunStatus.RUNNING).update(is_stop_asked=True)


def restore(conversation: UUID, *, user: int) -> None:
    """Take a deletion back.

    Raises:
        RunNotFoundError: It is not this user's, or it is too late.
    """
    deleted = Conversation.objects.filter(id=conversation, user_id=user, deleted_at__gte=timezone.now() - UNDO_FOR)
    if not deleted.update(deleted_at=None):
        raise RunNotFoundError


def find_deleted(conversation: UUID, *, user: int) -> ConversationRow | None:
    """Return a conversation that the user deleted and can still bring back."""
    deleted = Conversation.objects.filter(id=conversation, user_id=user, deleted_at__gte=timezone.now() - UNDO_FOR)
    row = deleted.first()
    return _open(row) if row else None


def erase_deleted(*, now: datetime) -> int:
    """Erase the conversations that cannot be brought back any more, and return how many those were."""
    gone = Conversation.objects.filter(deleted_at__lt=now - UNDO_FOR)
    # A run that is still going on writes into its conversation; it was asked to stop, and the next round is soon.
    ids = list(gone.exclude(runs__status=RunStatus.RUNNING).values_list("id", flat=True))
    Conversation.objects.filter(id__in=ids).delete()
    questions.forget_conversations(ids)
    return len(ids)


def list_said(user: int, *, query: Query) -> Iterator[Said]:
    """Yield what was asked and answered in the user's runs that `query` lets through by what stands in the open.

    Newest first, one run at a time, so that nobody opens more than is looked at. What does not open is passed over.
    """
    runs = _shown_runs(user).filter(**query.filters()).order_by("-started_at")
    columns = [*_SAID]
    if query.services:
        last = Event.objects.filter(run=OuterRef("pk")).order_by("-seq")
        runs = runs.annotate(last_seq=Subquery(last.values("seq")[:1]), last=Subquery(last.values("sealed_frame")[:1]))
        columns += ["last_seq", "last"]
    # Values and no instances, and each title once: ten thousand runs are opened for one search.
    titles: dict[UUID, str] = {}
    for run, conversation, started_at, title, question, answer, *last_event in runs.values_list(*columns).iterator(
        chunk_size=500
    ):
        try:
            yield Said(
                run=run,
                conversation=conversation,
                title=titles.get(conversation) or titles.setdefault(conversation, _open_title(title, of=conversation)),
                question=unseal(question, place=Place("run.question", run)),
                answer=unseal(answer, place=Place("run.answer", run)) if answer else "",
                started_at=started_at,
                services=_services_of(run, *last_event) if query.services else frozenset(),
            )
        except ContentClosedError:
            continue


def _services_of(run: UUID, seq: int | None, sealed: bytes | memoryview | None) -> frozenset[str]:
    """Return the services that the run read, by its last event."""
    if sealed is None or seq is None:
        return frozenset()
    last = json.loads(unseal(sealed, place=Place("event.frame", run, seq)))
    return frozenset(one["provider"] for one in last.get("coverage", ()) if one["state"] == "read")


def _shown(user: int) -> QuerySet[Conversation]:
    return Conversation.objects.filter(user_id=user, deleted_at=None)


def _shown_runs(user: int) -> QuerySet[Run]:
    return Run.objects.filter(user_id=user, conversation__deleted_at=None, replacement=None)


def _change(conversation: UUID, *, user: int, **fields: object) -> None:
    """Change a row without touching when it was last asked something."""
    if not _shown(user).filter(id=conversation).update(**fields):
        raise RunNotFoundError


def _title_place(conversation: UUID) -> Place:
    return Place("conversation.title", conversation)


def _open_title(sealed: bytes | memoryview, *, of: UUID) -> str:
    try:
        return unseal(sealed, place=_title_place(of))
    except ContentClosedError:
        return CLOSED_TITLE


def _open(row: Conversation) -> ConversationRow:
    return ConversationRow(
        id=row.id,
        title=_open_title(row.sealed_title, of=row.id),
        started_at=row.created_at,
        updated_at=row.updated_at,
        is_pinned=row.pinned_at is not None,
    )
