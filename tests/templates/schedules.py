"""What the views of schedules give their templates, hostile names included."""

from datetime import UTC, datetime, time
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from agent.delivery.types import Delivery, DeliveryState, Failure, Kind
from agent.delivery.wording import tell_delivery
from agent.schedule_form import ScheduleForm, initial_of
from agent.schedules.types import Draft, Occurrence, OccurrenceState, Reason
from agent.schedules.wording import ScheduleState, tell_occurrence

NOW = datetime(2026, 5, 6, 7, 0, tzinfo=UTC)
ID = UUID("7d9f3a3e-1111-4222-8333-123456789abc")
HOSTILE = "<script>alert(1)</script>"
DRAFT = Draft(
    name=HOSTILE,
    recipe="standup",
    weekdays=(0, 4),
    at=time(9),
    time_zone="UTC",
    country="DE",
    skips_out_of_office=True,
    quiet_from=time(22),
    quiet_until=time(7),
)
FAILED = Occurrence(
    id=ID,
    schedule=ID,
    due_at=NOW,
    begins_at=NOW,
    is_asked=False,
    missed=1,
    state=OccurrenceState.FAILED,
    reason=Reason.INTERRUPTED,
    attempts=1,
    run=ID,
    started_at=NOW,
    tried_since=NOW,
    ended_at=NOW,
    cost_micro_usd=12,
    coverage=({"provider": "github", "state": "revoked", "items": 0, "exchanges": 0},),
    changes={"needs_me": 1, "carried": 0, "oldest_days": 0},
    is_told=True,
)
SCHEDULE = SimpleNamespace(id=ID, draft=DRAFT, grant_expires_at=NOW)
CARD = SimpleNamespace(
    id=ID,
    name=HOSTILE,
    schedule=SCHEDULE,
    recipe="Brief me for standup",
    days="Monday, Friday",
    zone="UTC",
    state=ScheduleState("expired", "Leave to read expired", "bad", "failed"),
    dates=(NOW,),
    services=(("github", "GitHub"),),
    tools=("github_activity",),
    last=tell_occurrence(FAILED),
)
LIST: dict[str, Any] = {"cards": [CARD], "week": SimpleNamespace(standup_time=time(9)), "vault_message": ""}
WAITS = Delivery(
    id=ID,
    schedule=ID,
    occurrence=ID,
    kind=Kind.WEBHOOK,
    state=DeliveryState.DUE,
    attempts=2,
    next_try_at=NOW,
    error=Failure.UNREACHABLE,
    ended_at=None,
    seen_at=None,
    due_at=NOW,
    outcome="failed",
    reason=Reason.INTERRUPTED,
    is_late=False,
    missed=0,
    changes={},
    run=ID,
)
HISTORY = [(tell_occurrence(FAILED), (tell_delivery(WAITS, ways=[WAITS.kind]),))]
PAGE: dict[str, Any] = {"card": CARD, "history": HISTORY, "budget": "$0.25", "is_going_on": True}
FORM: dict[str, Any] = {"form": ScheduleForm(initial=initial_of(DRAFT)), "zone": "UTC", "dates": (NOW,)}
REFUSED = ScheduleForm({"country": "DE", "subdivision": "X", "quiet_from": "22:00"})
SCHEDULE_PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "schedules": ("agent/schedules.html", LIST),
    "schedules, none": ("agent/schedules.html", LIST | {"cards": []}),
    "schedules, vault away": ("agent/schedules.html", LIST | {"vault_message": "The vault is away."}),
    "schedule": ("agent/schedule.html", PAGE),
    "schedule, older": ("agent/schedule.html", PAGE | {"is_older": True, "next_before": NOW.isoformat()}),
    "schedule, before everything": ("agent/schedule.html", PAGE | {"is_older": True, "history": []}),
    "new schedule": ("agent/schedule_form.html", FORM),
    "schedule, refused": ("agent/schedule_form.html", {"form": REFUSED, "is_refused": True, "zone": "UTC"}),
    "schedule, deleted": ("agent/schedule_delete.html", {"schedule": SCHEDULE}),
}
