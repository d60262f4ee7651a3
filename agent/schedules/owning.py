"""What an owner does with their schedules: make, change, grant, narrow, pause, run now, delete. One function for each.

What widens the reach of a schedule is confirmed and audited by the vault before anything is due by it.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID
from zoneinfo import available_timezones

from asgiref.sync import sync_to_async
from django.utils import timezone

from agent.briefing import recipes
from agent.briefing.working_week import list_countries, list_subdivisions
from agent.schedules import occurrences, scheduler, store
from agent.schedules.errors import BadScheduleError, NoGrantError, ScheduleNotFoundError
from agent.schedules.types import Draft, Occurrence, Schedule
from agent.tools import TOOLS
from permissions import grants
from permissions.subjects import user_id_of
from vault.client import Asker, Grant

MAX_NAME_CHARACTERS = 80
_DAYS = range(7)


async def create(asker: Asker, *, draft: Draft) -> Schedule:
    """Make a schedule; nothing is due by it before `give_grant`.

    Raises:
        BadScheduleError: A field of `draft` does not fit.
        TooManySchedulesError: The user has as many as one person may.
    """
    _require_sound(draft)
    return await sync_to_async(store.create)(user_id_of(asker["user"]), draft=draft)


async def change(asker: Asker, schedule: UUID, *, draft: Draft) -> Schedule:
    """Take over what the owner says now; raises as `create` does, and `ScheduleNotFoundError`."""
    _require_sound(draft)
    user = user_id_of(asker["user"])
    return await sync_to_async(store.change)(schedule, user=user, draft=draft, now=timezone.now())


async def give_grant(
    asker: Asker, schedule: UUID, *, providers: Collection[str], tools: Collection[str] = (), expires_at: datetime
) -> Schedule:
    """Let the schedule read `providers` while its owner is away: a new grant, or the one that it has, changed.

    Asked for twice, also at once, it has one grant: the vault gives an agent no second one.

    For a view behind `permissions.confirmation.recently_confirmed`. Without `tools`, it may use all of these services.
    The switch of each service for the time that its owner is away stays as it is, and counts beside the grant.

    Raises:
        ScheduleNotFoundError: The schedule is not this user's.
        vault.client.VaultError: The vault did not confirm it; nothing changed.
    """
    user = user_id_of(asker["user"])
    found = await sync_to_async(store.load)(schedule, user=user)
    wanted = tuple(tools) or tools_of(providers)
    await grants.create(**asker, agent=found.agent, providers=providers, tools=wanted, expires_at=expires_at)
    try:
        return await _note_grant(asker, found)
    except ScheduleNotFoundError:
        # It was deleted meanwhile, and nobody would see the grant any more.
        await _end_at_vault(asker, found)
        raise


async def narrow_grant(
    asker: Asker, schedule: UUID, *, providers: Collection[str], tools: Collection[str] | None = None
) -> Schedule:
    """Take all but these services, and all but these tools, from the schedule; what it did not have is not added.

    With nothing left the grant ends. Needs no confirmation: taking access away must never wait.

    Raises:
        NoGrantError: It has no living grant, so that nothing can be read by it.
        ScheduleNotFoundError, vault.client.VaultError: As `give_grant` raises them.
    """
    user = user_id_of(asker["user"])
    found = await sync_to_async(store.load)(schedule, user=user)
    held = await find_grant(asker, found)
    if held is None or held.expires_at <= timezone.now():
        raise NoGrantError
    left = set(held.providers) & set(providers)
    kept = set(held.tools) & set(tools_of(left)) & set(held.tools if tools is None else tools)
    if not left or not kept:
        return await end_grant(asker, schedule)
    await grants.change(**asker, grant=held.id, providers=left, tools=kept, expires_at=held.expires_at)
    return await _note_grant(asker, found)


async def end_grant(asker: Asker, schedule: UUID) -> Schedule:
    """Take everything from the schedule at once; nothing is due by it until it is given a grant. Raises as above."""
    user = user_id_of(asker["user"])
    found = await sync_to_async(store.load)(schedule, user=user)
    await _end_at_vault(asker, found)
    return await _note_grant(asker, found)


async def find_grant(asker: Asker, schedule: Schedule) -> Grant | None:
    """Return what the schedule may read, as the vault says now, expired or not; None if it was ended or never given.

    Raises:
        vault.client.VaultError: The vault does not answer.
    """
    # By the agent, not by the id that is noted here: a process that died before it noted one left it at the vault.
    listed = await grants.list_grants(**asker)
    return next((grant for grant in listed if grant.agent == schedule.agent), None)


async def _note_grant(asker: Asker, schedule: Schedule) -> Schedule:
    """Note what the vault says that the schedule may read, until it still says so afterwards.

    Of two acts at once, the one that the vault took first may come here last: what it knew is then old.
    """
    held = await find_grant(asker, schedule)
    while True:
        noted = await sync_to_async(store.set_grant)(schedule.id, user=schedule.user, grant=held, now=timezone.now())
        before, held = held, await find_grant(asker, schedule)
        if held == before:
            return noted


async def _end_at_vault(asker: Asker, schedule: Schedule) -> None:
    for grant in await grants.list_grants(**asker):
        if grant.agent == schedule.agent:
            await grants.end(**asker, grant=grant.id)


async def pause(asker: Asker, schedule: UUID, *, until: datetime | None = None) -> Schedule:
    """Let nothing be due until an instant, or until `resume`; raises `ScheduleNotFoundError`."""
    user, is_paused = user_id_of(asker["user"]), until is None
    return await sync_to_async(store.set_pause)(
        schedule, user=user, is_paused=is_paused, until=until, now=timezone.now()
    )


async def resume(asker: Asker, schedule: UUID) -> Schedule:
    """End a pause; what was due meanwhile is not caught up on; raises `ScheduleNotFoundError`."""
    user = user_id_of(asker["user"])
    return await sync_to_async(store.set_pause)(schedule, user=user, is_paused=False, until=None, now=timezone.now())


async def run_now(asker: Asker, schedule: UUID) -> Occurrence:
    """Let a briefing begin at once, by the same grant and checks as a due one; asked for twice, it is the same one.

    Raises:
        ScheduleNotFoundError: The schedule is not this user's.
    """
    found = await sync_to_async(store.load)(schedule, user=user_id_of(asker["user"]))
    occurrence = await sync_to_async(occurrences.ask_now)(found, now=timezone.now())
    await scheduler.wake()
    return occurrence


async def delete(asker: Asker, schedule: UUID) -> None:
    """Delete a schedule and its grant; its briefings stay in the history. Raises as `end_grant` does."""
    ended = await end_grant(asker, schedule)
    await sync_to_async(store.delete)(schedule, user=ended.user)
    # What was given between the two is found now; what is given later finds no schedule.
    await _end_at_vault(asker, ended)


def tools_of(providers: Collection[str]) -> tuple[str, ...]:
    """Return the names of the tools that read these services, in alphabetical order."""
    return tuple(sorted(name for name, tool in TOOLS.items() if tool.provider in providers))


def _require_sound(draft: Draft) -> None:
    """Refuse what no form of ours sends; a form tells its user more kindly."""
    sound = {
        "name": 0 < len(draft.name.strip()) <= MAX_NAME_CHARACTERS,
        "recipe": recipes.find(draft.recipe) is not None,
        "weekdays": bool(draft.weekdays) and all(day in _DAYS for day in draft.weekdays),
        "time_zone": draft.time_zone in available_timezones(),
        "country": not draft.country or draft.country in dict(list_countries()),
        "subdivision": not draft.subdivision or draft.subdivision in list_subdivisions(draft.country),
        "quiet_until": (draft.quiet_from is None) == (draft.quiet_until is None),
        "daily_budget_micro_usd": draft.daily_budget_micro_usd >= 0,
    }
    for field, is_sound in sound.items():
        if not is_sound:
            raise BadScheduleError(field)
