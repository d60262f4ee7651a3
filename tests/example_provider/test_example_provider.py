"""Adding a provider is a recipe: Tasklist is new files and one line per registry, and everything works with it."""

import json
import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.contrib.staticfiles import finders
from django.test import AsyncClient
from django.utils import timezone

from agent.briefing import phrases
from agent.briefing.facts.coverage import coverage
from agent.briefing.working_week import WorkingWeek
from agent.calls import Dispatched
from agent.credentials import RunCredentials
from agent.events import Coverage, LoopEvent
from agent.tally import Tally
from agent.tool import ReadContext, ServiceFact
from agent.toolkit import Toolkit
from agent.tools import TOOLS
from audit.models import AuditEvent
from devcontext.logging import LineFormatter
from tests.example_provider.stand_in import TITLES
from vault import background, probe
from vault.models import Connection
from vault.probe import Verdict

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "audit", "vault"])


async def no_services() -> tuple[ServiceFact, ...]:
    return ()


async def read_tasks(user: User) -> tuple[dict[str, Any], Dispatched, list[LoopEvent]]:
    """Let the agent read Tasklist as a run does, and return what the model gets, the call and its events."""
    emitted: list[LoopEvent] = []

    async def refuse(name: str, reason: str, _: str) -> None:
        raise AssertionError(f"{name}: {reason}")

    toolkit = Toolkit(
        tools=TOOLS,
        credentials=RunCredentials(user=f"user:{user.pk}", sid="a-session", auth_time=1.0, run="run-1"),
        context=ReadContext(
            now=datetime.now(UTC),
            week=WorkingWeek(time_zone=ZoneInfo("UTC")),
            report_progress=lambda *_: None,
            list_services=no_services,
        ),
        on_refused=refuse,
    )
    dispatched = await toolkit.dispatch(
        call_id="toolu_1", name="tasklist_open_tasks", arguments={}, emit=emitted.append
    )
    return json.loads(dispatched.content), dispatched, emitted


async def browse(user: User) -> AsyncClient:
    browser = AsyncClient()
    await browser.aforce_login(user)
    return browser


@sync_to_async
def recorded() -> list[str]:
    return list(AuditEvent.objects.filter(provider="tasklist").order_by("id").values_list("event", flat=True))


async def test_its_tool_reads_with_a_token_of_the_vault_and_its_items_can_be_cited(maya: User) -> None:
    result, dispatched, emitted = await read_tasks(maya)
    evidence, reading = dispatched.evidence, dispatched.reading
    assert reading is not None
    assert [item["title"] for item in result["items"]] == list(TITLES)
    assert [item["id"] for item in result["items"]] == [cited.id for cited in evidence]
    assert all(cited.id.startswith("tl-") for cited in evidence)
    async with httpx.AsyncClient(trust_env=False) as visitor:
        assert TITLES[0] in (await visitor.get(evidence[0].url)).text
    assert (await recorded())[-3:] == ["permission:check:allowed", "vault:exchange:granted", "agent:call:succeeded"]
    tally = Tally()
    for event in emitted:
        tally.add(event)
    assert tally.coverage([reading])[-1] == Coverage(provider="tasklist", state="read", items=2, exchanges=1)
    assert phrases.coverage(coverage([reading])) == "Tasklist 2 items"


async def test_its_tokens_are_refreshed(maya: User) -> None:
    await Connection.objects.using("vault").aupdate(access_expires_at=timezone.now() + timedelta(minutes=1))
    result, _, _ = await read_tasks(maya)
    assert len(result["items"]) == len(TITLES)
    assert "vault:refresh:succeeded" in await recorded()


async def test_revoked_it_is_not_read_and_restored_it_is(maya: User) -> None:
    browser = await browse(maya)
    assert (await browser.post("/settings/permissions/tasklist/revoke")).status_code == 303
    result, _, _ = await read_tasks(maya)
    assert (result["error"], "Tasklist" in result["message"]) == ("revoked", True)
    assert (await browser.post("/settings/permissions/tasklist/restore")).status_code == 303
    assert "items" in (await read_tasks(maya))[0]


async def test_disconnected_it_is_not_read_and_its_tokens_are_ended(maya: User, sandbox: str) -> None:
    browser = await browse(maya)
    connection = await Connection.objects.using("vault").aget()
    page = "/settings/permissions/tasklist/disconnect"
    assert (await browser.post(page, {"connection": connection.pk})).status_code == 303
    assert (await read_tasks(maya))[0]["error"] == "not_connected"
    # The drainer's own pace is not what is tested here.
    await background.settle()
    assert {"vault:connection:disconnected", "vault:revocation:succeeded"} <= set(await recorded())


async def test_its_failures_can_be_ordered_and_are_told_by_its_name(maya: User, sandbox: str) -> None:
    async with httpx.AsyncClient(trust_env=False, base_url=sandbox) as operator:
        order = {"provider": "tasklist", "case": "api.unavailable", "times": 2}
        assert (await operator.post("/faults", json=order)).status_code == 204
        assert "tasklist api.unavailable" in (await operator.get("/operator")).text
    result, _, _ = await read_tasks(maya)
    assert result["error"] == "upstream_unavailable"
    assert result["message"].startswith("Tasklist")


@pytest.mark.parametrize("path", ["/", "/settings/permissions/", "/audit/?service=tasklist"])
async def test_every_page_shows_it_with_its_mark_and_colours(maya: User, path: str) -> None:
    await read_tasks(maya)
    html = (await (await browse(maya)).get(path)).content.decode()
    assert "Tasklist" in html
    for name in ("services/tasklist.svg", "services/tasklist.css"):
        assert f"/static/{name}" in html
        assert finders.find(name)


async def test_the_permission_page_and_the_audit_tell_it_in_words(maya: User) -> None:
    await read_tasks(maya)
    browser = await browse(maya)
    card = (await browser.get("/settings/permissions/")).content.decode()
    for words in ("Your open tasks and when they are due", "Add, change or finish a task", "See your tasks"):
        assert words in card
    timeline = (await browser.get("/audit/", {"service": "tasklist"})).content.decode()
    assert "The AI may read your open tasks in Tasklist." in timeline
    assert "Tasklist token exchanged to read your open tasks in Tasklist." in timeline


async def test_its_configuration_can_be_checked(sandbox: str) -> None:
    assert Verdict.WRONG not in [finding.verdict for finding in await probe.check("tasklist")]


def test_its_tokens_do_not_reach_the_log(tasklist: None) -> None:
    record = logging.LogRecord("devcontext", logging.ERROR, __file__, 1, "got tsk_0123abc", (), None)
    assert "tsk_0123abc" not in LineFormatter().format(record)


def test_only_its_own_host_is_asked(tasklist: None, sandbox: str, settings: Any) -> None:
    assert urlsplit(settings.PROVIDERS["tasklist"].api_url).netloc == urlsplit(sandbox).netloc
