"""Due times in the tables: one each however many look, claimed by one, ended by its holder alone. Time is given."""

import threading
from datetime import UTC, datetime, time, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User

from agent.models import Run
from agent.schedule_models import Occurrence as Row
from agent.schedule_models import Schedule as ScheduleRow
from agent.schedules import making, occurrences, store
from agent.schedules.due import LONGEST_JITTER_SECONDS
from agent.schedules.fairness import Waiting, in_turn
from agent.schedules.types import Ending, OccurrenceState, Schedule
from audit.models import AuditEvent
from tests.agent.schedules.conftest import at_once, due_row, grant, make_schedule

pytestmark = pytest.mark.django_db(databases=["default", "audit"], transaction=True)

# A Monday.
MONDAY = datetime(2026, 5, 4, tzinfo=UTC)
NINE = MONDAY + timedelta(hours=9)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
DONE = Ending(state=OccurrenceState.DONE)


def made(schedule: Schedule) -> list[tuple[str, OccurrenceState, str, int]]:
    """Return (day and time, state, reason, missed) of what was made of a schedule, the oldest first."""
    found = reversed(occurrences.list_occurrences(schedule.id, user=schedule.user))
    return [(f"{one.due_at:%a %H:%M}", one.state, one.reason, one.missed) for one in found]


def test_a_due_time_is_made_once_and_begins_a_little_later(alice: User) -> None:
    schedule = make_schedule(alice, now=MONDAY)
    assert schedule.next_due_at == NINE
    making.make_due(now=NINE - timedelta(seconds=1))
    assert made(schedule) == []
    for _ in range(3):
        making.make_due(now=NINE)
    assert made(schedule) == [("Mon 09:00", OccurrenceState.DUE, "", 0)]
    (occurrence,) = occurrences.list_occurrences(schedule.id, user=alice.pk)
    assert timedelta(0) <= occurrence.begins_at - NINE <= timedelta(seconds=LONGEST_JITTER_SECONDS)
    assert store.load(schedule.id, user=alice.pk).next_due_at == NINE + DAY


def test_eight_ticks_at_once_make_one_occurrence_for_each_schedule(alice: User, bob: User) -> None:
    schedules = [make_schedule(user, now=MONDAY) for user in (alice, bob) for _ in range(5)]
    at_once(lambda: making.make_due(now=NINE))
    assert Row.objects.count() == len(schedules)
    assert Row.objects.values("schedule").distinct().count() == len(schedules)


def test_eight_claims_at_once_give_one(alice: User) -> None:
    occurrence = due_row(make_schedule(alice, now=MONDAY), begins_at=NINE)
    claims = at_once(lambda: occurrences.claim(occurrence.id, now=NINE))
    assert sum(claim is not None for claim in claims) == 1
    assert Row.objects.get(id=occurrence.id).attempts == 1


def test_claims_at_once_of_one_persons_many_give_two(alice: User) -> None:
    waiting = [due_row(make_schedule(alice, now=MONDAY), begins_at=NINE).id for _ in range(6)]
    places = iter(waiting)
    lock = threading.Lock()

    def claim_next() -> bool:
        with lock:
            occurrence = next(places)
        return occurrences.claim(occurrence, now=NINE) is not None

    assert sum(map(bool, at_once(claim_next, threads=6))) == occurrences.MAX_PER_USER


def test_nothing_is_claimed_before_it_begins_or_after_it_ended(alice: User) -> None:
    occurrence = due_row(make_schedule(alice, now=MONDAY), begins_at=NINE)
    assert occurrences.claim(occurrence.id, now=NINE - timedelta(seconds=1)) is None
    assert occurrences.claim(uuid4(), now=NINE) is None
    claimed = occurrences.claim(occurrence.id, now=NINE)
    assert claimed is not None
    assert occurrences.end(claimed, ending=DONE, now=NINE)
    assert occurrences.claim(occurrence.id, now=NINE + DAY) is None


def test_who_lost_the_claim_has_no_say_any_more(alice: User) -> None:
    """A process that was stopped for a minute and goes on must not end what another one runs."""
    schedule = make_schedule(alice, now=MONDAY)
    occurrence = due_row(schedule, begins_at=NINE)
    slow = occurrences.claim(occurrence.id, now=NINE)
    assert slow is not None
    assert occurrences.claim(occurrence.id, now=NINE + occurrences.LEASE) is None
    assert occurrences.renew(slow, now=NINE + occurrences.LEASE)
    late = NINE + 2 * occurrences.LEASE
    assert occurrences.claim(occurrence.id, now=late) is None, "it was renewed"
    quick = occurrences.claim(occurrence.id, now=late + timedelta(seconds=1))
    assert quick is not None
    assert not occurrences.renew(slow, now=late)
    assert not occurrences.note_run(slow, run=uuid4())
    assert not occurrences.end(slow, ending=Ending(state=OccurrenceState.FAILED), now=late)
    occurrences.put_back(slow, until=late)
    assert Row.objects.get(id=occurrence.id).state == OccurrenceState.RUNNING
    assert occurrences.end(quick, ending=DONE, now=late)
    assert Run.objects.count() == 0


