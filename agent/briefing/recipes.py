"""The recipes: questions that come back every day, with the reads that answer them, so that no model has to choose.

What the model is told about each stands in `agent/prompts/recipes/`; a changed recipe gets a new version.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Literal

from django.utils.translation import gettext_noop

from agent.briefing.facts.types import Window
from agent.briefing.types import Read
from agent.briefing.working_week import WorkingWeek

# As `calendar_free_slots` names the days.
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# What somebody decided is found by the word; Slack's search documents no way to ask for one of several.
_DECISIONS = "decided"
# A week; what waited longer was settled elsewhere, or will be asked again.
_OLDEST_MENTION = timedelta(days=7)

Reach = Literal["since_briefing", "today", "week"]


@dataclass(frozen=True, slots=True)
class Recipe:
    """One kind of briefing.

    `title` is what a person chooses, with what it tells in `summary`, `question` what is asked when they do, and
    `phrases` what they may type instead.
    `reach` says where its window begins, and `plan` returns its reads, in the order of the closed registry of tools.
    """

    name: str
    version: int
    title: str
    summary: str
    question: str
    plan: Callable[[Window], tuple[Read, ...]]
    reach: Reach = "since_briefing"
    phrases: tuple[str, ...] = ()


def find(name: str) -> Recipe | None:
    """Return the recipe called `name`, None for "" and unknown ones."""
    return RECIPES.get(name)


def match(text: str) -> Recipe | None:
    """Return the recipe that `text` asks for by its title, its question or a known phrase, else None.

    Case, punctuation and spaces do not count; one word more makes it a question of its own.
    """
    return _BY_PHRASE.get(plain(text))


def choose(name: str, *, text: str) -> Recipe | None:
    """Return the recipe called `name`, or else the one that `text` asks for; None for a free question."""
    return find(name) or match(text)


def open_window(
    recipe: Recipe, *, now: datetime, week: WorkingWeek, since: datetime | None = None, last_at: datetime | None = None
) -> Window:
    """Return the window of a briefing.

    Args:
        recipe: Its recipe, which knows how far it reaches back.
        now: The end of the window.
        week: The working week of the user, with their zone.
        since: Where the user wants it to begin, if they say so; one that is not over is ignored.
        last_at: When their last briefing of this kind was made, before today. It is the begin if nothing but days off
            lies in between; else a whole working day would be told twice, or a holiday's worth of them at once.
    """
    end = now.astimezone(week.time_zone)
    # What begins later than now is a mistake, and nothing could be read of it.
    since = since if since is not None and since < now else None
    first = _first_day(recipe.reach, end=end, week=week)
    start = datetime.combine(first, time.min, tzinfo=week.time_zone)
    last = last_at.astimezone(week.time_zone) if last_at and recipe.reach == "since_briefing" else None
    is_since_briefing = since is None and last is not None and start <= last and last.date() < end.date()
    if since is not None:
        start = since.astimezone(week.time_zone)
    elif is_since_briefing and last is not None:
        start = last
    # The day that it begins on is read, whatever day that is.
    days_off = week.days_off(start.date() + timedelta(days=1), end=end.date())
    return Window(start, end, week, is_since_briefing=is_since_briefing, is_asked=since is not None, days_off=days_off)


def _first_day(reach: Reach, *, end: datetime, week: WorkingWeek) -> date:
    today = end.date()
    if reach == "today":
        return today
    last = week.last_working_day(today)
    # On the first day of a week, the week in review is the one before.
    return last - timedelta(days=(last.weekday() - week.first_weekday) % 7) if reach == "week" else last


def _standup(window: Window) -> tuple[Read, ...]:
    since = _since(window)
    return (
        Read("github_activity", since),
        Read("github_review_requests", {}),
        Read("github_my_pull_requests", {}),
        _agenda(window),
        _mentions(window),
        _free_today(window),
        Read("github_failing_checks", {}),
        Read("github_mentions", since),
        Read("slack_search", {"query": _DECISIONS} | since),
    )


def _review_queue(_window: Window) -> tuple[Read, ...]:
    return (
        Read("github_review_requests", {"limit": 50}),
        Read("github_my_pull_requests", {}),
        Read("github_failing_checks", {}),
    )


def _meeting_prep(window: Window) -> tuple[Read, ...]:
    since = _since(window)
    next_day = window.week.next_working_day(window.today)
    return (
        Read("github_activity", since),
        Read("github_review_requests", {}),
        Read("github_my_pull_requests", {}),
        Read("calendar_agenda", {"start": window.today.isoformat(), "end": next_day.isoformat()}),
        _mentions(window),
        Read("github_mentions", since),
    )


def _catch_up(window: Window) -> tuple[Read, ...]:
    since = _since(window)
    return (
        Read("github_review_requests", {}),
        Read("github_my_pull_requests", {}),
        _agenda(window),
        _mentions(window),
        Read("github_failing_checks", {}),
        Read("github_mentions", since),
        Read("slack_search", {"query": _DECISIONS} | since),
    )


def _end_of_day(window: Window) -> tuple[Read, ...]:
    since = _since(window)
    next_day = window.week.next_working_day(window.today)
    return (
        Read("github_activity", since),
        Read("github_review_requests", {}),
        Read("github_my_pull_requests", {}),
        Read("calendar_agenda", {"start": window.today.isoformat(), "end": next_day.isoformat()}),
        _mentions(window),
        Read("github_failing_checks", {}),
        Read("github_mentions", since),
        Read("github_assigned_issues", {}),
    )


def _week_in_review(window: Window) -> tuple[Read, ...]:
    since = _since(window)
    return (
        Read("github_activity", since),
        Read("github_review_requests", {}),
        Read("github_my_pull_requests", {}),
        _agenda(window),
        _mentions(window),
        Read("github_assigned_issues", {}),
        Read("slack_search", {"query": _DECISIONS} | since),
    )


def _since(window: Window) -> dict[str, Any]:
    return {"since": window.start.isoformat(timespec="minutes")}


def _mentions(window: Window) -> Read:
    """Read further back than the window: a mention that nobody answered does not get less urgent by its age."""
    start = min(window.start, window.end - _OLDEST_MENTION)
    return Read("slack_mentions", {"since": start.isoformat(timespec="minutes"), "limit": 50})


def _agenda(window: Window) -> Read:
    """Read from the first day of the window, so that meetings that are over count, to the end of today."""
    return Read("calendar_agenda", {"start": window.start.date().isoformat(), "end": window.today.isoformat()})


def _free_today(window: Window) -> Read:
    days = [_WEEKDAYS[day] for day in window.week.weekdays]
    return Read("calendar_free_slots", {"start": window.today.isoformat(), "work_days": days})


_ORDER = (
    Recipe(
        "standup",
        1,
        gettext_noop("Brief me for standup"),
        gettext_noop("Blockers first, then done, today and reviews"),
        "Brief me for standup.",
        _standup,
        phrases=("standup", "brief me", "standup briefing", "brief me for my standup", "brief me for the standup"),
    ),
    Recipe(
        "review-queue",
        1,
        gettext_noop("What needs my review?"),
        gettext_noop("Pull requests waiting on you, oldest first"),
        "What needs my review?",
        _review_queue,
        phrases=("review queue", "my review queue", "what is waiting for my review", "which reviews wait for me"),
    ),
    Recipe(
        "meeting-prep",
        1,
        gettext_noop("Prep my next meeting"),
        gettext_noop("What to know before it begins"),
        "Prepare me for my next meeting.",
        _meeting_prep,
        phrases=("prep me for my next meeting", "prepare my next meeting", "meeting prep"),
    ),
    Recipe(
        "catch-up",
        1,
        gettext_noop("Catch me up"),
        gettext_noop("Who needs you, what was decided"),
        "Catch me up on what I missed.",
        _catch_up,
        phrases=("what did i miss", "what have i missed", "catch up", "catch me up on everything"),
    ),
    Recipe(
        "end-of-day",
        1,
        gettext_noop("Wrap up my day"),
        gettext_noop("Done, still open, and tomorrow"),
        "Wrap up my day.",
        _end_of_day,
        reach="today",
        phrases=("end of day", "wrap up", "wrap up the day", "what did i do today", "what did i get done today"),
    ),
    Recipe(
        "week-in-review",
        1,
        gettext_noop("My week in review"),
        gettext_noop("Shipped, in progress, carried over"),
        "Sum up my week.",
        _week_in_review,
        reach="week",
        phrases=("week in review", "weekly review", "what did i do this week", "sum up the week"),
    ),
)
RECIPES: Mapping[str, Recipe] = MappingProxyType({recipe.name: recipe for recipe in _ORDER})


def plain(text: str) -> str:
    """Return the words of `text` alone: without case, punctuation and further spaces."""
    return " ".join(re.sub(r"[^\w\s]+", " ", text.replace("'", "")).casefold().split())


_BY_PHRASE: Mapping[str, Recipe] = MappingProxyType(
    {
        plain(phrase): recipe
        for recipe in _ORDER
        for phrase in (recipe.name, recipe.title, recipe.question, *recipe.phrases)
    }
)
