"""What the model is told: the system prompt, the same for every user and run, and the message that carries the rest.

Thinking signatures and the prompt cache bind the system prompt, so time, names and permissions never enter it.
"""

from datetime import datetime
from functools import cache
from pathlib import Path

from agent.briefing.recipes import Recipe
from agent.briefing.working_week import WorkingWeek
from agent.untrusted import clean_text

_FOLDER = Path(__file__).parent


@cache
def system_prompt() -> str:
    """Return the system prompt; it is read once per process."""
    return (_FOLDER / "briefing.md").read_text(encoding="utf-8").strip()


@cache
def instructions(recipe: Recipe) -> str:
    """Return how a recipe is answered; its version is in the name of the file, so that a run can say which it had."""
    return (_FOLDER / "recipes" / f"{recipe.name}.v{recipe.version}.md").read_text(encoding="utf-8").strip()


def user_message(
    question: str, *, now: datetime, week: WorkingWeek, user_name: str, recipe: Recipe | None = None
) -> str:
    """Return `question` with its recipe, if it has one, and the line of context that the system prompt announces.

    `now` is in the zone of `week`. The line reads `[Context: Monday 2026-11-23, 09:12, time zone Europe/Berlin. Last
    working day: Friday 2026-11-20. User: Maya Okafor.]`
    """
    since = week.last_working_day(now.date())
    # A name is the user's own text; brackets in it could end the line of context.
    person = clean_text(user_name, max_characters=80).translate(str.maketrans("[]\n", "() "))
    method = f"[Recipe: {recipe.name}, version {recipe.version}]\n{instructions(recipe)}\n\n" if recipe else ""
    return (
        f"{question}\n\n{method}[Context: {now:%A %Y-%m-%d, %H:%M}, time zone {week.time_zone.key}. "
        f"Last working day: {since:%A %Y-%m-%d}. User: {person}.]"
    )
