"""What the pages of schedules show: each schedule with what it may read, its next dates, and what became of the last.

Sync, since it reads tables; the grants come from the vault, whose word of now they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext

from agent.briefing import recipes
from agent.schedules import occurrences, store
from agent.schedules.due import list_next
from agent.schedules.types import Draft, Occurrence, Schedule
from agent.schedules.wording import OccurrenceTold, ScheduleState, days_of, state_of, tell_occurrence
from permissions.services import SERVICES
from vault.client import Grant


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleCard:
    """One schedule as pages show it.

    `dates` are its next instants, in its `zone`; none while it is not due. `services` are (provider id, name) of what
    its grant holds, `tools` the names of the tools; both are empty where the vault could not say.
    """

    id: UUID
    name: str
    schedule: Schedule
    recipe: str
    days: str
    zone: ZoneInfo
    state: ScheduleState
    dates: tuple[datetime, ...]
    services: tuple[tuple[str, str], ...]
    tools: tuple[str, ...]
    last: OccurrenceTold | None


def list_cards(user: int, *, held: Sequence[Grant] | None) -> tuple[ScheduleCard, ...]:
    """Return the user's schedules, the oldest first."""
    newest = occurrences.list_newest(user)
    return tuple(
        make_card(schedule, held=held, last=newest.get(schedule.id)) for schedule in store.list_schedules(user)
    )


def make_card(schedule: Schedule, *, held: Sequence[Grant] | None, last: Occurrence | None) -> ScheduleCard:
    """Return one schedule as pages show it, by the grants that the user holds; None where the vault could not say."""
    draft, grant = schedule.draft, next((one for one in held or () if one.id == schedule.grant), None)
    # A changed password ends every grant, and the vault alone knows.
    is_ended = held is not None and grant is None
    recipe = recipes.find(draft.recipe)
    return ScheduleCard(
        id=schedule.id,
        name=draft.name,
        schedule=schedule,
        recipe=gettext(recipe.title) if recipe else draft.recipe,
        days=days_of(draft.weekdays),
        zone=ZoneInfo(draft.time_zone),
        state=state_of(schedule, now=timezone.now(), is_ended=is_ended),
        dates=() if is_ended or schedule.next_due_at is None else next_dates(draft, user=schedule.user, of=schedule),
        services=tuple((slug, service.name) for slug, service in SERVICES.items() if grant and slug in grant.providers),
        tools=grant.tools if grant else (),
        last=tell_occurrence(last) if last else None,
    )


def next_dates(draft: Draft, *, user: int, of: Schedule | None = None) -> tuple[datetime, ...]:
    """Return the next five instants of what a draft asks for; after the pause, where one `of` a schedule ends."""
    now = timezone.now()
    after = max(now, of.paused_until) if of and of.paused_until else now
    return list_next(store.load_rhythm_of(draft, user=user), after=after)
