"""Copies a schedule: what its owner wants, and nothing of what it may read."""

from dataclasses import replace
from uuid import UUID

from asgiref.sync import sync_to_async
from django.utils.translation import gettext

from agent.schedules import owning, store
from agent.schedules.types import Schedule
from permissions.subjects import user_id_of
from vault.client import Asker


async def copy(asker: Asker, schedule: UUID) -> Schedule:
    """Make a schedule that wants the same and may read nothing yet.

    Raises:
        ScheduleNotFoundError: The schedule is not this user's.
        TooManySchedulesError: The user has as many as one person may.
    """
    found = await sync_to_async(store.load)(schedule, user=user_id_of(asker["user"]))
    name = gettext("Copy of {name}").format(name=found.draft.name)[: owning.MAX_NAME_CHARACTERS]
    return await owning.create(asker, draft=replace(found.draft, name=name))
