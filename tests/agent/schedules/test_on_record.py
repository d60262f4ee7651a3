"""What the timeline tells of one schedule: its grant, what it began, what that read, and what was skipped."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.test import AsyncClient

from agent.schedules import owning
from agent.schedules.running import run_occurrence
from agent.schedules.types import Schedule
from audit import finding
from audit.models import AuditEvent
from audit.search import parse
from tests.agent.schedules.conftest import SERVICES, asker_of, change_schedule, granted_schedule, make_due_row

pytestmark = pytest.mark.django_db(databases=["default", "vault", "audit"], transaction=True)


@sync_to_async
def found_of(schedule: Schedule) -> list[str]:
    """Return what its owner's timeline finds of a schedule, the oldest first."""
    search = parse(f"actor:{schedule.agent}", services=SERVICES)
    return [event.event for event in finding.find_events(search, user=f"user:{schedule.user}").events][::-1]


async def test_the_timeline_tells_one_schedules_events_from_anothers(maya: User, schedule: Schedule) -> None:
    other = await granted_schedule(maya, name="Another")
    await run_occurrence((await make_due_row(schedule)).id)
    await change_schedule(other, is_paused=True)
    await run_occurrence((await make_due_row(other)).id)
    await owning.end_grant(asker_of(maya), other.id)
    mine = await found_of(schedule)
    assert mine[:2] == ["permission:grant:created", "agent:run:started"]
    # A run's end is on record a moment after its last event.
    assert {"permission:check:allowed", "vault:exchange:granted", "agent:call:succeeded"} < {*mine}
    assert await found_of(other) == ["permission:grant:created", "agent:schedule:skipped", "permission:grant:ended"]


async def test_an_exchange_keeps_the_client_that_its_receipt_is_proved_to(schedule: Schedule) -> None:
    await run_occurrence((await make_due_row(schedule)).id)
    clients = AuditEvent.objects.filter(event="vault:exchange:granted").values_list("client", flat=True)
    assert {client async for client in clients} == {"devcontext-web"}


async def test_a_schedules_page_leads_to_its_events(maya: User, schedule: Schedule, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["localhost", "testserver"]
    browser = AsyncClient()
    await browser.aforce_login(maya)
    page = (await browser.get(f"/schedules/{schedule.id}/")).content.decode()
    events = f"/audit/?q=actor:agent%3Aschedule%3A{schedule.id.hex}"
    assert f'href="{events}"' in page
    found = (await browser.get(events)).context
    assert (found["q"], found["mistakes"]) == (f"actor:{schedule.agent}", ())
    assert [row.event for row in found["rows"]] == ["permission:grant:created"]
