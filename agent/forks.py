"""Forks: a new conversation that begins as another one was up to one of its answers.

Everything is opened and sealed again for its new place. What was read keeps its age, so that a copy is deleted when the
original is; nothing is read anew, and no copy outlives the time that `agent.retention` gives.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.utils.translation import gettext as _

from agent.errors import RunNotFoundError
from agent.models import Conversation, Event, Evidence, Run, Turn
from agent.sealing import Place, seal, unseal
from agent.store import TITLE_CHARACTERS
from agent.types import RunStatus

# They tell of a moment that is over; what came of it is told by the events that follow them.
_PASSING = frozenset({"block.tail", "step.progress"})


@dataclass(frozen=True, slots=True)
class _Copied:
    """A run to copy, and the id of its copy."""

    row: Run
    id: UUID


def fork(run: UUID, *, user: int) -> UUID:
    """Begin a conversation with what was asked and answered up to `run`, and return its id.

    The messages stay as they were, in their order, so that the model's signatures of them hold. The audit keeps what
    the original runs did; `copy_of` in the first event of a copy says which that was.

    Raises:
        RunNotFoundError: The run is not this user's, or it has not answered.
        ContentClosedError: Something of it does not open.
    """
    with transaction.atomic(using="default"):
        mine = Run.objects.filter(user_id=user, conversation__deleted_at=None).select_related("conversation")
        last = mine.filter(id=run, status=RunStatus.FINISHED).first()
        if last is None:
            raise RunNotFoundError
        into = _begin(last.conversation)
        copied = [_Copied(row, uuid4()) for row in (*_earlier(last), last)]
        _copy_runs(copied, into=into)
        cited = {evidence for one in copied for evidence in _copy_events(one)}
        for one in copied:
            _copy_turns(one)
        _copy_evidence(last.conversation_id, into=into.id, cited=cited)
    return into.id


def _begin(original: Conversation) -> Conversation:
    title = unseal(original.sealed_title, place=Place("conversation.title", original.id))
    # Cut first, so that the end, which tells it from the original, is always there.
    name = _("%(title)s (fork)") % {"title": title[: TITLE_CHARACTERS - len(_("%(title)s (fork)") % {"title": ""})]}
    new = uuid4()
    sealed = seal(name[:TITLE_CHARACTERS], place=Place("conversation.title", new))
    return Conversation.objects.create(id=new, user_id=original.user_id, sealed_title=sealed)


def _earlier(last: Run) -> Iterator[Run]:
    """Yield what the conversation held before `last`: not what another run took the place of, nor what goes on."""
    before = last.conversation.runs.filter(replacement=None, started_at__lt=last.started_at)
    yield from before.exclude(status=RunStatus.RUNNING).order_by("started_at")


def _copy_runs(copied: Iterable[_Copied], *, into: Conversation) -> None:
    rows = [_run_row(one, into=into) for one in copied]
    Run.objects.bulk_create(rows)
    # Creating a row dates it now; the order of a conversation and the time that its content is kept go by the original.
    for one, row in zip(copied, rows, strict=True):
        row.started_at = one.row.started_at
    Run.objects.bulk_update(rows, ["started_at"], batch_size=100)


def _run_row(one: _Copied, *, into: Conversation) -> Run:
    row = one.row
    return Run(
        id=one.id,
        conversation=into,
        user_id=row.user_id,
        key=uuid4().hex,
        sealed_question=_seal_again(row.sealed_question, "run.question", one),
        status=row.status,
        model=row.model,
        is_simulated=row.is_simulated,
        recipe=row.recipe,
        recipe_version=row.recipe_version,
        sealed_answer=_seal_again(row.sealed_answer, "run.answer", one) if row.sealed_answer else b"",
        owner=row.owner,
        heartbeat_at=row.heartbeat_at,
        begins_history=row.begins_history,
        prefix=row.prefix,
        expired_at=row.expired_at,
    )


def _seal_again(sealed: bytes | memoryview, column: str, one: _Copied, position: int | str = "") -> bytes:
    text = unseal(sealed, place=Place(column, one.row.id, position))
    return seal(text, place=Place(column, one.id, position))


def _copy_events(one: _Copied) -> set[str]:
    """Copy the run's events, numbered without gaps, and return the ids of what they say was read or cited."""
    rows: list[Event] = []
    cited: set[str] = set()
    stored = Event.objects.filter(run=one.row).order_by("seq").values_list("seq", "sealed_frame")
    for seq, sealed in stored:
        frame = json.loads(unseal(sealed, place=Place("event.frame", one.row.id, seq)))
        if frame.get("type") in _PASSING:
            continue
        cited |= _ids_in(frame)
        number = len(rows) + 1
        text = json.dumps(_readdressed(frame, one=one, seq=number), separators=(",", ":"), ensure_ascii=False)
        sealed_again = seal(text, place=Place("event.frame", one.id, number))
        rows.append(Event(run_id=one.id, seq=number, sealed_frame=sealed_again))
    Event.objects.bulk_create(rows)
    return cited


def _readdressed(frame: dict[str, Any], *, one: _Copied, seq: int) -> dict[str, Any]:
    frame |= {"run": str(one.id), "seq": seq}
    if frame.get("type") == "run.started":
        # What it replaced stayed behind. A copy of a copy names the run that read, which the audit knows.
        frame |= {"replaces": "", "copy_of": frame.get("copy_of") or str(one.row.id)}
    return frame


def _ids_in(frame: dict[str, Any]) -> set[str]:
    """Return the evidence that an event names: by id alone, or as whole items."""
    return {item["id"] if isinstance(item, dict) else item for item in frame.get("evidence", ())}


def _copy_turns(one: _Copied) -> None:
    stored = Turn.objects.filter(run=one.row).values_list("position", "role", "sealed_content")
    Turn.objects.bulk_create(
        Turn(
            run_id=one.id,
            position=position,
            role=role,
            sealed_content=_seal_again(sealed, "turn.content", one, position),
        )
        for position, role, sealed in stored
    )


def _copy_evidence(original: UUID, *, into: UUID, cited: set[str]) -> None:
    """Copy what the copied answers may cite; it is forgotten when the original is."""
    stored = Evidence.objects.filter(conversation_id=original)
    rows = list(stored.values_list("evidence_id", "provider", "sealed_item", "seen_at"))
    Evidence.objects.bulk_create(
        Evidence(
            conversation_id=into,
            evidence_id=evidence,
            provider=provider,
            sealed_item=seal(
                unseal(sealed, place=Place("evidence.item", original, evidence)),
                place=Place("evidence.item", into, evidence),
            ),
            seen_at=seen_at,
        )
        for evidence, provider, sealed, seen_at in rows
        if evidence in cited
    )
