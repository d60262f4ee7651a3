"""The timeline's contexts as its views make them, for the checks of their markup."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from audit.address import Asked
from audit.charts import draw_lanes, draw_week, find_span
from audit.counting import Count
from audit.events import Outcome
from audit.overview import Overview, overview_context
from audit.saved import SavedSearch
from audit.search import parse
from audit.timeline import Paired
from audit.views import search_context
from audit.why import Why
from permissions.services import SERVICES

NOW = datetime(2026, 5, 6, 7, 0, tzinfo=UTC)
RUN = "7d9f3a3e-1111-4222-8333-123456789abc"


def asking(text: str) -> dict[str, Any]:
    """Return what the form shows of a search."""
    return search_context(Asked(parse(text, services=SERVICES)))


def row(number: int, outcome: str, provider: str) -> Any:
    """Return one audit event as the timeline gets it."""
    return SimpleNamespace(
        id=number,
        user="user:7",
        occurred_at=NOW - timedelta(hours=9 * number),
        sentence="Slack was not read: you revoked it.",
        outcome=outcome,
        provider=provider,
        event="permission:check:denied",
        details=(("Reason", "revoked"),),
        run=RUN if provider else "",
        tool="slack_mentions" if provider else "",
        token="0a" * 16 if provider else "",
        exchange="ex_1" if provider else "",
        pairs=(Paired(number, "Exchanged.", is_issued=True), Paired(9, "<script>", is_issued=False)),
    )


ROWS = (
    row(1, "denied", "slack"),
    row(2, "granted", "github"),
    row(3, "failed", "google-calendar"),
    row(4, "noted", ""),
)
TIMELINE = {
    "rows": ROWS,
    "next_cursor": 4,
    "sealed_to": 3,
    "message": "A filter in the address was not understood, so it filters nothing.",
}
COUNTS = tuple(Count(NOW, "slack", outcome, 1, 9) for outcome in Outcome)
SERVICES_NAMED = {slug: service.name for slug, service in SERVICES.items()}
TIMELINE |= asking(f"service:slack outcome:denied run:{RUN}")
WHY = Why(event=ROWS[0], begun=ROWS[3], steps=ROWS[:3], allowing=())
OVERVIEW = Overview(
    draw_lanes(COUNTS, services=SERVICES_NAMED, app="DevContext", span=find_span("day"), now=NOW, zone=UTC),
    draw_week(COUNTS, zone=UTC),
    zone="UTC",
    whole_since=NOW,
)
TIMELINE_PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "everybody's events": ("audit/everybody.html", TIMELINE | {"is_everybodys": True}),
    "an event": ("audit/event.html", {"row": ROWS[0], "sealed_to": 3}),
    "an event, not sealed": ("audit/event.html", {"row": ROWS[3], "sealed_to": 0}),
    "why something was read": ("audit/why.html", {"why": WHY, "question": "<script>alert(1)</script>"}),
    "why, the question gone": ("audit/why.html", {"why": replace(WHY, begun=None, allowing=ROWS[:1]), "question": ""}),
    "timeline": ("audit/timeline.html", TIMELINE),
    "timeline, empty": (
        "audit/timeline.html",
        TIMELINE | asking("") | {"rows": [], "next_cursor": None},
    ),
    "timeline, saved": (
        "audit/timeline.html",
        TIMELINE | {"saved": [SavedSearch(1, "<script>alert(1)</script>", "service:slack")], "can_be_saved": True},
    ),
    "timeline, followed": ("audit/timeline.html", TIMELINE | {"is_followed": True}),
    "timeline with charts": ("audit/timeline.html", TIMELINE | overview_context(OVERVIEW)),
    "timeline, nothing found so far": (
        "audit/timeline.html",
        TIMELINE | asking("x:y") | {"rows": [], "looked_back_to": NOW},
    ),
}
