"""Frozen values that `agent.store` hands out; no model instance leaves the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from uuid import UUID

from agent.briefing.facts.types import FactSet
from agent.briefing.working_week import MONDAY_TO_FRIDAY
from agent.events import Evidence

# Who acts for a user who is there; a schedule's agent has a name of its own.
ATTENDED_AGENT = "agent:devcontext"


class RunStatus(StrEnum):
    """Where a run is in its life; every status but `RUNNING` is final."""

    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class RunTicket:
    """A run that was started, or that its key had started before (`is_new` is False)."""

    run: UUID
    conversation: UUID
    is_new: bool


@dataclass(frozen=True, slots=True)
class ConversationRow:
    """A conversation as a page lists it; `updated_at` is when it was last asked something."""

    id: UUID
    title: str
    started_at: datetime
    updated_at: datetime
    is_pinned: bool = False


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One question, whoever asks it.

    `user` is the row id of the asking user and `subject` the same user as vault and audit know it; `auth_time` is when
    they signed in to session `sid`, in seconds since the epoch; `agent` is who acts for them at the vault; `key` makes
    sending it twice harmless; `conversation` is None for a new one; `time_zone` is an IANA name. `recipe` names the
    recipe to follow, "" for whichever the words ask for, if any; `since` is where its window begins, None for where the
    recipe says. `replaces` is the last run of the conversation where this one takes its place. `can_be_asked` tells
    that the user sees the run on a page where they can be asked whether a tool may read.
    """

    user: int
    subject: str
    sid: str
    auth_time: float
    user_name: str
    key: str
    text: str
    conversation: UUID | None
    time_zone: str
    recipe: str = ""
    since: datetime | None = None
    replaces: UUID | None = None
    agent: str = ATTENDED_AGENT
    can_be_asked: bool = False


@dataclass(frozen=True, slots=True)
class RunAnswer:
    """What a run answered: Markdown with links to its `evidence`, by id, and who answered."""

    run: UUID
    conversation: UUID
    text: str
    evidence: Mapping[str, Evidence]
    model: str
    is_simulated: bool
    question: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as its own page heads it; `replacement` is the run that took its place.

    `has_expired` tells that how it came to be was deleted: question and answer are left.
    """

    id: UUID
    conversation: UUID
    started_at: datetime
    replacement: UUID | None
    has_expired: bool


@dataclass(frozen=True, slots=True)
class Past:
    """The user's last briefings by one recipe: what the very last said, and when the last one before today was made."""

    fact_set: FactSet | None = None
    last_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WeekSettings:
    """The working week as its user chose it: weekdays from 0, Monday; "" or None where they left something open.

    `standup_time` is a time of day in their zone: a schedule for their standup begins with it.
    """

    weekdays: tuple[int, ...] = MONDAY_TO_FRIDAY
    country: str = ""
    subdivision: str = ""
    time_zone: str = ""
    standup_time: time | None = None
