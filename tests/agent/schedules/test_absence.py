"""Out of office in the owner's calendar: read like anything else, under the grant, and only where it may be read."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from agent.models import Run
from agent.schedules import store
from agent.schedules.absence import is_out_of_office, run_of
from agent.schedules.running import run_occurrence
from agent.schedules.types import Occurrence, OccurrenceState
from audit import finding, reconcile
from audit.models import AuditEvent
from audit.reconcile import Mismatch
from audit.search import parse
from devcontext.sandbox.app import create_app
from devcontext.sandbox.types import Event, Snapshot
from devcontext.sandbox.world import tidewater_world
from devcontext.settings import providers
from permissions import switch
from tests.agent.schedules.conftest import asker_of, granted_schedule, load, make_due_row
from tests.broken import table_away_async
from tests.vault.upstream import serve_app
from vault.client import Asker

pytestmark = pytest.mark.django_db(databases=["default", "vault", "audit"], transaction=True)

BEGUN = ("agent:look:started", "calendar_agenda", "schedule")


@pytest.fixture
def sandbox(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The sandbox of the demo, on a day on which its user is away for an hour around now."""
    monkeypatch.setenv("SANDBOX_CLAUDE_DELAY_MS", "0")
    world = tidewater_world()

    def away(now: datetime) -> Snapshot:
        snapshot = world.build(now)
        around = {"start": now - timedelta(minutes=30), "end": now + timedelta(minutes=30)}
        absence = Event(id="away", summary="Dentist", organizer=snapshot.me, kind="outOfOffice", **around)
        return replace(snapshot, events=(*snapshot.events, absence))

    with serve_app(lambda url: create_app(data=None, world=replace(world, build=away), base_url=url)) as url:
        settings.ALLOWED_HOSTS = ["localhost"]
        settings.SANDBOX_URL = url
        settings.PROVIDERS = providers.load(sandbox_url=url, with_secrets=True)
        settings.ANTHROPIC_BASE_URL = f"{url}/claude"
        yield url


async def run(occurrence: Occurrence) -> Occurrence:
    await run_occurrence(occurrence.id)
    return await load(occurrence)


@sync_to_async
def recorded(occurrence: Occurrence) -> list[tuple[str, str, str]]:
    """Return (event, tool, reason) of what is on record for the look before a briefing."""
    rows = AuditEvent.objects.filter(run=run_of(str(occurrence.id))).order_by("id")
    return list(rows.values_list("event", "tool", "reason"))


async def test_who_is_out_of_office_gets_no_briefing_and_the_look_is_on_record(maya: User) -> None:
    schedule = await granted_schedule(maya, skips_out_of_office=True)
    occurrence = await make_due_row(schedule)
    skipped = await run(occurrence)
    assert (skipped.state, skipped.reason) == (OccurrenceState.SKIPPED, "out_of_office")
    assert skipped.is_told is False
    assert await Run.objects.acount() == 0
    assert await recorded(occurrence) == [
        BEGUN,
        ("permission:check:allowed", "calendar_agenda", ""),
        ("vault:exchange:granted", "calendar_agenda", "schedule"),
        ("agent:call:succeeded", "calendar_agenda", ""),
    ]
    assert await sync_to_async(reconcile.find_mismatch)() == Mismatch((), ()), "no token without somebody who asked"
    search = parse(f"actor:{schedule.agent} tool:calendar_agenda", services=[])
    found = await sync_to_async(finding.find_events)(search, user=f"user:{maya.pk}")
    assert len(found.events) == 4, "the timeline tells which schedule looked"


async def test_who_did_not_ask_for_that_gets_it(maya: User) -> None:
    occurrence = await make_due_row(await granted_schedule(maya))
    assert (await run(occurrence)).state is OccurrenceState.DONE
    assert await recorded(occurrence) == []


async def test_a_calendar_that_may_not_be_read_says_nothing_of_an_absence(maya: User) -> None:
    schedule = await granted_schedule(maya, skips_out_of_office=True)
    await switch.revoke(**asker_of(maya), provider="google-calendar")
    occurrence = await make_due_row(schedule)
    assert (await run(occurrence)).state is OccurrenceState.DONE
    assert await recorded(occurrence) == [BEGUN, ("permission:check:denied", "calendar_agenda", "revoked")]


async def test_a_grant_without_the_calendar_is_not_asked_for_it(maya: User) -> None:
    occurrence = await make_due_row(await granted_schedule(maya, providers=("github",), skips_out_of_office=True))
    assert (await run(occurrence)).state is OccurrenceState.DONE
    assert await recorded(occurrence) == []


async def test_where_the_audit_is_away_nothing_is_looked_at(maya: User) -> None:
    schedule = await granted_schedule(maya, skips_out_of_office=True)
    asked, week = {"agent": schedule.agent, "occurrence": "one"}, await sync_to_async(store.load_rhythm)(schedule)
    asker = Asker(user=f"user:{maya.pk}", sid=f"grant:{schedule.grant}", auth_time=1.0)
    async with table_away_async("audit", table="audit_event"):
        assert not await is_out_of_office(asker, at=timezone.now(), week=week.week, **asked)
    assert await is_out_of_office(asker, at=timezone.now(), week=week.week, **asked)
