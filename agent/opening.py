"""What a run begins with: the question as the model gets it and, for a recipe, its reads and what follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.briefing import facts, phrases, recipes
from agent.briefing.facts.types import Facts, FactSet, Window
from agent.briefing.recipes import Recipe
from agent.briefing.types import Read, Reading
from agent.briefing.working_week import WorkingWeek
from agent.events import RunWindow
from agent.prompts import user_message
from agent.types import Past, RunRequest

# A quarter: what lies further back is no briefing, and the services' searches return only the newest of it.
LONGEST_WINDOW = timedelta(days=92)


@dataclass(frozen=True, slots=True)
class Opening:
    """The first message of a run, and what is read before the model is asked.

    A free question has neither `recipe` nor `window`, and the model chooses what is read. `previous` is what the last
    briefing by the recipe said.
    """

    message: str
    now: datetime
    week: WorkingWeek
    recipe: Recipe | None = None
    window: Window | None = None
    previous: FactSet | None = None

    @property
    def reads(self) -> tuple[Read, ...]:
        """The recipe's reads, in their order."""
        return self.recipe.plan(self.window) if self.recipe and self.window else ()

    def note(self, readings: Sequence[Reading]) -> str:
        """Return the facts that `readings` hold, as the model is told them; nothing of a free question's."""
        gathered = self.gather(readings)
        return facts.write(gathered) if gathered else ""

    def gather(self, readings: Sequence[Reading]) -> Facts | None:
        """Return the facts that `readings` hold; None for a free question."""
        if self.window is None:
            return None
        return facts.gather(readings, window=self.window, previous=self.previous)


def open_run(request: RunRequest, *, now: datetime, week: WorkingWeek, past: Past | None = None) -> Opening:
    """Return how the run of `request` begins: by the recipe that it names, or that its words ask for.

    `now` is in the user's time zone, as `week` is. A window reaches back a quarter at most. `past` is what is
    remembered of the last briefings by the recipe.
    """
    past = past or Past()
    recipe = recipes.choose(request.recipe, text=request.text)
    message = user_message(request.text, now=now, week=week, user_name=request.user_name, recipe=recipe)
    if recipe is None:
        return Opening(message, now, week)
    since = request.since and max(request.since, now - LONGEST_WINDOW)
    window = recipes.open_window(recipe, now=now, week=week, since=since, last_at=past.last_at)
    return Opening(message, now, week, recipe=recipe, window=window, previous=past.fact_set)


def tell(window: Window) -> RunWindow:
    """Return what a briefing is about, as its page and its renderings say it."""
    return RunWindow(
        start=window.start.isoformat(timespec="minutes"),
        end=window.end.isoformat(timespec="minutes"),
        time_zone=window.week.time_zone.key,
        text=phrases.window(window),
    )