def test_after_three_days_without_a_server_the_last_one_is_made_up_for_late_and_the_others_are_counted(
    alice: User,
) -> None:
    schedule = make_schedule(alice, now=MONDAY)
    making.make_due(now=MONDAY + timedelta(days=3, hours=12))
    assert made(schedule) == [("Thu 09:00", OccurrenceState.DUE, "", 3)]
    (occurrence,) = occurrences.list_occurrences(schedule.id, user=alice.pk)
    claimed = occurrences.claim(occurrence.id, now=MONDAY + timedelta(days=3, hours=12))
    assert claimed is not None
    assert claimed.occurrence.is_late
    assert store.load(schedule.id, user=alice.pk).next_due_at == NINE + 4 * DAY


def test_what_was_missed_is_not_made_up_for_within_the_hour_before_the_next(alice: User) -> None:
    schedule = make_schedule(alice, now=MONDAY)
    making.make_due(now=NINE + DAY - 30 * MINUTE)
    making.make_due(now=NINE + DAY)
    assert made(schedule) == [
        ("Mon 09:00", OccurrenceState.SKIPPED, "missed", 0),
        ("Tue 09:00", OccurrenceState.DUE, "", 0),
    ]


def test_a_few_minutes_are_not_late(alice: User) -> None:
    schedule = make_schedule(alice, now=MONDAY)
    making.make_due(now=NINE + 5 * MINUTE)
    (occurrence,) = occurrences.list_occurrences(schedule.id, user=alice.pk)
    claimed = occurrences.claim(occurrence.id, now=NINE + 6 * MINUTE)
    assert claimed is not None
    assert not claimed.occurrence.is_late


def test_a_holiday_is_skipped_with_its_reason_and_on_record(alice: User) -> None:
    """Friday, 1 May 2026, and the weekend after it."""
    thursday = MONDAY - 4 * DAY
    schedule = make_schedule(alice, now=thursday, country="DE", keeps_week=True)
    making.make_due(now=thursday + timedelta(hours=9))
    Row.objects.update(state=OccurrenceState.DONE)
    for day in range(1, 5):
        making.make_due(now=thursday + timedelta(days=day, hours=9))
    assert made(schedule) == [
        ("Thu 09:00", OccurrenceState.DONE, "", 0),
        ("Fri 09:00", OccurrenceState.SKIPPED, "holiday", 0),
        ("Sat 09:00", OccurrenceState.SKIPPED, "day_off", 0),
        ("Sun 09:00", OccurrenceState.SKIPPED, "day_off", 0),
        ("Mon 09:00", OccurrenceState.DUE, "", 0),
    ]
    rows = AuditEvent.objects.order_by("id").values_list("event", "user", "reason")
    assert list(rows) == [
        ("agent:schedule:skipped", f"user:{alice.pk}", why) for why in ("holiday", "day_off", "day_off")
    ]


def test_a_pause_makes_nothing_due_until_it_ends_and_nothing_is_caught_up_on(alice: User) -> None:
    schedule = make_schedule(alice, now=MONDAY)
    until = MONDAY + timedelta(days=2, hours=10)
    assert store.set_pause(schedule.id, user=alice.pk, is_paused=False, until=until, now=MONDAY).next_due_at == (
        NINE + 3 * DAY
    )
    assert store.set_pause(schedule.id, user=alice.pk, is_paused=True, until=None, now=MONDAY).next_due_at is None
    making.make_due(now=NINE + DAY)
    resumed = store.set_pause(schedule.id, user=alice.pk, is_paused=False, until=None, now=NINE + DAY)
    assert (made(schedule), resumed.next_due_at) == ([], NINE + 2 * DAY)


def test_a_time_that_is_changed_to_and_fro_is_due_once(alice: User) -> None:
    schedule = make_schedule(alice, now=MONDAY)
    making.make_due(now=NINE)
    for at in (10, 9):
        draft = store.load(schedule.id, user=alice.pk).draft
        changed = type(draft)(**{**{name: getattr(draft, name) for name in draft.__slots__}, "at": time(at)})
        store.change(schedule.id, user=alice.pk, draft=changed, now=NINE - MINUTE)
    making.make_due(now=NINE)
    assert made(schedule) == [("Mon 09:00", OccurrenceState.DUE, "", 0)]


