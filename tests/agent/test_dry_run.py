"""A dry run names the reads that the run itself would make, and which of them would be refused."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from agent.briefing import recipes
from agent.briefing.recipes import open_window
from agent.briefing.working_week import WorkingWeek
from agent.dry_run import make_plan
from agent.tools import TOOLS
from permissions.policy import Mode
from permissions.services import SERVICES
from permissions.types import ServiceStatus
from vault.client import ConnectionState

# A Monday.
NOW = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)
WEEK = WorkingWeek(time_zone=ZoneInfo("Asia/Tokyo"))
STATES = (ConnectionState.CONNECTED, ConnectionState.REVOKED, ConnectionState.NOT_CONNECTED)


def statuses(reconnect_reason: str = "") -> list[ServiceStatus]:
    return [
        ServiceStatus(service, state, reconnect_reason=reconnect_reason)
        for service, state in zip(SERVICES.values(), STATES, strict=True)
    ]


@pytest.mark.parametrize("recipe", recipes.RECIPES.values(), ids=lambda recipe: str(recipe.name))
def test_every_read_of_a_recipe_is_in_its_plan_once(recipe: recipes.Recipe) -> None:
    plan = make_plan(recipe, statuses=statuses(), modes={}, week=WEEK, now=NOW)
    planned = [read.words for service in plan.services for read in service.reads]
    reads = recipe.plan(open_window(recipe, now=NOW, week=WEEK))
    assert sorted(planned) == sorted(TOOLS[read.tool].reads for read in reads)


def test_only_what_is_connected_would_be_read() -> None:
    plan = make_plan(recipes.RECIPES["standup"], statuses=statuses(), modes={}, week=WEEK, now=NOW)
    assert [service.is_read for service in plan.services] == [True, False, False]
    assert [service.state for service in plan.services] == ["connected", "revoked", "not_connected"]


def test_a_connection_that_lapsed_would_not_be_read() -> None:
    plan = make_plan(recipes.RECIPES["standup"], statuses=statuses("lapsed"), modes={}, week=WEEK, now=NOW)
    assert not any(service.is_read for service in plan.services)


def test_it_counts_from_the_last_working_day_in_the_persons_zone() -> None:
    plan = make_plan(recipes.RECIPES["standup"], statuses=statuses(), modes={}, week=WEEK, now=NOW)
    assert plan.since.isoformat() == "2026-05-01T00:00:00+09:00"
    assert plan.time_zone == "Asia/Tokyo"
    limits = {limit for service in plan.services for read in service.reads for limit in read.limits}
    assert "since: 2026-05-01T00:00+09:00" in limits
    assert "work days: mon, tue, wed, thu, fri" in limits


def test_a_briefing_of_before_moves_its_beginning() -> None:
    last_at = datetime(2026, 5, 1, 0, 30, tzinfo=UTC)
    plan = make_plan(recipes.RECIPES["standup"], statuses=statuses(), modes={}, week=WEEK, now=NOW, last_at=last_at)
    assert plan.since.isoformat() == "2026-05-01T09:30:00+09:00"


def test_it_says_what_is_blocked_and_what_each_token_is_asked_for() -> None:
    modes = {"github_activity": Mode.BLOCK, "slack_mentions": Mode.ASK}
    plan = make_plan(recipes.RECIPES["standup"], statuses=statuses(), modes=modes, week=WEEK, now=NOW)
    reads = {read.words: read for service in plan.services for read in service.reads}
    assert reads[TOOLS["github_activity"].reads].mode is Mode.BLOCK
    assert reads[TOOLS["slack_mentions"].reads].mode is Mode.ASK
    assert reads[TOOLS["calendar_agenda"].reads].mode is Mode.ALLOW
    assert "Search the messages you can see" in reads[TOOLS["slack_mentions"].reads].scopes
    assert "See events on calendars you own" in reads[TOOLS["calendar_agenda"].reads].scopes
