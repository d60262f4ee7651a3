"""What a server that died left open: one briefing of it, told to be late; what a newer due time took over is missed."""

from datetime import UTC, datetime, timedelta

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from agent import store as runs
from agent.schedule_models import Occurrence as Row
from agent.schedule_models import Schedule as ScheduleRow
from agent.schedules import making, occurrences, queueing
from agent.schedules.types import Claim, Ending, Occurrence, OccurrenceState, Reason, Schedule
from agent.types import RunStatus
from audit.models import AuditEvent
from tests.agent.conftest import request_of, start
from tests.agent.schedules.conftest import due_row, load, make_due_row, make_schedule

pytestmark = pytest.mark.django_db(databases=["default", "audit"], transaction=True)

# A Monday.
MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
NINE = MONDAY + timedelta(hours=9)
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
THURSDAY_NOON = MONDAY + 3 * DAY + 12 * HOUR


@pytest.fixture
def daily(alice: User) -> Schedule:
    """A schedule of alice's, whose due time on Monday at nine is made."""
    schedule = make_schedule(alice, now=MONDAY)
    making.make_due(now=NINE)
    return schedule


def newest(schedule: Schedule) -> Occurrence:
    return occurrences.list_occurrences(schedule.id, user=schedule.user)[0]


def claim(occurrence: Occurrence, *, now: datetime) -> Claim:
    claimed = occurrences.claim(occurrence.id, now=now)
    assert claimed is not None
    return claimed


def told(schedule: Schedule) -> list[tuple[str, OccurrenceState, str, int]]:
    """Return (day, state, reason, missed) of what there is of a schedule, the oldest first."""
    found = reversed(occurrences.list_occurrences(schedule.id, user=schedule.user))
    return [(f"{one.due_at:%a}", one.state, one.reason, one.missed) for one in found]


def skips() -> list[tuple[str, str]]:
    return list(AuditEvent.objects.order_by("id").values_list("event", "reason"))


MISSED = ("Mon", OccurrenceState.SKIPPED, Reason.MISSED, 0)


@pytest.mark.parametrize("was_begun", [False, True], ids=["due", "running"])
def test_after_three_days_what_the_server_died_of_is_missed_and_one_briefing_begins_late(
    daily: Schedule, was_begun: bool
) -> None:
    monday = newest(daily)
    dead = claim(monday, now=NINE + 5 * MINUTE) if was_begun else None
    making.make_due(now=THURSDAY_NOON)
    assert told(daily) == [MISSED, ("Thu", OccurrenceState.DUE, "", 3)]
    thursday = newest(daily)
    assert occurrences.list_to_begin(now=THURSDAY_NOON, limit=9) == (thursday.id,)
    assert claim(thursday, now=THURSDAY_NOON).occurrence.is_late
    assert skips() == [("agent:schedule:skipped", "missed")]
    if dead:
        assert not occurrences.end(dead, ending=Ending(state=OccurrenceState.DONE), now=THURSDAY_NOON)


def test_what_was_missed_before_what_is_missed_now_is_counted_too(daily: Schedule) -> None:
    making.make_due(now=THURSDAY_NOON)
    making.make_due(now=THURSDAY_NOON + 2 * DAY)
    assert told(daily)[1:] == [
        ("Thu", OccurrenceState.SKIPPED, Reason.MISSED, 3),
        ("Sat", OccurrenceState.DUE, "", 5),
    ]
    assert len(skips()) == 2


def test_what_waited_is_taken_over_by_the_next_one_as_well(daily: Schedule) -> None:
    claimed = claim(newest(daily), now=NINE + 5 * MINUTE)
    occurrences.put_back(claimed, until=NINE + 2 * DAY, reason=Reason.CLAUDE_BUSY)
    making.make_due(now=NINE + DAY)
    assert told(daily) == [MISSED, ("Tue", OccurrenceState.DUE, "", 1)]


@pytest.mark.parametrize("was_begun", [False, True], ids=["due", "running"])
def test_what_was_left_open_is_missed_within_the_hour_before_the_next(daily: Schedule, was_begun: bool) -> None:
    if was_begun:
        claim(newest(daily), now=NINE + 5 * MINUTE)
    making.make_due(now=NINE + DAY - 61 * MINUTE)
    assert skips() == [], "the next one is not near yet"
    making.make_due(now=NINE + DAY - 30 * MINUTE)
    making.make_due(now=NINE + DAY)
    assert told(daily) == [MISSED, ("Tue", OccurrenceState.DUE, "", 0)]
    assert skips() == [("agent:schedule:skipped", "missed")]


