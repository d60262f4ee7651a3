"""Recipes: what they read, what they are matched by, and from when on."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from agent.briefing.facts.types import Window
from agent.briefing.recipes import RECIPES, Recipe, find, match, open_window
from agent.briefing.working_week import WorkingWeek
from agent.tools import TOOLS

BERLIN = ZoneInfo("Europe/Berlin")
WEEK = WorkingWeek(time_zone=BERLIN)
MONDAY = datetime(2026, 11, 23, 9, 12, tzinfo=BERLIN)
STANDUP = RECIPES["standup"]


def window(recipe: Recipe, *, now: datetime = MONDAY, last_at: datetime | None = None) -> Window:
    return open_window(recipe, now=now, week=WEEK, last_at=last_at)


def test_there_are_the_six_recipes() -> None:
    assert list(RECIPES) == ["standup", "review-queue", "meeting-prep", "catch-up", "end-of-day", "week-in-review"]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_every_read_of_a_recipe_is_a_call_that_its_tool_takes(recipe: Recipe) -> None:
    reads = recipe.plan(window(recipe))
    assert reads
    for read in reads:
        TOOLS[read.tool].arguments.model_validate(dict(read.arguments))


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_a_recipe_is_found_by_its_name_title_question_and_phrases(recipe: Recipe) -> None:
    assert find(recipe.name) is recipe
    assert all(match(words) is recipe for words in (recipe.title, recipe.question, *recipe.phrases))


@pytest.mark.parametrize("text", ["  BRIEF me for   standup!! ", "brief me for standup", "Standup."])
def test_case_spaces_and_punctuation_do_not_count(text: str) -> None:
    assert match(text) is STANDUP


@pytest.mark.parametrize("text", ["", "?", "Brief me for standup about the login bug", "brief", "What is a standup?"])
def test_any_other_word_makes_a_question_of_its_own(text: str) -> None:
    assert match(text) is None


def test_no_phrase_means_two_recipes() -> None:
    for recipe in RECIPES.values():
        others = [other for other in RECIPES.values() if other is not recipe]
        mine = {recipe.title.casefold(), recipe.question.casefold(), *recipe.phrases}
        assert not any(mine & {other.title.casefold(), *other.phrases} for other in others)


def test_an_unknown_recipe_is_none() -> None:
    assert find("") is None
    assert find("../standup") is None


def test_a_standup_reaches_back_to_the_last_working_day() -> None:
    opened = window(STANDUP)
    assert (opened.start, opened.end) == (datetime(2026, 11, 20, tzinfo=BERLIN), MONDAY)
    assert opened.days_off == (date(2026, 11, 21), date(2026, 11, 22))
    assert not opened.is_since_briefing


def test_a_standup_reaches_back_to_the_last_one_on_the_last_working_day() -> None:
    last = datetime(2026, 11, 20, 8, 12, tzinfo=UTC)
    opened = window(STANDUP, last_at=last)
    assert opened.start == last
    assert opened.is_since_briefing


@pytest.mark.parametrize("last", [datetime(2026, 11, 19, 9, tzinfo=BERLIN), datetime(2026, 11, 23, 8, tzinfo=BERLIN)])
def test_a_standup_of_an_earlier_day_or_of_today_is_no_begin(last: datetime) -> None:
    assert window(STANDUP, last_at=last).start == datetime(2026, 11, 20, tzinfo=BERLIN)


def test_the_user_says_from_when_on() -> None:
    since = datetime(2026, 11, 18, 12, tzinfo=UTC)
    opened = open_window(STANDUP, now=MONDAY, week=WEEK, since=since, last_at=datetime(2026, 11, 20, 9, tzinfo=BERLIN))
    assert (opened.start, opened.is_since_briefing, opened.is_asked) == (since, False, True)


def test_the_day_that_a_window_begins_on_is_not_skipped() -> None:
    saturday = datetime(2026, 11, 21, 8, tzinfo=UTC)
    asked = open_window(STANDUP, now=MONDAY, week=WEEK, since=saturday)
    continued = window(STANDUP, last_at=saturday)
    assert asked.days_off == continued.days_off == (date(2026, 11, 22),)


def test_a_begin_that_is_still_to_come_is_ignored() -> None:
    opened = open_window(STANDUP, now=MONDAY, week=WEEK, since=MONDAY)
    assert opened.start == datetime(2026, 11, 20, tzinfo=BERLIN)


def test_a_week_in_review_begins_where_the_users_week_does() -> None:
    week = WorkingWeek(time_zone=BERLIN, weekdays=(6, 0, 1, 2, 3))
    opened = open_window(RECIPES["week-in-review"], now=MONDAY, week=week)
    assert opened.start.date() == date(2026, 11, 22)


def test_the_end_of_a_day_is_about_that_day() -> None:
    assert window(RECIPES["end-of-day"]).start == datetime(2026, 11, 23, tzinfo=BERLIN)


@pytest.mark.parametrize(
    ("now", "first"),
    [(MONDAY, date(2026, 11, 16)), (datetime(2026, 11, 26, 17, tzinfo=BERLIN), date(2026, 11, 23))],
)
def test_a_week_is_this_one_or_on_its_first_day_the_one_before(now: datetime, first: date) -> None:
    assert window(RECIPES["week-in-review"], now=now).start.date() == first


def test_the_plan_asks_for_the_users_own_working_days() -> None:
    week = WorkingWeek(time_zone=BERLIN, weekdays=(6, 0, 1, 2, 3))
    reads = STANDUP.plan(open_window(STANDUP, now=MONDAY, week=week))
    free = next(read for read in reads if read.tool == "calendar_free_slots")
    assert free.arguments["work_days"] == ["sun", "mon", "tue", "wed", "thu"]
