"""What owners do with schedules: only with their own, and never more than they said."""

from collections.abc import Awaitable, Callable
from datetime import time, timedelta
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from agent.schedule_models import Schedule as Row
from agent.schedules import occurrences, owning, store
from agent.schedules.errors import (
    BadScheduleError,
    NoGrantError,
    ScheduleNotFoundError,
    TooManySchedulesError,
)
from agent.schedules.types import Schedule
from permissions import grants
from permissions.pages import Asker
from tests.agent.schedules.conftest import asker_of, draft, granted_schedule, make_due_row
from vault.client import VaultError

pytestmark = pytest.mark.django_db(databases=["default", "vault", "audit"], transaction=True)

DAY = timedelta(days=1)


async def test_a_schedule_is_due_once_it_has_a_grant_and_no_more_once_that_is_ended(maya: User) -> None:
    asker = asker_of(maya)
    made = await owning.create(asker, draft=draft(name="Mornings"))
    assert (made.draft.name, made.next_due_at) == ("Mornings", None)
    expires_at = timezone.now() + DAY
    given = await owning.give_grant(asker, made.id, providers=["github"], expires_at=expires_at)
    assert given.next_due_at is not None
    grant = await owning.find_grant(asker, given)
    assert grant is not None
    assert (grant.agent, grant.providers, grant.expires_at) == (made.agent, ("github",), expires_at)
    assert grant.tools == owning.tools_of(["github"])
    ended = await owning.end_grant(asker, made.id)
    assert (ended.grant, ended.next_due_at) == ("", None)
    assert await grants.list_grants(**asker) == ()


async def test_a_grant_is_renewed_in_its_place_and_given_anew_once_it_was_ended(maya: User) -> None:
    schedule = await granted_schedule(maya, providers=("github",))
    asker, until = asker_of(maya), timezone.now() + 60 * DAY
    renewed = await owning.give_grant(asker, schedule.id, providers=["github", "slack"], expires_at=until)
    assert (renewed.grant, renewed.grant_expires_at) == (schedule.grant, until)
    await grants.end(**asker, grant=schedule.grant)
    anew = await owning.give_grant(asker, schedule.id, providers=["github"], expires_at=until)
    assert anew.grant != schedule.grant


async def test_narrowing_takes_away_and_never_adds(maya: User) -> None:
    schedule, asker = await granted_schedule(maya, providers=("github", "slack")), asker_of(maya)
    await owning.narrow_grant(asker, schedule.id, providers=["slack", "google-calendar"], tools=["slack_mentions"])
    grant = await owning.find_grant(asker, schedule)
    assert grant is not None
    assert (grant.providers, grant.tools, grant.expires_at) == (
        ("slack",),
        ("slack_mentions",),
        schedule.grant_expires_at,
    )
    emptied = await owning.narrow_grant(asker, schedule.id, providers=["google-calendar"])
    assert emptied.grant == ""
    with pytest.raises(NoGrantError):
        await owning.narrow_grant(asker, schedule.id, providers=["slack"])


async def test_a_deleted_schedule_leaves_no_grant(maya: User) -> None:
    schedule, asker = await granted_schedule(maya), asker_of(maya)
    await make_due_row(schedule)
    await owning.delete(asker, schedule.id)
    assert await grants.list_grants(**asker) == ()
    assert await sync_to_async(store.list_schedules)(maya.pk) == ()


async def test_what_the_vault_does_not_confirm_is_not_noted(maya: User, settings: Any) -> None:
    asker = asker_of(maya)
    made = await owning.create(asker, draft=draft())
    with pytest.raises(VaultError):
        await owning.give_grant(asker, made.id, providers=["gitlab"], tools=["x"], expires_at=timezone.now() + DAY)
    assert (await sync_to_async(store.load)(made.id, user=maya.pk)).grant == ""


ACTS: dict[str, Callable[[Asker, UUID], Awaitable[Any]]] = {
    "change": lambda asker, schedule: owning.change(asker, schedule, draft=draft()),
    "give": lambda asker, schedule: owning.give_grant(
        asker, schedule, providers=["github"], expires_at=timezone.now() + DAY
    ),
    "narrow": lambda asker, schedule: owning.narrow_grant(asker, schedule, providers=["github"]),
    "end": owning.end_grant,
    "pause": owning.pause,
    "resume": owning.resume,
    "run now": owning.run_now,
    "delete": owning.delete,
}


@pytest.mark.parametrize("act", ACTS)
async def test_nobody_touches_another_persons_schedule(maya: User, act: str) -> None:
    schedule = await granted_schedule(maya)
    mallory = await User.objects.acreate(username="mallory")
    with pytest.raises(ScheduleNotFoundError):
        await ACTS[act](asker_of(mallory), schedule.id)
    assert await sync_to_async(store.load)(schedule.id, user=maya.pk) == schedule
    assert await sync_to_async(occurrences.list_occurrences)(schedule.id, user=mallory.pk) == ()
    occurrence = await make_due_row(schedule)
    with pytest.raises(ScheduleNotFoundError):
        await sync_to_async(occurrences.load_occurrence)(occurrence.id, user=mallory.pk)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"recipe": "gossip"}, "recipe"),
        ({"weekdays": ()}, "weekdays"),
        ({"weekdays": (7,)}, "weekdays"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"country": "XX"}, "country"),
        ({"country": "DE", "subdivision": "CA"}, "subdivision"),
        ({"quiet_from": time(22)}, "quiet_until"),
        ({"daily_budget_micro_usd": -1}, "daily_budget_micro_usd"),
    ],
)
async def test_what_makes_no_schedule_is_refused(alice: User, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(BadScheduleError) as refused:
        await owning.create(asker_of(alice), draft=draft(**changes))
    assert refused.value.field == field


def test_a_person_has_so_many_schedules_and_others_are_not_counted(alice: User, bob: User) -> None:
    for _ in range(store.MAX_SCHEDULES):
        store.create(alice.pk, draft=draft())
    with pytest.raises(TooManySchedulesError):
        store.create(alice.pk, draft=draft())
    store.create(bob.pk, draft=draft())


def test_a_name_lies_sealed_and_one_that_does_not_open_hides_nothing_else(alice: User) -> None:
    made: Schedule = store.create(alice.pk, draft=draft(name="Layoffs at nine"))
    assert b"Layoffs" not in bytes(Row.objects.get().sealed_name)
    Row.objects.update(sealed_name=b"DCC1 broken")
    assert store.load(made.id, user=alice.pk).draft == draft(name="…")
