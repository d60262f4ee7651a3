"""Deletes what was read for a person once its time is over; their questions, and the answers as shown, stay."""

import json
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from agent import earlier, holds, memory, store
from agent.schedules import occurrences
from permissions import questions

# Enough to be quick; each run is a transaction of its own, so that nobody waits long for the database.
_BATCH = 100
# What became of a due time, and the inbox's line of it: no content, and nobody looks back for longer than a year.
_KEPT = timedelta(days=366)
# With these a page shows question and answer; the others tell how it came to be.
_LASTING = frozenset({"run.started", "run.window", "block.final", "run.finished", "run.stopped", "run.failed"})


@dataclass(frozen=True, slots=True)
class Expired:
    """How many runs lost what was read for them, and how many items of evidence and sets of facts were deleted."""

    runs: int
    evidence: int
    facts: int


def expire_content() -> Expired:
    """Delete what was read longer ago than `CONTENT_RETENTION_DAYS`, and its facts. Sync; safe to run twice at once."""
    before = timezone.now() - timedelta(days=settings.CONTENT_RETENTION_DAYS)
    runs = 0
    while batch := store.list_expired_runs(before=before, limit=_BATCH):
        for run in batch:
            store.expire_run(run, lasting=_is_lasting)
        runs += len(batch)
    questions.forget_questions(before=before)
    holds.forget(before=timezone.now())
    occurrences.forget(before=timezone.now() - _KEPT)
    return Expired(runs=runs, evidence=earlier.expire_evidence(before=before), facts=memory.forget_facts(before=before))


def _is_lasting(frame: str) -> bool:
    return json.loads(frame)["type"] in _LASTING