def test_what_waits_a_little_is_not_missed_though_the_next_one_is_near(daily: Schedule) -> None:
    ScheduleRow.objects.update(next_due_at=NINE + 30 * MINUTE)
    making.make_due(now=NINE + 9 * MINUTE)
    assert told(daily) == [("Mon", OccurrenceState.DUE, "", 0)]


async def test_a_worker_that_looks_before_any_tick_begins_nothing_that_a_newer_due_time_takes_over(
    alice: User,
) -> None:
    """As after a start, when messages may come before the first tick, or another process leads."""
    now = timezone.now()
    schedule = await sync_to_async(make_schedule)(alice, now=now - 3 * DAY)
    old = await make_due_row(schedule, due_at=now - 4 * DAY, begins_at=now - 4 * DAY)
    # Whoever runs one says so and asks no service.
    await ScheduleRow.objects.aupdate(grant="")
    await queueing.run_next()
    assert (await load(old)).reason == Reason.MISSED


def test_what_is_being_answered_is_left_to_whoever_answers_it(daily: Schedule) -> None:
    claimed = claim(newest(daily), now=NINE + DAY - MINUTE)
    making.make_due(now=NINE + DAY)
    assert [state for _, state, _, _ in told(daily)] == [OccurrenceState.RUNNING, OccurrenceState.DUE]
    assert occurrences.end(claimed, ending=Ending(state=OccurrenceState.DONE), now=NINE + DAY)
    assert skips() == []


def test_what_was_asked_for_by_hand_and_other_schedules_are_not_missed(daily: Schedule, alice: User) -> None:
    asked = occurrences.ask_now(daily, now=NINE + MINUTE)
    other = due_row(make_schedule(alice, now=MONDAY + 30 * DAY), due_at=NINE)
    making.make_due(now=THURSDAY_NOON)
    states = dict(Row.objects.values_list("id", "state"))
    assert states[asked.id] == states[other.id] == OccurrenceState.DUE


def test_a_briefing_that_was_made_and_not_told_when_its_process_died_is_still_told(
    daily: Schedule, alice: User
) -> None:
    claimed = claim(newest(daily), now=NINE + 5 * MINUTE)
    ticket = start(request_of(alice, text="Brief me"))
    runs.end_run(ticket.run, status=RunStatus.FINISHED, last=(1, "{}"), answer="Done.", turns=())
    assert occurrences.note_run(claimed, run=ticket.run)
    making.make_due(now=THURSDAY_NOON)
    assert [state for _, state, _, _ in told(daily)] == [OccurrenceState.RUNNING, OccurrenceState.DUE]
    assert claimed.occurrence.id in occurrences.list_to_begin(now=THURSDAY_NOON, limit=9)


@pytest.mark.parametrize("was_killed", [False, True], ids=["given back", "killed"])
def test_what_is_begun_again_hours_later_is_late(daily: Schedule, was_killed: bool) -> None:
    first = claim(newest(daily), now=NINE + 5 * MINUTE)
    assert not first.occurrence.is_late
    if not was_killed:
        occurrences.put_back(first, until=NINE + 6 * MINUTE)
    assert claim(first.occurrence, now=NINE + 3 * HOUR).occurrence.is_late


def test_what_waited_for_a_while_is_late(daily: Schedule) -> None:
    first = claim(newest(daily), now=NINE + 5 * MINUTE)
    occurrences.put_back(first, until=NINE + 25 * MINUTE, reason=Reason.SERVICE_BUSY)
    assert not newest(daily).is_late, "it still waits"
    assert claim(first.occurrence, now=NINE + 25 * MINUTE).occurrence.is_late


def test_waiting_counts_from_its_first_try_and_anew_after_a_time_in_which_nothing_ran(daily: Schedule) -> None:
    now = NINE + 5 * MINUTE
    for _ in range(3):
        claimed = claim(newest(daily), now=now)
        assert claimed.occurrence.tried_since == NINE + 5 * MINUTE
        now += 8 * MINUTE
        occurrences.put_back(claimed, until=now, reason=Reason.VAULT_UNAVAILABLE)
    again = claim(newest(daily), now=now + 3 * HOUR)
    assert again.occurrence.tried_since == now + 3 * HOUR


def test_a_claim_of_a_process_that_died_counts_as_waiting_for_as_long_as_others_look(daily: Schedule) -> None:
    first = claim(newest(daily), now=NINE + 5 * MINUTE)
    soon = claim(first.occurrence, now=NINE + 7 * MINUTE)
    assert soon.occurrence.tried_since == NINE + 5 * MINUTE
    assert claim(first.occurrence, now=NINE + 3 * HOUR).occurrence.tried_since == NINE + 3 * HOUR
