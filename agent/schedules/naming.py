"""Tells the pages of other apps what schedules are called. Sync."""

from uuid import UUID

from agent.schedules import occurrences, store
from permissions.schedules import ScheduleName


def name_by_agent(user: int) -> dict[str, ScheduleName]:
    """Return the user's schedules by the agent that acts for each."""
    return {one.agent: ScheduleName(one.id, one.draft.name) for one in store.list_schedules(user)}


def find_beginner(user: int, *, run: str) -> ScheduleName | None:
    """Return the user's schedule that began a run; None where none did, or `run` is no id of one."""
    try:
        found = occurrences.find_schedule_of(UUID(run), user=user)
    except ValueError:
        return None
    return ScheduleName(found.id, found.draft.name) if found else None
