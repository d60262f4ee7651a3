"""Puts a world together from a clock: the invented team, as it is at this moment."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from itertools import chain
from zoneinfo import ZoneInfo

from devcontext.sandbox.types import Snapshot, World
from devcontext.sandbox.world.clip import until_now
from devcontext.sandbox.world.days import Days
from devcontext.sandbox.world.tidewater import mayas_code, meetings, messages, team, teams_code

UTC_ZONE = ZoneInfo("UTC")


def utc_now() -> datetime:
    """Return the time of the machine's clock."""
    return datetime.now(UTC)


def tidewater_world(*, clock: Callable[[], datetime] = utc_now, zone: ZoneInfo = UTC_ZONE) -> World:
    """Return the invented team Tidewater, whose days move with `clock`.

    The same day gives the same world; within a day, things appear at the minute they happen.
    """

    @lru_cache(maxsize=2)
    def build(minute: datetime) -> Snapshot:
        return until_now(tidewater_snapshot(Days(minute, zone)))

    return World(
        label="Tidewater, an invented team",
        zone=zone,
        clock=clock,
        build=lambda now: build(now.replace(second=0, microsecond=0)),
    )


def tidewater_snapshot(days: Days) -> Snapshot:
    """Return all of Tidewater around `days.now`, the rest of the day included."""
    pull_requests = (*mayas_code.pull_requests(days), *teams_code.pull_requests(days))
    return Snapshot(
        now=days.now,
        me=team.MAYA,
        people=team.PEOPLE,
        repositories=team.REPOSITORIES,
        pull_requests=pull_requests,
        issues=teams_code.issues(days),
        commits=(
            *chain.from_iterable(pull.commits for pull in pull_requests),
            *mayas_code.straight_commits(days),
        ),
        events=meetings.events(days),
        channels=messages.channels(days),
        messages=messages.messages(days),
    )
