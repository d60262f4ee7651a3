"""Tells the pages of other apps what schedules are called. Sync."""

from collections.abc import Collection, Iterator
from contextlib import suppress
from uuid import UUID

from agent.schedules import occurrences, store
from permissions.schedules import ScheduleName


def name_by_agent(user: int) -> dict[str, ScheduleName]:
    """Return the user's schedules by the agent that acts for each."""
    return {one.agent: ScheduleName(one.id, one.draft.name) for one in store.list_schedules(user)}


def name_by_run(user: int, *, runs: Collection[str]) -> dict[str, ScheduleName]:
    """Return the user's schedules by the runs that they began; what is no id of a run was begun by none."""
    found = occurrences.list_schedules_of(list(_ids(runs)), user=user)
    return {str(run): ScheduleName(one.id, one.draft.name) for run, one in found.items()}


def _ids(runs: Collection[str]) -> Iterator[UUID]:
    for run in runs:
        with suppress(ValueError):
            yield UUID(run)
