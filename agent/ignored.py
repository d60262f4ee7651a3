"""What a run did not follow, in words: a model that was misled tells nobody. Counts and names, no text of others."""

from django.utils.text import get_text_list
from django.utils.translation import gettext, ngettext

from agent.events import Ignored
from agent.providers import PROVIDERS


def ignored_words(ignored: Ignored, *, unknown: int) -> str:
    """Return the line about it in the reader's language, "" where there was nothing.

    `unknown` counts the citations that named nothing that was read, as in `agent.events.GroundingCounts`.
    """
    parts = (_calls(ignored.calls), _hidden(ignored.hid), _citations(unknown))
    return " · ".join(part for part in parts if part)


def _calls(number: int) -> str:
    words = ngettext(
        "{number} call of the model that is not allowed", "{number} calls of the model that are not allowed", number
    )
    return words.format(number=number) if number else ""


def _hidden(providers: tuple[str, ...]) -> str:
    names = [PROVIDERS[provider].name for provider in providers if provider in PROVIDERS]
    return gettext("words that somebody hid in {services}").format(services=_listed(names)) if names else ""


def _listed(names: list[str]) -> str:
    return str(get_text_list(names, gettext("and")))


def _citations(number: int) -> str:
    words = ngettext("{number} invented citation", "{number} invented citations", number)
    return words.format(number=number) if number else ""
