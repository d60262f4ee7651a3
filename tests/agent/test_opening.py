"""A run begins with the reads of the recipe that was chosen or asked for, and a free question with none."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from agent.briefing.facts.types import FactSet, Rule, Seen
from agent.briefing.types import Reading
from agent.briefing.working_week import WorkingWeek
from agent.opening import Opening, open_run
from agent.types import Past, RunRequest

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 9, 12, tzinfo=BERLIN)
ASKED = RunRequest(
    user=1,
    subject="user:1",
    sid="a-session",
    auth_time=1.0,
    user_name="Alice",
    key="a-key",
    text="What is in #engineering?",
    conversation=None,
    time_zone="Europe/Berlin",
)


def opened(**changes: object) -> Opening:
    return open_run(replace(ASKED, **changes), now=NOW, week=WorkingWeek(time_zone=BERLIN))


def test_a_free_question_leaves_the_reads_to_the_model() -> None:
    opening = opened()
    assert (opening.recipe, opening.window, opening.reads) == (None, None, ())
    assert opening.message.startswith("What is in #engineering?\n\n[Context: Monday 2026-11-23, 09:12")


def test_a_question_in_a_recipes_words_begins_with_its_reads() -> None:
    opening = opened(text="brief me for standup!")
    assert opening.recipe
    assert opening.recipe.name == "standup"
    assert opening.reads[0].tool == "github_activity"
    assert opening.reads[0].arguments["since"].startswith("2026-11-20T00:00")


def test_a_chosen_recipe_counts_whatever_the_words_are() -> None:
    opening = opened(text="Only harbor-api, please", recipe="review-queue")
    assert opening.recipe
    assert opening.recipe.name == "review-queue"


def test_the_window_begins_where_the_user_says() -> None:
    opening = opened(recipe="catch-up", since=datetime(2026, 11, 16, 8, tzinfo=UTC))
    assert opening.window
    assert opening.window.start.isoformat() == "2026-11-16T09:00:00+01:00"


def test_what_follows_from_the_reads_is_told_for_a_recipe_alone() -> None:
    read = Reading(tool="slack_mentions", provider="slack", arguments={}, error="revoked", message="Slack is revoked.")
    assert opened().note([read]) == ""
    assert '{"service":"slack","state":"revoked","items":0' in opened(recipe="catch-up").note([read])


def test_a_recipe_goes_on_from_its_last_briefing() -> None:
    friday = datetime(2026, 11, 20, 9, tzinfo=BERLIN)
    past = Past(fact_set=FactSet(friday, (Seen("gh-1", Rule.DRAFT, friday),)), last_at=friday)
    opening = open_run(replace(ASKED, recipe="standup"), now=NOW, week=WorkingWeek(time_zone=BERLIN), past=past)
    assert opening.window
    assert (opening.window.start, opening.window.is_since_briefing) == (friday, True)
    read = Reading(tool="github_my_pull_requests", provider="github", arguments={})
    assert '"changes":{"since":"2026-11-20T09:00+01:00","gone":[{"id":"gh-1","rule":"draft"}]}' in opening.note([read])


@pytest.mark.parametrize(
    "since", [datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), datetime(2020, 1, 1, tzinfo=UTC)]
)
def test_the_window_reaches_back_a_quarter_at_most(since: datetime) -> None:
    opening = opened(recipe="catch-up", since=since)
    assert opening.window
    assert opening.window.start == NOW - timedelta(days=92)
