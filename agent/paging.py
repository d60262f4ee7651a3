"""Pages of what is listed newest first, each beginning before an instant in its address. Reads nothing.

An instant and no number of a page: what comes meanwhile moves nothing from one page to the next.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TypeVar

from django.utils import timezone
from django.utils.dateparse import parse_datetime

# As many as a person looks through before they turn the page.
PAGE_SIZE = 50
# What a store returns of a page: one more tells that there is a next one.
LISTED = PAGE_SIZE + 1

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[_Row]):
    """The rows of a page, and before which instant the next one begins, as text, "" at the end."""

    rows: Sequence[_Row]
    next_before: str


def page_of(listed: Sequence[_Row], *, at: Callable[[_Row], datetime]) -> Page[_Row]:
    """Return the page of `LISTED` rows or fewer, the newest first by `at`."""
    rows = listed[:PAGE_SIZE]
    return Page(rows, at(rows[-1]).isoformat() if len(listed) > len(rows) else "")


def instant_of(text: str) -> datetime | None:
    """Return the instant in an address before which a page begins; None, the first page, for what is none."""
    try:
        found = parse_datetime(text)
        return found.astimezone(UTC) if found and timezone.is_aware(found) else None
    except (ValueError, OverflowError):
        return None
