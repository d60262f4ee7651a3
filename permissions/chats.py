"""What a user's conversations are called. The agent knows and says so; this app does not import it."""

from collections.abc import Callable, Collection, Mapping
from uuid import UUID

# The titles of those of the conversations that the user, a subject, still has, by id.
Titles = Callable[[str, Collection[UUID]], Mapping[UUID, str]]

_titles: list[Titles] = []


def register_titles(titles: Titles) -> None:
    """Take titles from `titles`, each time some are asked for."""
    _titles.append(titles)


def titles_of(user: str, *, conversations: Collection[UUID]) -> dict[UUID, str]:
    """Return the titles of the user's `conversations` that are still there. Sync, since it may read a table."""
    return {id_: title for titles in _titles for id_, title in titles(user, conversations).items()}
