"""Frozen values of schedules; no model instance leaves `agent.schedules.store`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from agent.briefing.lengths import Length
from agent.schedules.due import jitter_of
from audit.events import SCHEDULE_PREFIX

# Past its due time by more than a tick, the jitter and a short queue, a briefing is told to be late; and for so long
# nothing that may begin is left alone, unless nobody looks.
LATE_AFTER = timedelta(minutes=10)


class Condition(StrEnum):
    """When a briefing is told: always, only if something changed since the last, only if something needs its owner."""

    ALWAYS = "always"
    IF_CHANGED = "if_changed"
    IF_NEEDS_ME = "if_needs_me"


class OccurrenceState(StrEnum):
    """Where a due time is in its life; every state but the first two is final."""

    DUE = "due"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


_UNANSWERED = frozenset({OccurrenceState.DUE, OccurrenceState.SKIPPED})


class Reason(StrEnum):
    """Why a due time was skipped or its briefing failed, as its page and the audit tell it."""

    DAY_OFF = "day_off"
    HOLIDAY = "holiday"
    OUT_OF_OFFICE = "out_of_office"
    PAUSED = "paused"
    MISSED = "missed"
    NOT_GRANTED = "not_granted"
    GRANT_EXPIRED = "grant_expired"
    GRANT_ENDED = "grant_ended"
    BUDGET_SPENT = "budget_spent"
    OWNER_GONE = "owner_gone"
    INTERRUPTED = "interrupted"
    NEVER_BEGAN = "never_began"
    VAULT_UNAVAILABLE = "vault_unavailable"
    AUDIT_UNAVAILABLE = "audit_unavailable"
    RUN_FAILED = "run_failed"
    # Why one that is due waits.
    CLAUDE_BUSY = "claude_busy"
    SERVICE_BUSY = "service_busy"
    TOO_MANY_RUNS = "too_many_runs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an owner says of a schedule; fields as in `agent.schedule_models.Schedule`."""

    name: str
    recipe: str
    weekdays: tuple[int, ...]
    at: time
    time_zone: str
    length: Length = Length.FULL
    keeps_week: bool = True
    skips_holidays: bool = True
    country: str = ""
    subdivision: str = ""
    skips_out_of_office: bool = False
    condition: Condition = Condition.ALWAYS
    quiet_from: time | None = None
    quiet_until: time | None = None
    daily_budget_micro_usd: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """A schedule of `user`, a row id: its owner's words, and where it stands."""

    id: UUID
    user: int
    draft: Draft
    is_paused: bool
    paused_until: datetime | None
    grant: str
    granted_at: datetime | None
    grant_expires_at: datetime | None
    next_due_at: datetime | None
    created_at: datetime

    @property
    def agent(self) -> str:
        """The name of the agent that acts for it: the only one that its grant lets act."""
        return f"{SCHEDULE_PREFIX}{self.id.hex}"

    def begins_at(self, due_at: datetime) -> datetime:
        """Return when what is due then begins."""
        return due_at + jitter_of(self.id)

    def is_paused_at(self, now: datetime) -> bool:
        """Tell whether nothing of it begins now."""
        return self.is_paused or (self.paused_until is not None and now < self.paused_until)


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """One due time and what became of it; fields as in `agent.schedule_models.Occurrence`."""

    id: UUID
    schedule: UUID
    due_at: datetime
    begins_at: datetime
    is_asked: bool
    missed: int
    state: OccurrenceState
    reason: str
    attempts: int
    run: UUID | None
    started_at: datetime | None
    tried_since: datetime | None
    ended_at: datetime | None
    cost_micro_usd: int | None
    coverage: Sequence[Mapping[str, Any]]
    changes: Mapping[str, int]
    is_told: bool | None

    @property
    def is_late(self) -> bool:
        """Whether what answers it began so late that its readers are told; what waits or was skipped says why."""
        if self.is_asked or self.started_at is None or self.state in _UNANSWERED:
            return False
        return self.started_at - self.due_at > LATE_AFTER


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run an occurrence until its lease ends; `owner` is this claim's own, and fences older ones."""

    occurrence: Occurrence
    schedule: Schedule
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an occurrence ended."""

    state: OccurrenceState
    reason: str = ""
    cost_micro_usd: int | None = None
    coverage: Sequence[Mapping[str, Any]] = ()
    changes: Mapping[str, int] = field(default_factory=dict)
    is_told: bool | None = None
