"""What a user leaves out of every answer, and the pure functions that find it. It reads no table and asks nobody.

An exclusion hides what was read *from* a place; that others name the place in their own words is what the words are
for.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# What a reader does not see, and what could stand inside a word to hide it from a comparison.
_HIDDEN = frozenset({"Cf", "Cc", "Cs", "Co"})
_SPACES = re.compile(r"\s+")


class ExclusionKind(StrEnum):
    """What can be left out. `PRIVATE_EVENTS` is a switch and has no value; every other kind has many."""

    REPOSITORY = "repository"
    ORGANISATION = "organisation"
    CHANNEL = "channel"
    PRIVATE_EVENTS = "private_events"
    WORD = "word"


@dataclass(frozen=True, slots=True)
class Exclusions:
    """What is left out of what one service answers; every value is in the form that `normal` gives.

    Attributes:
        repositories: `owner/name`.
        organisations: Owners, all of whose repositories are left out.
        channels: Names without "#", or the provider's own ids.
        words: Words or phrases; what shows one, in its title or any text, is left out.
        hides_private_events: Leave out events that the calendar marks as private.
    """

    repositories: frozenset[str] = frozenset()
    organisations: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    hides_private_events: bool = False

    def refuses(self, place: str) -> bool:
        """Tell whether `place`, such as `owner/name` or `#channel`, may not be asked for at all."""
        name = normal(place).removeprefix("#")
        owner, slash, _ = name.partition("/")
        return name in self.repositories or name in self.channels or bool(slash and owner in self.organisations)

    def hides(self, *, title: str, places: Sequence[str], fields: Mapping[str, Any]) -> bool:
        """Tell whether an item of `places` that a tool read may be shown to nobody: model, page, event nor log."""
        if self.hides_private_events and fields.get("is_private"):
            return True
        if any(self.refuses(place) for place in places):
            return True
        return bool(self.words) and any(self._shows_word(text) for text in _texts_of([title, fields]))

    def _shows_word(self, text: str) -> bool:
        shown = normal(text)
        return any(re.search(rf"(?<!\w){re.escape(word)}(?!\w)", shown) for word in self.words)


def normal(text: str) -> str:
    """Return `text` as it is compared: compatibility forms and case folded, without what cannot be seen."""
    # Breaks and tabs are control characters as well: they become spaces first.
    spaced = _SPACES.sub(" ", unicodedata.normalize("NFKC", text))
    visible = "".join(one for one in spaced if unicodedata.category(one) not in _HIDDEN)
    return unicodedata.normalize("NFKC", visible.casefold()).strip()


def _texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts_of(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts_of(one)
