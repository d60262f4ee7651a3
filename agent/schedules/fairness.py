"""Whose turn it is: everybody's first before anybody's second, the oldest first. A pure function."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Waiting:
    """An occurrence of `user` that could begin since `begins_at`."""

    id: UUID
    user: int
    begins_at: datetime


def in_turn(
    waiting: Iterable[Waiting],
    *,
    running: Mapping[int, int],
    done: Mapping[int, int],
    per_user: int,
    limit: int,
) -> tuple[UUID, ...]:
    """Return at most `limit` of `waiting` in the order in which they may begin.

    `running` counts by user what goes on already; nobody gets more than `per_user` at once. `done` counts those turns
    that ended since the oldest of `waiting` waits: who has had some stands behind who has had none.
    """
    taken = dict(running)
    turns: list[tuple[int, datetime, UUID]] = []
    for one in sorted(waiting, key=lambda one: (one.begins_at, one.id)):
        turn = taken.get(one.user, 0)
        if turn < per_user:
            taken[one.user] = turn + 1
            turns.append((turn + done.get(one.user, 0), one.begins_at, one.id))
    return tuple(occurrence for _, _, occurrence in sorted(turns)[:limit])