@pytest.mark.parametrize(("is_paused", "states"), [(False, [OccurrenceState.DUE]), (True, [])])
def test_what_came_due_just_before_its_owner_changed_something_is_made_all_the_same(
    alice: User, is_paused: bool, states: list[OccurrenceState]
) -> None:
    schedule = make_schedule(alice, now=MONDAY)
    store.set_grant(schedule.id, user=alice.pk, grant=grant(MONDAY + 90 * DAY), now=NINE + MINUTE)
    if is_paused:
        store.set_pause(schedule.id, user=alice.pk, is_paused=True, until=None, now=NINE + MINUTE)
    making.make_due(now=NINE + MINUTE)
    assert [state for _, state, _, _ in made(schedule)] == states


def test_one_schedule_that_cannot_be_reckoned_does_not_keep_the_others_from_being_made(alice: User) -> None:
    bad, good = make_schedule(alice, now=MONDAY), make_schedule(alice, now=MONDAY)
    ScheduleRow.objects.filter(id=bad.id).update(time_zone="Atlantis/Capital")
    making.make_due(now=NINE)
    assert (made(good)[0][1], Row.objects.count()) == (OccurrenceState.DUE, 1)


def test_everybodys_first_comes_before_anybodys_second_the_oldest_first() -> None:
    def waiting(number: int, user: int, minute: int) -> Waiting:
        return Waiting(UUID(int=number), user, NINE + minute * MINUTE)

    rows = [waiting(1, 1, 0), waiting(2, 1, 0), waiting(3, 1, 0), waiting(4, 2, 5), waiting(5, 3, 4)]

    def order(running: dict[int, int], *, done: dict[int, int] | None = None, limit: int = 9) -> list[int]:
        return [one.int for one in in_turn(rows, running=running, done=done or {}, per_user=2, limit=limit)]

    assert order({}) == [1, 5, 4, 2]
    assert order({1: 1}) == [5, 4, 1]
    assert order({1: 2, 2: 1}) == [5, 4]
    assert order({}, limit=2) == [1, 5]
    assert order({}, done={1: 1, 3: 1}) == [4, 1, 5, 2], "two had their first turn already"


def test_nobody_waits_for_more_turns_than_others_take() -> None:
    """However the waiting are mixed: of two people, neither begins twice more than the other while both wait."""
    dice = Random("fair")  # noqa: S311  (no secret)
    for _ in range(200):
        rows = [
            Waiting(UUID(int=number), dice.randrange(5), NINE + dice.randrange(60) * MINUTE) for number in range(40)
        ]
        owner = {row.id: row.user for row in rows}
        order = [owner[one] for one in in_turn(rows, running={}, done={}, per_user=3, limit=40)]
        assert max(order.count(user) for user in range(5)) <= 3
        for length in range(len(order)):
            taken = [order[:length].count(user) for user in range(5)]
            waits = [user for user in range(5) if user in order[length:]]
            assert all(max(taken) - taken[user] <= 1 for user in waits)


def test_what_waits_is_listed_in_turn_without_what_is_not_yet_to_begin(alice: User, bob: User) -> None:
    mine = [due_row(make_schedule(alice, now=MONDAY), begins_at=NINE + number * MINUTE) for number in range(3)]
    theirs = due_row(make_schedule(bob, now=MONDAY), begins_at=NINE + 2 * MINUTE)
    later = due_row(make_schedule(bob, now=MONDAY), begins_at=NINE + 5 * MINUTE)
    now = NINE + 3 * MINUTE
    assert occurrences.list_to_begin(now=now, limit=9) == (mine[0].id, theirs.id, mine[1].id)
    assert occurrences.find_next_begin(after=now) == later.begins_at
    occurrences.claim(mine[0].id, now=now)
    lease_ends_at = now + occurrences.LEASE
    next_begin = occurrences.find_next_begin(after=now)
    assert next_begin is not None
    assert lease_ends_at < next_begin < later.begins_at, "whoever holds it may be dead"
    assert mine[0].id in occurrences.list_to_begin(now=next_begin, limit=9)
    assert occurrences.list_to_begin(now=now, limit=9) == (theirs.id, mine[1].id)
    long_after = now + occurrences.LEASE + MINUTE
    assert mine[0].id in occurrences.list_to_begin(now=long_after, limit=9), "its process died"


def test_who_had_their_turn_waits_for_those_who_had_none(alice: User, bob: User) -> None:
    """One at a time: with thirty schedules that are due a moment before, nobody keeps the others waiting for hours."""
    mine = [due_row(make_schedule(alice, now=MONDAY), begins_at=NINE + number * MINUTE) for number in range(3)]
    theirs = due_row(make_schedule(bob, now=MONDAY), begins_at=NINE + 3 * MINUTE)
    now, order = NINE + 4 * MINUTE, []
    for number in range(4):
        (turn,) = occurrences.list_to_begin(now=now + number * MINUTE, limit=1)
        order.append(turn)
        claimed = occurrences.claim(turn, now=now + number * MINUTE)
        assert claimed
        assert occurrences.end(claimed, ending=Ending(state=OccurrenceState.DONE), now=now + number * MINUTE)
    assert order == [mine[0].id, theirs.id, mine[1].id, mine[2].id]
