"""What a run begins with: the question as the model gets it and, for a recipe, its reads and what follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.briefing import facts, recipes
from agent.briefing.facts.types import Window
from agent.briefing.recipes import Recipe
from agent.briefing.types import Read, Reading
from agent.briefing.working_week import WorkingWeek
from agent.prompts import user_message
from agent.types import RunRequest

# A quarter: what lies further back is no briefing, and the services' searches return only the newest of it.
_LONGEST_WINDOW = timedelta(days=92)


@dataclass(frozen=True, slots=True)
class Opening:
    """The first message of a run, and what is read before the model is asked.

    A free question has neither `recipe` nor `window`, and the model chooses what is read.
    """

    message: str
    recipe: Recipe | None = None
    window: Window | None = None

    @property
    def reads(self) -> tuple[Read, ...]:
        """The recipe's reads, in their order."""
        return self.recipe.plan(self.window) if self.recipe and self.window else ()

    def note(self, readings: Sequence[Reading]) -> str:
        """Return the facts that `readings` hold, as the model is told them; nothing of a free question's."""
        if self.window is None:
            return ""
        return facts.write(facts.gather(readings, window=self.window, previous=None))


def open_run(request: RunRequest, *, now: datetime, week: WorkingWeek) -> Opening:
    """Return how the run of `request` begins: by the recipe that it names, or that its words ask for.

    `now` is in the user's time zone, as `week` is. A window reaches back a quarter at most.
    """
    recipe = recipes.find(request.recipe) or recipes.match(request.text)
    message = user_message(request.text, now=now, week=week, user_name=request.user_name, recipe=recipe)
    if recipe is None:
        return Opening(message)
    since = request.since and max(request.since, now - _LONGEST_WINDOW)
    window = recipes.open_window(recipe, now=now, week=week, since=since)
    return Opening(message, recipe=recipe, window=window)
