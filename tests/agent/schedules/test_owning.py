"""What owners do with schedules: only with their own, and never more than they said."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import time as wall_time
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.db import connections as databases
from django.db import transaction
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
from tests.agent.schedules.conftest import asker_of, draft, granted_schedule, make_due_row
from tests.agent.waiting import until
from vault.client import Asker, VaultError
from vault.models import Grant as VaultGrant

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


async def test_given_several_times_at_once_there_is_one_grant_and_it_is_noted_as_the_vault_has_it(maya: User) -> None:
    """Two tabs that say different things: whichever comes last, both sides tell the same."""
    asker = asker_of(maya)
    made = await owning.create(asker, draft=draft())
    now = timezone.now()
    await asyncio.gather(
        *(
            owning.give_grant(asker, made.id, providers=["github"], expires_at=now + days * DAY)
            for days in range(30, 36)
        )
    )
    (held,) = await grants.list_grants(**asker)
    noted = await sync_to_async(store.load)(made.id, user=maya.pk)
    assert (noted.grant, noted.grant_expires_at) == (held.id, held.expires_at)


async def test_what_a_process_gave_that_died_before_it_noted_it_is_taken_up_or_ended(maya: User) -> None:
    asker, until = asker_of(maya), timezone.now() + DAY
    taken_up, ended = [await owning.create(asker, draft=draft()) for _ in range(2)]
    left = [
        await grants.create(**asker, agent=one.agent, providers=["github"], tools=["github_activity"], expires_at=until)
        for one in (taken_up, ended)
    ]
    given = await owning.give_grant(asker, taken_up.id, providers=["slack"], expires_at=until)
    assert given.grant == left[0].id
    await owning.delete(asker, ended.id)
    assert [grant.id for grant in await grants.list_grants(**asker)] == [left[0].id]


async def test_a_grant_that_arrives_while_its_schedule_is_deleted_does_not_outlive_it(maya: User) -> None:
    asker, until = asker_of(maya), timezone.now() + DAY
    for _ in range(5):
        made = await owning.create(asker, draft=draft())
        given, deleted = await asyncio.gather(
            owning.give_grant(asker, made.id, providers=["github"], expires_at=until),
            owning.delete(asker, made.id),
            return_exceptions=True,
        )
        assert deleted is None
        assert isinstance(given, Schedule | ScheduleNotFoundError)
        assert await grants.list_grants(**asker) == ()


async def test_a_grant_that_comes_to_a_deleted_schedule_is_ended(maya: User) -> None:
    """The schedule goes while the vault gives the grant."""
    asker = asker_of(maya)
    made = await owning.create(asker, draft=draft())
    is_going = threading.Event()
    going = asyncio.create_task(sync_to_async(delete_once_given, thread_sensitive=False)(made, is_going=is_going))
    await until(is_going.is_set)
    with pytest.raises(ScheduleNotFoundError):
        await owning.give_grant(asker, made.id, providers=["github"], expires_at=timezone.now() + DAY)
    await going
    assert await grants.list_grants(**asker) == ()
    assert await VaultGrant.objects.using("vault").filter(agent=made.agent).acount() == 1


def delete_once_given(schedule: Schedule, *, is_going: threading.Event) -> None:
    """Delete a schedule so that whoever changes it waits, and let them go on once the vault has given it a grant."""
    try:
        with transaction.atomic():
            store.delete(schedule.id, user=schedule.user)
            is_going.set()
            deadline = time.monotonic() + 60
            while not VaultGrant.objects.using("vault").filter(agent=schedule.agent).exists():
                assert time.monotonic() < deadline, "nothing was given"
                time.sleep(0.01)
    finally:
        databases.close_all()


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
    await make_due_row(schedule)
    assert await sync_to_async(occurrences.list_occurrences)(schedule.id, user=mallory.pk) == ()


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
        ({"quiet_from": wall_time(22)}, "quiet_until"),
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
