"""Opens a run by what is remembered of its user, and remembers what it said for the next one."""

import logging
from collections.abc import Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.db import DatabaseError
from django.utils import timezone

from agent import memory, opening
from agent.briefing import recipes
from agent.briefing.types import Reading
from agent.opening import Opening
from agent.types import Past, RunRequest, RunTicket

logger = logging.getLogger(__name__)


async def open_run(request: RunRequest) -> Opening:
    """Return how the run of `request` begins now, in the user's working week and after their last briefing."""
    browser_zone = ZoneInfo(request.time_zone)
    week = await sync_to_async(memory.load_week)(request.user, browser_zone=browser_zone)
    now = timezone.now().astimezone(week.time_zone)
    return opening.open_run(request, now=now, week=week, past=await _load_past(request, now=now))


async def keep(request: RunRequest, *, ticket: RunTicket, opening: Opening, readings: Sequence[Reading]) -> None:
    """Keep what a briefing said, for the next one by the same recipe; a free question says nothing to compare with.

    It is erased with its conversation.
    """
    facts = opening.gather(readings)
    if facts is None or opening.recipe is None:
        return
    try:
        await sync_to_async(memory.keep_facts)(
            request.user, recipe=opening.recipe.name, fact_set=facts.fact_set, conversation=ticket.conversation
        )
    except DatabaseError:
        # The next briefing compares itself with an older one; this one is answered all the same.
        logger.exception("agent.facts_not_kept", extra={"recipe": opening.recipe.name})


async def _load_past(request: RunRequest, *, now: datetime) -> Past:
    recipe = recipes.choose(request.recipe, text=request.text)
    if recipe is None:
        return Past()
    today_began_at = datetime.combine(now.date(), time.min, tzinfo=now.tzinfo)
    return await sync_to_async(memory.load_past)(request.user, recipe=recipe.name, today_began_at=today_began_at)
