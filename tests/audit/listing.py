"""The rows of a timeline, as its page lists them."""

from audit import finding, timeline
from audit.search import Part, Search


def list_events(*, user: str, before: int | None = None, limit: int = 50, **qualifiers: str) -> timeline.Page:
    """Return the newest rows of `user` that the qualifiers of a search let through."""
    search = Search(tuple(Part(name, value) for name, value in qualifiers.items() if value))
    return finding.list_page(search, user=user, before=before, limit=limit)
