"""From the tick to the briefing, by quarters of an hour, over changes of the clocks, leap days and ends of months.

The clock of the tick is turned here; the days lie behind, so that what it makes may begin at once.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from asgiref.sync import async_to_sync

from agent.delivery_models import Delivery
from agent.models import Run
from agent.schedule_models import Occurrence as Row
from agent.schedule_models import Schedule as ScheduleRow
from agent.schedules import owning, queueing, store
from agent.schedules.running import run_occurrence
from agent.schedules.types import OccurrenceState, Schedule
from agent.types import RunStatus
from devcontext.celery import app
from devcontext.lifespan import shut_down
from devcontext.tasks import run_next_briefing_task
from tests.agent.schedules.conftest import due_row
from vault.client import Asker

pytestmark = pytest.mark.django_db(databases=["default", "vault", "audit"], transaction=True)

QUARTER = timedelta(minutes=15)


@dataclass(frozen=True)
class Days:
    """Three days of a zone, the wall time that is wanted, and the instants, in UTC, at which it is due."""

    zone: str
    at: str
    first: date
    instants: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.zone} {self.first}"


CASES = (
    # Clocks go from 02:00 to 03:00 on 30 March.
    Days("Europe/Berlin", "02:30", date(2025, 3, 29), ("03-29 01:30", "03-30 01:00", "03-31 00:30")),
    # They show 02:30 twice on 26 October.
    Days("Europe/Berlin", "02:30", date(2025, 10, 25), ("10-25 00:30", "10-26 00:30", "10-27 01:30")),
    Days("America/New_York", "02:15", date(2025, 3, 8), ("03-08 07:15", "03-09 07:00", "03-10 06:15")),
    Days("America/New_York", "01:15", date(2025, 11, 1), ("11-01 05:15", "11-02 05:15", "11-03 06:15")),
    # By half an hour, at 02:00 on 5 October.
    Days("Australia/Lord_Howe", "02:15", date(2025, 10, 4), ("10-03 15:45", "10-04 15:30", "10-05 15:15")),
    # At midnight, so that 9 March begins at one.
    Days("America/Havana", "00:30", date(2025, 3, 8), ("03-08 05:30", "03-09 05:00", "03-10 04:30")),
    Days("UTC", "09:00", date(2024, 2, 28), ("02-28 09:00", "02-29 09:00", "03-01 09:00")),
    Days("Asia/Kathmandu", "00:15", date(2025, 2, 27), ("02-26 18:30", "02-27 18:30", "02-28 18:30")),
    Days("Pacific/Kiritimati", "23:45", date(2024, 12, 30), ("12-30 09:45", "12-31 09:45", "01-01 09:45")),
)


@pytest.fixture(params=CASES, ids=str)
def days(request: pytest.FixtureRequest) -> Days:
    found: Days = request.param
    return found


@pytest.fixture
def at_work() -> Iterator[None]:
    """Let tasks run where they are sent, as a worker that is never busy."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


def turn_the_clock(schedule: Schedule, *, days: Days) -> Counter[datetime]:
    """Tick at each quarter of the three days, twice, and return at which of them something was made, and how much.

    What was made is run before the clock goes on: what a newer due time finds waiting is missed.
    """
    zone = ZoneInfo(days.zone)
    start = datetime.combine(days.first, time.min, tzinfo=zone).astimezone(UTC)
    end = datetime.combine(days.first + timedelta(days=3), time.min, tzinfo=zone).astimezone(UTC)
    _begin_at(schedule, days=days, start=start)
    made, now, before = Counter[datetime](), start, 0
    while now < end:
        for _ in range(2):
            queueing.tick(lambda: None, now=now)
        count = Row.objects.count()
        made[now] += count - before
        if made[now]:
            async_to_sync(_run_all)()
        now, before = now + QUARTER, count
    return +made


def _begin_at(schedule: Schedule, *, days: Days, start: datetime) -> None:
    """Let a schedule be as its owner left it before these days."""
    ScheduleRow.objects.filter(id=schedule.id).update(at=time.fromisoformat(days.at), time_zone=days.zone)
    asker = Asker(user=f"user:{schedule.user}", sid="a-session", auth_time=1.0)
    grant = async_to_sync(owning.find_grant)(asker, schedule)
    store.set_grant(schedule.id, user=schedule.user, grant=grant, now=start - QUARTER)


def instants(days: Days) -> list[datetime]:
    found = [datetime.strptime(f"{days.first.year}-{text} +0000", "%Y-%m-%d %H:%M %z") for text in days.instants]
    return [at if at >= found[0] else at.replace(year=at.year + 1) for at in found]


async def _run_all() -> None:
    try:
        async for row in Row.objects.filter(state=OccurrenceState.DUE):
            await run_occurrence(row.id)
    finally:
        await shut_down()


def test_each_due_time_is_made_when_it_comes_and_briefed_once(schedule: Schedule, days: Days) -> None:
    made = turn_the_clock(schedule, days=days)
    assert made == dict.fromkeys(instants(days), 1)
    rows = list(Row.objects.order_by("due_at"))
    assert [row.due_at for row in rows] == instants(days)
    assert {(row.state, row.missed, row.attempts) for row in rows} == {(OccurrenceState.DONE, 0, 1)}
    assert [run.status for run in Run.objects.all()] == [RunStatus.FINISHED] * 3


def test_by_the_tasks_of_a_worker_they_are_briefed_and_told_once_as_well(schedule: Schedule, at_work: None) -> None:
    for at in instants(CASES[0]):
        due_row(schedule, due_at=at, begins_at=at)
    # One message: each task calls the next, and the deliveries.
    run_next_briefing_task.delay()
    assert [row.due_at for row in Row.objects.filter(state="done").order_by("due_at")] == instants(CASES[0])
    assert Run.objects.filter(status=RunStatus.FINISHED).count() == 3
    assert [row.state for row in Delivery.objects.all()] == ["delivered"] * 3
