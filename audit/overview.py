"""What stands above the timeline: how much happened, by service and time. Reads the user's own events alone."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext

from audit import charts, vocabulary
from audit.charts import Lanes, Span, Week
from audit.counting import count_events
from audit.search import Search
from audit.wording import OUTCOME_NAMES


@dataclass(frozen=True, slots=True)
class Overview:
    """Both charts; `whole_since` is as in `audit.counting.Counts`."""

    lanes: Lanes
    week: Week
    zone: str
    whole_since: datetime | None


def load_overview(search: Search, *, user: str, span: Span) -> Overview:
    """Count the events of `user` in the last 30 days that have the service and the outcome of `search`.

    Raises:
        AuditUnavailableError: The audit database does not answer.
    """
    now, zone, services = timezone.now(), vocabulary.zone_of(user), vocabulary.services()
    found = count_events(
        user=user,
        since=now - timedelta(days=charts.COUNTED_DAYS),
        provider=search.value("service"),
        outcome=search.value("outcome"),
    )
    lanes = charts.draw_lanes(found.counts, services=services, app="DevContext", span=span, now=now, zone=zone)
    week = charts.draw_week(found.counts, zone=zone)
    return Overview(lanes, week, zone=str(zone), whole_since=found.whole_since)


def overview_context(overview: Overview | None) -> dict[str, Any]:
    """Return what the charts of the page show, nothing of them with None."""
    return {
        "overview": overview,
        "spans": charts.SPANS,
        "signs": [(outcome.value, gettext(name)) for outcome, name in OUTCOME_NAMES.items()],
        "hours": range(charts.HOURS),
    }
