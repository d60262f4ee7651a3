"""What a run answers when no model does: a briefing from the facts of what was read, and why no model wrote it."""

from collections.abc import Sequence
from datetime import datetime

from agent.briefing import recipes, template
from agent.briefing.facts import gather
from agent.briefing.facts.types import FactSet, Window
from agent.briefing.template import Written
from agent.briefing.types import Reading
from agent.briefing.working_week import WorkingWeek
from agent.errors import ModelError


def can_brief(readings: Sequence[Reading]) -> bool:
    """Whether a service was asked: what it answered, or why it did not, can be told without a model."""
    return any(reading.provider for reading in readings)


def write_briefing(
    readings: Sequence[Reading], *, window: Window, previous: FactSet | None, error: ModelError
) -> Written:
    """Return the briefing that a run ends with after `error`."""
    facts = gather(readings, window=window, previous=previous)
    return template.write(facts, readings=readings, reason=error.message)


def window_of_question(now: datetime, *, week: WorkingWeek) -> Window:
    """Return what a free question is taken to be about: what a standup is."""
    return recipes.open_window(recipes.RECIPES["standup"], now=now, week=week)


def explain(error: ModelError) -> str:
    """Return the sentence for a run that read nothing; where there is no model, with what works without one."""
    if error.code != "no_model":
        return error.message
    titles = ", ".join(f"“{recipe.title}”" for recipe in recipes.RECIPES.values())
    return f"{error.message} It can answer these: {titles}."
