"""What an address of the audit's pages asks for: `?q=`, its short forms, a day to jump to, and where a page begins."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time

from django.http import HttpRequest
from django.utils.dateparse import parse_date

from audit import finding, timeline, vocabulary
from audit.search import Part, Search, parse

# Links from other pages name these by themselves; they join what is searched.
_SHORT = ("service", "outcome", "run")
_CURSOR = re.compile(r"[0-9]{1,19}", re.ASCII)
# Days before and after which no event can be.
_FIRST_YEAR, _LAST_YEAR = 1971, 9998


@dataclass(frozen=True, slots=True)
class Asked:
    """The query string as understood; `is_understood` is False when a part of it, save of `q`, was dropped."""

    search: Search
    before: int | None = None
    on: datetime | None = None
    is_understood: bool = True

    def start(self, *, user: str) -> int | None:
        """Return the id below which the page begins, None at the newest event; raises as `finding.find_start`."""
        if self.before is not None or self.on is None:
            return self.before
        return finding.find_start(self.on, user=user)


def read(request: HttpRequest, *, is_auditor: bool = False) -> Asked:
    """Return what the query string asks for; whatever it holds, nothing raises."""
    short, is_understood = _short_forms(request)
    services = vocabulary.services()
    search = parse(" ".join([*short, request.GET.get("q", "")]), services=services, is_auditor=is_auditor)
    before, on = request.GET.get("before", ""), request.GET.get("on", "")
    cursor, day = read_cursor(before), _midnight(on)
    is_understood &= not (before and cursor is None) and not (on and day is None)
    return Asked(search, before=cursor, on=day, is_understood=is_understood)


def _short_forms(request: HttpRequest) -> tuple[list[str], bool]:
    given = [Part(name, value) for name in _SHORT if (value := request.GET.get(name, ""))]
    # Each by itself: a value that is several words would be several parts.
    fitting = [one for one in given if parse(one.text, services=vocabulary.services()).parts == (one,)]
    return [one.text for one in fitting], len(fitting) == len(given)


def read_cursor(text: str) -> int | None:
    """Return the id of an event in an address, None for what is none."""
    return int(text) if _CURSOR.fullmatch(text) and int(text) <= timeline.MAX_ID else None


def _midnight(text: str) -> datetime | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    return datetime.combine(day, time.min, tzinfo=UTC) if day and _FIRST_YEAR <= day.year <= _LAST_YEAR else None
