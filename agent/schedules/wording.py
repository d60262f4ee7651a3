"""Schedules and what became of their due times, in their reader's words. Reads nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext, gettext_noop, ngettext

from agent.events import Coverage
from agent.schedules.types import Occurrence, OccurrenceState, Reason, Schedule
from agent.transcript import coverage_words, dollars
from agent.week_form import WEEKDAYS
from permissions.services import SERVICES

_EVERY_DAY = tuple(range(7))
_MONDAY_TO_FRIDAY = tuple(range(5))

_STATES = {
    OccurrenceState.DUE: (gettext_noop("Waits for its turn"), "", "clock"),
    OccurrenceState.RUNNING: (gettext_noop("Being answered"), "", "clock"),
    OccurrenceState.DONE: (gettext_noop("Done"), "good", "check"),
    OccurrenceState.FAILED: (gettext_noop("Failed"), "bad", "failed"),
    OccurrenceState.SKIPPED: (gettext_noop("Skipped"), "caution", "noted"),
}
_REASONS = {
    Reason.DAY_OFF: gettext_noop("It is not one of your working days."),
    Reason.HOLIDAY: gettext_noop("It is a public holiday."),
    Reason.OUT_OF_OFFICE: gettext_noop("Your calendar says that you are out of office."),
    Reason.PAUSED: gettext_noop("It was paused."),
    Reason.MISSED: gettext_noop(
        "DevContext was not running at the time, or it had to wait, and the next due time had come or was near."
    ),
    Reason.NOT_GRANTED: gettext_noop("It may not read anything: you have not allowed it to."),
    Reason.GRANT_EXPIRED: gettext_noop("Its permission to read has expired, so nothing was read."),
    Reason.GRANT_ENDED: gettext_noop("Its permission to read was ended, so nothing more was read."),
    Reason.BUDGET_SPENT: gettext_noop("Its budget of the day was spent."),
    Reason.OWNER_GONE: gettext_noop("The account could not sign in."),
    Reason.INTERRUPTED: gettext_noop("It was interrupted three times."),
    Reason.NEVER_BEGAN: gettext_noop("DevContext was stopped three times before it could begin, so nothing was read."),
    Reason.VAULT_UNAVAILABLE: gettext_noop("The token vault did not answer, so nothing was read."),
    Reason.AUDIT_UNAVAILABLE: gettext_noop("The audit could not be written, so nothing more was read."),
    Reason.RUN_FAILED: gettext_noop("The briefing could not be made; its page says why."),
    Reason.CLAUDE_BUSY: gettext_noop("Claude is overloaded or out of reach; it begins once that should be over."),
    Reason.SERVICE_BUSY: gettext_noop("A service that it reads asked for a pause; it begins once that is over."),
    Reason.TOO_MANY_RUNS: gettext_noop("As many of your questions are being answered as may be at once."),
}
# True of what a server left open that died, and of what waited for the vault, Claude or a service.
LATE = gettext_noop("Late: DevContext was not running when it was due, or it had to wait.")
_WITHOUT_MODEL = gettext_noop("Claude did not write it: the facts are told as they were read.")


@dataclass(frozen=True, slots=True)
class ScheduleState:
    """Whether a schedule works: a code, the word for it, and the tone and icon of its pill."""

    code: str
    word: str
    tone: str
    icon: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OccurrenceTold:
    """One due time as its page tells it; `notes` are whole sentences, `covered` as `Transcript.covered`."""

    id: UUID
    due_at: datetime
    state: str
    word: str
    tone: str
    icon: str
    notes: tuple[str, ...]
    changes: str
    covered: tuple[tuple[str, str, str], ...]
    cost: str
    run: UUID | None

    @property
    def is_going_on(self) -> bool:
        """Whether more is to come."""
        return self.state in {OccurrenceState.DUE, OccurrenceState.RUNNING}


def state_of(schedule: Schedule, *, now: datetime, is_ended: bool = False) -> ScheduleState:
    """Return whether a schedule works, and if not, the first thing that its owner would have to change.

    `is_ended` says that the vault knows no grant of it any more.
    """
    if is_ended and schedule.grant:
        return ScheduleState("ended", gettext("Leave to read ended"), "bad", "failed")
    if not schedule.grant or schedule.grant_expires_at is None:
        return ScheduleState("not_granted", gettext("May not read yet"), "caution", "noted")
    if schedule.grant_expires_at <= now:
        return ScheduleState("expired", gettext("Leave to read expired"), "bad", "failed")
    if schedule.is_paused_at(now):
        return ScheduleState("paused", gettext("Paused"), "caution", "pause")
    return ScheduleState("on", gettext("On"), "good", "check")


def days_of(weekdays: Sequence[int]) -> str:
    """Return days as people call them: `Every day`, `Monday to Friday`, or each by its name."""
    days = tuple(sorted(weekdays))
    if days == _EVERY_DAY:
        return gettext("Every day")
    if days == _MONDAY_TO_FRIDAY:
        return gettext("Monday to Friday")
    return ", ".join(str(WEEKDAYS[day]) for day in days)


def tell_occurrence(occurrence: Occurrence) -> OccurrenceTold:
    """Return what became of a due time, in words."""
    word, tone, icon = _STATES[occurrence.state]
    cost = occurrence.cost_micro_usd
    return OccurrenceTold(
        id=occurrence.id,
        due_at=occurrence.due_at,
        state=occurrence.state.value,
        word=gettext(word),
        tone=tone,
        icon=icon,
        notes=tuple(_notes(occurrence)),
        changes=changes_of(occurrence.changes),
        covered=tuple(map(_covered, occurrence.coverage)),
        cost="" if cost is None else dollars(cost),
        run=occurrence.run,
    )


def missed_words(number: int) -> str:
    """Return how many due times passed before the one that was caught up on, as a sentence."""
    words = ngettext(
        "{number} due time before it was missed: DevContext was not running, or it had to wait.",
        "{number} due times before it were missed: DevContext was not running, or it had to wait.",
        number,
    )
    return words.format(number=number)


def changes_of(counts: Mapping[str, int]) -> str:
    """Return what changed since the last briefing, in words; "" where nothing is known."""
    if not counts:
        return ""
    said = [_needs_me(counts)]
    if "new" not in counts:
        return "; ".join([gettext("The first of its kind"), *said])
    moved = {
        "new": ngettext("{number} new", "{number} new", counts["new"]),
        "changed": ngettext("{number} changed", "{number} changed", counts["changed"]),
        "gone": ngettext("{number} done or gone", "{number} done or gone", counts["gone"]),
    }
    changes = [words.format(number=counts[name]) for name, words in moved.items() if counts[name]]
    return "; ".join([*(changes or [gettext("Nothing changed")]), *said])


def _needs_me(counts: Mapping[str, int]) -> str:
    needs, carried = counts["needs_me"], counts["carried"]
    if not needs:
        return gettext("nothing needs you")
    said = ngettext("{number} needs you", "{number} need you", needs).format(number=needs)
    if not carried:
        return said
    day = counts["oldest_days"]
    return gettext("{needs}, {carried} of them told before, the oldest on day {day}").format(
        needs=said, carried=carried, day=day
    )


def _covered(one: Mapping[str, Any]) -> tuple[str, str, str]:
    coverage = Coverage(**one)
    service = SERVICES.get(coverage.provider)
    return coverage.provider, service.name if service else coverage.provider, coverage_words(coverage)


def _notes(occurrence: Occurrence) -> list[str]:
    notes = []
    if occurrence.is_asked:
        notes.append(gettext("You asked for it."))
    if occurrence.is_late:
        notes.append(gettext(LATE))
    if occurrence.missed:
        notes.append(missed_words(occurrence.missed))
    if occurrence.reason:
        notes.append(gettext(_reason(occurrence)))
    if occurrence.state is OccurrenceState.DONE and occurrence.is_told is False:
        notes.append(gettext("It met none of what you want to be told of, so it was kept quiet."))
    return notes


def _reason(occurrence: Occurrence) -> str:
    if occurrence.state is OccurrenceState.DONE:
        return _WITHOUT_MODEL
    return _REASONS.get(Reason(occurrence.reason), "") if occurrence.reason in set(Reason) else occurrence.reason
