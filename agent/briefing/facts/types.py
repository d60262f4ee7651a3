"""What is true of a person's work, as frozen values: ids, rules, instants, steps and numbers, and no provider's text.

Whoever shows a fact looks its title and people up in the readings, by its id.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from agent.briefing.working_week import WorkingWeek


class Rule(StrEnum):
    """Why a fact is one; each belongs to a section, and those of `risks` flag what other sections hold."""

    # needs_you
    CONFLICTS = "conflicts"
    CHECKS_FAILING = "checks_failing"
    CHANGES_REQUESTED = "changes_requested"
    READY_TO_MERGE = "ready_to_merge"
    REVIEW_OVERDUE = "review_overdue"
    ASKED = "asked"
    # since_last
    MERGED = "merged"
    OPENED = "opened"
    PUSHED = "pushed"
    REVIEWED = "reviewed"
    ISSUE_OPENED = "issue_opened"
    MENTIONED = "mentioned"
    MET = "met"
    # today
    MEETING = "meeting"
    EVENT = "event"
    FOCUS_TIME = "focus_time"
    ABSENCE = "absence"
    FREE_SLOT = "free_slot"
    # review_queue
    REVIEW_REQUESTED = "review_requested"
    TEAM_REVIEW_REQUESTED = "team_review_requested"
    # waiting_on_others
    AWAITS_REVIEW = "awaits_review"
    AWAITS_CHECKS = "awaits_checks"
    DRAFT = "draft"
    OPEN = "open"
    # slack, with mentioned
    DECISION = "decision"
    # plate
    ASSIGNED = "assigned"
    # risks
    RED_CI = "red_ci_over_24_hours"
    IDLE = "pull_request_idle_over_5_days"
    MERGE_CONFLICTS = "merge_conflicts"
    REVIEW_LATE = "review_over_24_hours"
    DOUBLE_BOOKING = "double_booking"
    UNANSWERED = "unanswered_mention_over_4_hours"


class NextStep(StrEnum):
    """What has to happen next, and by whom it is done: those for others begin with `wait`."""

    REVIEW = "review"
    REPLY = "reply"
    FIX_CONFLICTS = "fix_conflicts"
    FIX_CHECKS = "fix_checks"
    ADDRESS_REVIEW = "address_review"
    MERGE = "merge"
    FINISH_DRAFT = "finish_draft"
    ANSWER_INVITATION = "answer_invitation"
    CHOOSE_ONE = "choose_one"
    WAIT_FOR_REVIEW = "wait_for_review"
    WAIT_FOR_CHECKS = "wait_for_checks"


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that holds of one item.

    `id` is the item's evidence id. `since` is when it began, or for an event when it begins, in the user's zone, None
    where no item says; `age_hours` are the hours from then to the end of the window. `minutes` are an event's length,
    `lines` a pull request's changed lines. `related` are ids of other items. `day` counts the working days for which
    briefings have said the same, from 1; `is_unchanged` tells that the last one did.
    """

    id: str
    rule: Rule
    since: datetime | None = None
    age_hours: int | None = None
    next_step: NextStep | None = None
    related: tuple[str, ...] = ()
    minutes: int | None = None
    lines: int | None = None
    ci: str = ""
    day: int = 1
    is_unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """What a briefing is about: from `start` up to `end`, which is now; both in the zone of `week`.

    `is_since_briefing` tells that `start` is the user's last briefing of this kind, `is_asked` that they named it; else
    it is the begin of a day. `days_off` lie in between and are no working days.
    """

    start: datetime
    end: datetime
    week: WorkingWeek
    is_since_briefing: bool = False
    is_asked: bool = False
    days_off: tuple[date, ...] = ()

    @property
    def today(self) -> date:
        """The user's day at the end of the window."""
        return self.end.date()


@dataclass(frozen=True, slots=True)
class Today:
    """The rest of the user's day: `events` in order, `free` slots, and their sum, None where nobody looked."""

    events: tuple[Fact, ...] = ()
    free: tuple[Fact, ...] = ()
    free_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class MeetingPrep:
    """The next meeting, and at most three items that share words, numbers or people with it, the closest first."""

    meeting: Fact
    related: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """A fact as a later briefing remembers it: `first_at` is when a briefing first said it, without a break since."""

    id: str
    rule: Rule
    first_at: datetime


@dataclass(frozen=True, slots=True)
class FactSet:
    """What a briefing said at `made_at`, to be compared with the next one; empty before any."""

    made_at: datetime | None = None
    seen: tuple[Seen, ...] = ()


@dataclass(frozen=True, slots=True)
class Changes:
    """The set difference to the last briefing, by ids; `since` is when that was, None if there was none.

    `changed` holds for another reason than before. `gone` holds only what would have been seen: a source that was not
    read, or in part, makes nothing gone.
    """

    since: datetime | None = None
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[Seen, ...] = ()


@dataclass(frozen=True, slots=True)
class ServiceCoverage:
    """What was read of one service: `read`, or the code of why nothing was, as in `ToolErrorCode`.

    `is_partial` tells that something is missing: cut, warned of, or refused in part.
    """

    provider: str
    state: str
    items: int
    is_partial: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """All that one briefing can say.

    What holds until somebody acts stands in one section only (`needs_you`, `review_queue`, `waiting_on_others`,
    `plate`), and `risks` flag it there. `plate` are the issues assigned to the user, `next_day` the events of the next
    working day, as far as it was read. `fact_set` is what the next briefing is compared with.
    """

    window: Window
    needs_you: tuple[Fact, ...] = ()
    since_last: tuple[Fact, ...] = ()
    today: Today = Today()
    next_day: tuple[Fact, ...] = ()
    review_queue: tuple[Fact, ...] = ()
    waiting_on_others: tuple[Fact, ...] = ()
    plate: tuple[Fact, ...] = ()
    meeting_prep: MeetingPrep | None = None
    slack: tuple[Fact, ...] = ()
    risks: tuple[Fact, ...] = ()
    changes: Changes = Changes()
    coverage: tuple[ServiceCoverage, ...] = ()
    fact_set: FactSet = FactSet()

    def states(self) -> Iterator[Fact]:
        """Yield the facts that hold until somebody acts: those that changes are told of."""
        yield from self.needs_you
        yield from self.review_queue
        yield from self.waiting_on_others
        yield from self.plate
        yield from self.risks
