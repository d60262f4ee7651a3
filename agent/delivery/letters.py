"""What is told of an occurrence: the briefing as its schedule wants it, or in one sentence why there is none. Sync."""

from collections.abc import Mapping
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_noop

from agent import store as runs
from agent.briefing.document import Document, parse
from agent.briefing.lengths import shorten
from agent.delivery.errors import NeverError
from agent.delivery.types import Channel, Claim, Failure, Letter
from agent.errors import ContentClosedError, RunNotFoundError
from agent.schedules import occurrences
from agent.schedules import store as schedules
from agent.schedules.errors import ScheduleNotFoundError
from agent.schedules.types import Occurrence, OccurrenceState, Reason, Schedule
from agent.schedules.wording import LATE, missed_words
from agent.types import RunAnswer

_NOTICES: Mapping[str, str] = {
    Reason.GRANT_EXPIRED: gettext_noop(
        "Nothing was read: this schedule's permission to read has expired. Renew it to be briefed again."
    ),
    Reason.GRANT_ENDED: gettext_noop(
        "Nothing was read: this schedule's permission to read was ended. Give it a new one to be briefed again."
    ),
    Reason.VAULT_UNAVAILABLE: gettext_noop("Nothing was read: the token vault did not answer."),
    Reason.AUDIT_UNAVAILABLE: gettext_noop("There is no briefing: the audit timeline could not be written."),
    Reason.NEVER_BEGAN: gettext_noop("Nothing was read: DevContext was stopped three times before it could begin."),
    Reason.INTERRUPTED: gettext_noop("There is no briefing: DevContext was stopped while it was made."),
}
_FAILED = gettext_noop("There is no briefing: making it failed. Its page says how far it came.")


def notice_of(*, state: str, reason: str, is_late: bool, missed: int) -> str:
    """Return what is to be said before a briefing, or instead of one; "" where it speaks for itself."""
    if state == OccurrenceState.DONE:
        return " ".join([*([gettext(LATE)] if is_late else []), *([missed_words(missed)] if missed else [])])
    return gettext(_NOTICES.get(reason, _FAILED))


def write(claimed: Claim) -> Letter:
    """Return the letter of a delivery.

    Raises:
        NeverError: The briefing was deleted, or does not open.
    """
    found = occurrences.load_schedule_of(claimed.occurrence)
    if found is None:
        raise NeverError(Failure.BRIEFING_GONE)
    occurrence, schedule = found
    answer = _answer_of(occurrence, schedule=schedule)
    due_at = occurrence.due_at.astimezone(ZoneInfo(schedule.draft.time_zone))
    return Letter(
        id=claimed.id,
        user=schedule.user,
        title=gettext("{name}, {date}").format(name=schedule.draft.name, date=date_format(due_at, gettext("j F Y"))),
        at=due_at,
        state=occurrence.state,
        reason=occurrence.reason,
        notice=notice_of(
            state=occurrence.state, reason=occurrence.reason, is_late=occurrence.is_late, missed=occurrence.missed
        ),
        document=_document_of(answer, schedule=schedule) if answer else None,
        page=page_of(occurrence.run),
        is_simulated=_has_stand_ins() or (answer is not None and answer.is_simulated),
    )


def write_test(channel: Channel) -> Letter:
    """Return a letter that shows that a channel works; raises `agent.delivery.errors.NeverError` as `write` does."""
    try:
        schedule = schedules.load(channel.schedule, user=channel.user)
    except ScheduleNotFoundError:
        raise NeverError(Failure.CHANNEL_GONE) from None
    now = timezone.now()
    return Letter(
        # Its own, and not the channel's: two tests are two messages.
        id=UUID(int=channel.id.int ^ int(now.timestamp() * 1000)),
        user=channel.user,
        title=gettext("Test of “{name}”").format(name=schedule.draft.name),
        at=now.astimezone(ZoneInfo(schedule.draft.time_zone)),
        state="test",
        reason="",
        notice=gettext("This is a test. Briefings of this schedule will arrive like it."),
        document=None,
        page=page_of(None),
        is_simulated=_has_stand_ins(),
        is_test=True,
    )


def page_of(run: UUID | None) -> str:
    """Return the address of a briefing, or of the inbox where there is none."""
    return f"{settings.APP_URL}{reverse('agent:run', args=(run,)) if run else reverse('agent:inbox')}"


def _answer_of(occurrence: Occurrence, *, schedule: Schedule) -> RunAnswer | None:
    if occurrence.state != OccurrenceState.DONE:
        return None
    if occurrence.run is None:
        raise NeverError(Failure.BRIEFING_GONE)
    try:
        return runs.load_answer(occurrence.run, user=schedule.user)
    except RunNotFoundError:
        raise NeverError(Failure.BRIEFING_GONE) from None
    except ContentClosedError:
        raise NeverError(Failure.NOT_OPENED) from None


def _document_of(answer: RunAnswer, *, schedule: Schedule) -> Document:
    return shorten(parse(answer.text, evidence=answer.evidence), length=schedule.draft.length)


def _has_stand_ins() -> bool:
    return any(provider.is_sandbox for provider in settings.PROVIDERS.values())
