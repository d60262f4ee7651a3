"""Puts a world together from what is one's own (a repository, a calendar file, a Slack export) and from Tidewater.

What is not given stays invented, and the label says service by service which is which. Nothing is sent anywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from devcontext.sandbox.types import INVENTED, Event, Person, Snapshot, World
from devcontext.sandbox.world.calendar_file import CalendarFile, read_calendar
from devcontext.sandbox.world.clip import until_now
from devcontext.sandbox.world.days import Days
from devcontext.sandbox.world.errors import WorldError
from devcontext.sandbox.world.git import GitSource, read_git
from devcontext.sandbox.world.git_history import login_of
from devcontext.sandbox.world.invented import UTC_ZONE, tidewater_snapshot, utc_now
from devcontext.sandbox.world.recast import recast
from devcontext.sandbox.world.slack_export import SlackExport, read_export
from devcontext.sandbox.world.tidewater.team import MAYA


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where one's own data lie, and who one is in them: e-mail addresses or names, with commas between several."""

    me: str
    git: Path | None = None
    ics: Path | None = None
    slack_export: Path | None = None

    @property
    def names(self) -> frozenset[str]:
        """What one is called, in small letters."""
        return frozenset(part.strip().lower() for part in self.me.split(",")) - {""}


@dataclass(frozen=True, slots=True)
class _Own:
    """What was read, and the person it all belongs to; None for what stays invented."""

    me: Person
    git: GitSource | None
    calendar: CalendarFile | None
    events: tuple[Event, ...]
    slack: SlackExport | None


def own_world(sources: Sources, *, clock: Callable[[], datetime] = utc_now, zone: ZoneInfo = UTC_ZONE) -> World:
    """Return a world of one's own data, as far as they are given.

    All dates stay as they are, with one exception: where a repository alone is given and its author's newest commit is
    older than a week, its days are moved so that this commit falls on the last working day; the label says by how many.

    Raises:
        WorldError: A source cannot be read, or `me` is nobody in it.
    """
    own = _read(sources, now=clock(), zone=zone)
    days_moved = own.git.stale_days(Days(clock(), zone)) if own.git and not (own.calendar or own.slack) else 0
    if own.git:
        own = replace(own, git=own.git.moved(days_moved))

    @lru_cache(maxsize=2)
    def build(minute: datetime) -> Snapshot:
        return until_now(_snapshot(own, Days(minute, zone)))

    told = _told(own, days_moved=days_moved)
    notices = [f"{words[0].upper()}{words[1:]}, shown by the sandbox" if words else INVENTED for words in told.values()]
    return World(
        label="; ".join(f"{service}: {words or 'invented'}" for service, words in told.items()),
        code_notice=notices[0],
        calendar_notice=notices[1],
        slack_notice=notices[2],
        is_own=True,
        zone=zone,
        clock=clock,
        build=lambda now: build(now.replace(second=0, microsecond=0)),
    )


def _read(sources: Sources, *, now: datetime, zone: ZoneInfo) -> _Own:
    names = sources.names
    if not names:
        raise WorldError("--me needs your e-mail address.")
    git = read_git(sources.git, names=names) if sources.git else None
    # Who wrote the commits is also somebody by that name or address elsewhere.
    known = names | ({git.mailbox.name.lower(), git.mailbox.email.lower()} if git else set())
    addresses = frozenset(one for one in known if "@" in one)
    slack = read_export(sources.slack_export, addresses=addresses, names=known) if sources.slack_export else None
    if slack and slack.member.email:
        addresses |= {slack.member.email.lower()}
    if sources.ics and not addresses:
        raise WorldError("--me needs an e-mail address: a calendar knows its guests by nothing else.")
    calendar = read_calendar(sources.ics, now=now, zone=zone) if sources.ics else None
    me = _person(sources, git=git, calendar=calendar, slack=slack, addresses=addresses)
    events = calendar.events(me, addresses=addresses) if calendar else ()
    return _Own(me, git, calendar, events, slack.seen_by(me) if slack else None)


def _person(
    sources: Sources,
    *,
    git: GitSource | None,
    calendar: CalendarFile | None,
    slack: SlackExport | None,
    addresses: frozenset[str],
) -> Person:
    given = sources.me.split(",")[0].strip()
    email = git.mailbox.email if git else given if "@" in given else min(addresses, default="")
    member = slack.member if slack else None
    names = (
        git.mailbox.name if git else "",
        member.name if member else "",
        calendar.name_of(addresses) if calendar else "",
        email.partition("@")[0],
        given,
    )
    name = next(one for one in names if one.strip())
    login = login_of(git.mailbox) if git else member.login if member else email.partition("@")[0]
    slack_id, title = (member.slack_id, member.title) if member else (MAYA.slack_id, "")
    return replace(MAYA, name=name, email=email, login=login, slack_id=slack_id, title=title)


def _snapshot(own: _Own, days: Days) -> Snapshot:
    snapshot = recast(tidewater_snapshot(days), old=MAYA, new=own.me)
    if own.git:
        snapshot = own.git.fill(snapshot, me=own.me)
    if own.calendar:
        snapshot = replace(snapshot, events=own.events)
    if own.slack:
        snapshot = own.slack.fill(snapshot)
    return snapshot


def _told(own: _Own, *, days_moved: int) -> dict[str, str]:
    """Return for each service what one's own data are, "" where they are invented."""
    moved = f" (dates moved by {days_moved} days)" if days_moved else ""
    newest = f"newest message of {own.slack.newest_at:%Y-%m-%d}" if own.slack and own.slack.newest_at else "no messages"
    return {
        "GitHub": f"your repository {own.git.name}{moved}" if own.git else "",
        "Calendar": f"your file {own.calendar.name}" if own.calendar else "",
        "Slack": f"your export {own.slack.name}, {newest}" if own.slack else "",
    }
