"""Schedules of alice and of the demo's user, whose three services a sandbox holds."""

import threading
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections as databases
from django.utils import timezone

from agent.schedule_models import Occurrence as OccurrenceRow
from agent.schedule_models import Schedule as ScheduleRow
from agent.schedules import occurrences, owning, store
from agent.schedules.types import Draft, Occurrence, OccurrenceState, Schedule
from permissions import switch
from vault.client import Asker, Grant

EVERY_DAY = tuple(range(7))
SERVICES = ("github", "google-calendar", "slack")

MakeSchedule = Callable[..., Schedule]


def draft(**changes: Any) -> Draft:
    """Return what an owner says: every day at nine in the morning, UTC."""
    fields = {"name": "Standup", "recipe": "standup", "weekdays": EVERY_DAY, "at": time(9), "time_zone": "UTC"}
    return Draft(**{**fields, "keeps_week": False, **changes})


def asker_of(user: User) -> Asker:
    """Return somebody who is there."""
    return Asker(user=f"user:{user.pk}", sid="a-session", auth_time=1.0)


def grant(until: datetime) -> Grant:
    """Return a grant of which no vault knows."""
    return Grant("grant_1", "agent:schedule:1", ("github",), ("github_activity",), timezone.now(), until)


def make_schedule(user: User, *, now: datetime, **changes: Any) -> Schedule:
    """Return a schedule that is due from `now` on, by a grant of which no vault knows."""
    made = store.create(user.pk, draft=draft(**changes))
    return store.set_grant(made.id, user=user.pk, grant=grant(now + timedelta(days=300)), now=now)


def due_row(schedule: Schedule, **changes: Any) -> Occurrence:
    """Return an occurrence that is due now, as a tick leaves it."""
    now = timezone.now()
    fields = {"due_at": now, "begins_at": now, "state": OccurrenceState.DUE}
    return occurrences.occurrence_of(OccurrenceRow.objects.create(schedule_id=schedule.id, **{**fields, **changes}))


make_due_row = sync_to_async(due_row)


@sync_to_async
def load(occurrence: Occurrence) -> Occurrence:
    """Return the occurrence as it is now."""
    return occurrences.occurrence_of(OccurrenceRow.objects.get(id=occurrence.id))


@sync_to_async
def change_schedule(schedule: Schedule, **fields: Any) -> None:
    """Change columns of a schedule behind its owner's back."""
    assert ScheduleRow.objects.filter(id=schedule.id).update(**fields)


@sync_to_async
def change_occurrence(occurrence: Occurrence, **fields: Any) -> None:
    """Change columns of an occurrence, as time or a dead process would."""
    assert OccurrenceRow.objects.filter(id=occurrence.id).update(**fields)


def at_once(work: Callable[[], object], *, threads: int = 8) -> list[object]:
    """Do the same in many threads at the same moment, each with connections of its own, and return what each got."""
    ready, results, errors = threading.Barrier(threads), [], []

    def one() -> None:
        ready.wait()
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001  (whatever it is, the test tells it)
            errors.append(error)
        finally:
            databases.close_all()

    running = [threading.Thread(target=one) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert errors == []
    return results


async def granted_schedule(user: User, *, providers: tuple[str, ...] = SERVICES, **changes: Any) -> Schedule:
    """Return a schedule to which its owner gave a grant, with each of the services allowed while they are away."""
    asker = asker_of(user)
    for provider in providers:
        await switch.set_away(**asker, provider=provider, is_allowed=True)
    made = await owning.create(asker, draft=draft(**changes))
    expires_at = timezone.now() + timedelta(days=30)
    return await owning.give_grant(asker, made.id, providers=providers, expires_at=expires_at)


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", "bob@example.org", "correct horse battery")


@pytest_asyncio.fixture
async def schedule(maya: User) -> Schedule:
    """A schedule of the demo's user that may read all three services."""
    return await granted_schedule(maya)
