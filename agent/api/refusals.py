"""How each provider's API says no besides the status, one line each; a provider without one of its own needs none."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agent.api import github_refusals, google_calendar, slack
from agent.api.answers import Answer
from agent.errors import ToolErrorCode


def _find_nothing(_answer: Answer) -> None:
    return None


def _name_nothing(_answer: Answer) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Refusals:
    """One provider's way to refuse.

    `find` returns what an answer refuses with besides its status, or None; `find_needed` returns the permissions that
    would have been enough, in our words, or "".
    """

    find: Callable[[Answer], ToolErrorCode | None] = _find_nothing
    find_needed: Callable[[Answer], str] = _name_nothing


# By provider id.
_REFUSALS: Mapping[str, Refusals] = {
    "github": Refusals(github_refusals.find_refusal, find_needed=github_refusals.find_needed),
    "google-calendar": Refusals(google_calendar.find_refusal, find_needed=google_calendar.find_needed),
    "slack": Refusals(slack.find_refusal),
}
_BY_STATUS_ALONE = Refusals()


def refusals_of(provider: str) -> Refusals:
    """Return how `provider` refuses; by its status alone, where nothing else is known."""
    return _REFUSALS.get(provider, _BY_STATUS_ALONE)
