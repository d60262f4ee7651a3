"""Searches that a user keeps under a name. Another app keeps them, as preferences."""

from dataclasses import dataclass
from typing import Protocol

# What a row of chips holds and a person tells apart.
MAX_SAVED = 20
MAX_NAME_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search of the timeline as its owner named it; `text` is as it stands in the field."""

    id: int
    name: str
    text: str


class Keeper(Protocol):
    """Keeps searches by subject. Sync and short."""

    def list_searches(self, user: str) -> tuple[SavedSearch, ...]:
        """Return the user's searches by name."""
        ...

    def save_search(self, user: str, *, name: str, text: str) -> bool:
        """Keep a search, in the place of the one of this name; False if the user has `MAX_SAVED` others."""
        ...

    def delete_search(self, user: str, *, number: int) -> SavedSearch | None:
        """Delete the user's search with this id and return it; None if they have none."""
        ...


_keepers: list[Keeper] = []


def keep_in(keeper: Keeper) -> None:
    """Have searches kept by `keeper`."""
    _keepers[:] = [keeper]


def keeper() -> Keeper:
    """Return who keeps them; a process that shows the timeline was told."""
    return _keepers[0]
