"""What was said and read before in a conversation: the turns that the model gets back, and what answers may cite.

Short sync functions, each its own transaction, as in `agent.store`. Content goes in sealed and comes out opened.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Max, QuerySet

from agent.events import Evidence, TurnAdded
from agent.models import Evidence as EvidenceRow
from agent.models import Run, Turn
from agent.sealing import Place, seal, unseal
from agent.types import RunStatus


@dataclass(frozen=True, slots=True)
class Earlier:
    """What came before in a conversation: `messages` as `list_history` has them, `evidence` as `list_evidence` does.

    `prefixes` are the marks that the messages were signed under (`agent.prefix`).
    """

    messages: list[dict[str, Any]]
    evidence: dict[str, Evidence]
    prefixes: frozenset[str]


def load_earlier(conversation: UUID) -> Earlier:
    """Return what came before in the conversation.

    Raises:
        ContentClosedError: Something of it does not open.
    """
    prefixes = frozenset(_going_on(conversation).values_list("prefix", flat=True))
    return Earlier(list_history(conversation), list_evidence(conversation), prefixes)


def _going_on(conversation: UUID) -> QuerySet[Run]:
    """Return the runs whose turns the model gets back: finished, in their place, and since the last new beginning."""
    finished = Run.objects.filter(conversation_id=conversation, status=RunStatus.FINISHED, replacement=None)
    begun_at = finished.filter(begins_history=True).aggregate(at=Max("started_at"))["at"]
    return finished.filter(started_at__gte=begun_at) if begun_at else finished


def list_history(conversation: UUID) -> list[dict[str, Any]]:
    """Return the messages of the conversation's finished runs, oldest first, as the Messages API takes them.

    A run that failed or was stopped leaves no message behind: half a turn cannot be continued. Nor does one whose place
    another took.

    Raises:
        ContentClosedError: One of them does not open.
    """
    finished = _going_on(conversation)
    turns = Turn.objects.filter(run__in=finished).order_by("run__started_at", "position")
    messages = [
        {"role": role, "content": json.loads(unseal(sealed, place=Place("turn.content", run, position)))}
        for run, position, role, sealed in turns.values_list("run_id", "position", "role", "sealed_content")
    ]
    # Once the oldest turns are gone, no signature fits what is left; without its thinking, a message needs none.
    is_cut = finished.exclude(expired_at=None).exists()
    return [_without_thinking(message) for message in messages] if is_cut else messages


def _without_thinking(message: dict[str, Any]) -> dict[str, Any]:
    """Source: https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking#turn-validation."""
    if not isinstance(message["content"], list):
        return message
    kept = [block for block in message["content"] if block["type"] not in ("thinking", "redacted_thinking")]
    return message | {"content": kept}


def turn_rows(run: UUID, turns: Iterable[TurnAdded]) -> list[Turn]:
    """Return the rows of a run's turns, in their order, for a transaction of the caller's own."""
    return [_turn_row(run, position=position, turn=turn) for position, turn in enumerate(turns)]


def _turn_row(run: UUID, *, position: int, turn: TurnAdded) -> Turn:
    sealed = seal(json.dumps(turn.content, separators=(",", ":")), place=Place("turn.content", run, position))
    return Turn(run_id=run, position=position, role=turn.role, sealed_content=sealed)


def list_evidence(conversation: UUID) -> dict[str, Evidence]:
    """Return what answers of this conversation may cite, by evidence id.

    Raises:
        ContentClosedError: One of them does not open.
    """
    rows = EvidenceRow.objects.filter(conversation_id=conversation)
    return {row.evidence_id: _open_evidence(row) for row in rows}


def _open_evidence(row: EvidenceRow) -> Evidence:
    title, url = json.loads(unseal(row.sealed_item, place=_evidence_place(row.conversation_id, row.evidence_id)))
    return Evidence(id=row.evidence_id, provider=row.provider, title=title, url=url)


def _evidence_place(conversation: UUID, evidence: str) -> Place:
    return Place("evidence.item", conversation, evidence)


def keep_evidence(conversation: UUID, items: Iterable[Evidence]) -> None:
    """Remember what answers of this conversation may cite, and when it was read last."""
    rows = [
        EvidenceRow(
            conversation_id=conversation,
            evidence_id=item.id,
            provider=item.provider,
            sealed_item=seal(json.dumps([item.title, item.url]), place=_evidence_place(conversation, item.id)),
        )
        for item in items
    ]
    EvidenceRow.objects.bulk_create(
        {row.evidence_id: row for row in rows}.values(),
        update_conflicts=True,
        unique_fields=["conversation", "evidence_id"],
        update_fields=["sealed_item", "seen_at"],
    )


def expire_evidence(*, before: datetime) -> int:
    """Delete what no tool has returned since `before`, and return how many items those were."""
    count, _ = EvidenceRow.objects.filter(seen_at__lt=before).delete()
    return count
