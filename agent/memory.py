"""What is remembered of a person between briefings: their working week, and what the last briefings said.

Short sync functions, each its own transaction, as in `agent.store`. What was said goes in sealed.
"""

import json
from datetime import datetime
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from agent.briefing.facts.types import FactSet, Rule, Seen
from agent.briefing.working_week import WorkingWeek
from agent.errors import ContentClosedError
from agent.models import FactSet as FactSetRow
from agent.models import WorkingWeek as WorkingWeekRow
from agent.sealing import Place, seal, unseal
from agent.types import Past, WeekSettings


def load_week(user: int, *, browser_zone: ZoneInfo) -> WorkingWeek:
    """Return the user's working week; Monday to Friday without holidays where they said nothing.

    `browser_zone` counts unless they chose a zone.
    """
    return week_of(load_week_settings(user), browser_zone=browser_zone)


def week_of(chosen: WeekSettings, *, browser_zone: ZoneInfo) -> WorkingWeek:
    """Return the working week that was chosen, likewise."""
    zone = ZoneInfo(chosen.time_zone) if chosen.time_zone else browser_zone
    return WorkingWeek(time_zone=zone, weekdays=chosen.weekdays, country=chosen.country, subdivision=chosen.subdivision)


def load_week_settings(user: int) -> WeekSettings:
    """Return what the user chose, or the default."""
    row = WorkingWeekRow.objects.filter(user_id=user).first()
    if row is None:
        return WeekSettings()
    return WeekSettings(
        weekdays=tuple(int(day) for day in row.weekdays),
        country=row.country,
        subdivision=row.subdivision,
        time_zone=row.time_zone,
        standup_time=row.standup_time,
    )


def has_week_settings(user: int) -> bool:
    """Tell whether the user said which days they work, even if that is what holds by default."""
    return WorkingWeekRow.objects.filter(user_id=user).exists()


def save_week_settings(user: int, *, chosen: WeekSettings) -> None:
    """Keep what the user chose."""
    fields = {
        "weekdays": "".join(map(str, sorted(chosen.weekdays))),
        "country": chosen.country,
        "subdivision": chosen.subdivision,
        "time_zone": chosen.time_zone,
        "standup_time": chosen.standup_time,
    }
    WorkingWeekRow.objects.update_or_create(user_id=user, defaults=fields)


def load_past(user: int, *, recipe: str, today_began_at: datetime) -> Past:
    """Return what is remembered of the user's last briefings by `recipe`."""
    rows = FactSetRow.objects.filter(user_id=user, recipe=recipe).order_by("-made_at")
    newest = rows.first()
    earlier = rows.filter(made_at__lt=today_began_at).values_list("made_at", flat=True).first()
    return Past(fact_set=_open(newest) if newest else None, last_at=earlier)


def _open(row: FactSetRow) -> FactSet | None:
    try:
        seen = json.loads(unseal(row.sealed_facts, place=_place(row.id)))
    except ContentClosedError:
        # A briefing without a comparison is better than none.
        return None
    return FactSet(
        made_at=row.made_at,
        seen=tuple(Seen(id=one, rule=Rule(rule), first_at=datetime.fromisoformat(at)) for one, rule, at in seen),
    )


def keep_facts(user: int, *, recipe: str, fact_set: FactSet, conversation: UUID) -> None:
    """Remember what a briefing said, until `agent.retention` forgets it or its conversation is erased."""
    if fact_set.made_at is None:
        return
    row = uuid4()
    seen = [[one.id, one.rule.value, one.first_at.isoformat()] for one in fact_set.seen]
    sealed = seal(json.dumps(seen, separators=(",", ":")), place=_place(row))
    FactSetRow.objects.create(
        id=row,
        user_id=user,
        conversation_id=conversation,
        recipe=recipe,
        made_at=fact_set.made_at,
        sealed_facts=sealed,
    )


def load_compared(conversation: UUID, *, user: int, recipe: str) -> tuple[FactSet | None, FactSet | None]:
    """Return what the briefing of a conversation said, and what the user's last one by the recipe before it did."""
    rows = FactSetRow.objects.filter(user_id=user, recipe=recipe).order_by("-made_at")
    own = rows.filter(conversation_id=conversation).first()
    if own is None:
        return None, None
    before = rows.filter(made_at__lt=own.made_at).first()
    return _open(own), _open(before) if before else None


def forget_facts(*, before: datetime) -> int:
    """Delete what briefings made before then said, and return how many those were."""
    count, _ = FactSetRow.objects.filter(made_at__lt=before).delete()
    return count


def _place(row: UUID) -> Place:
    return Place("factset.facts", row)
