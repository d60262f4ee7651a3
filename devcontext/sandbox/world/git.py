"""Fills the GitHub side from a real repository's history, so that a developer can be briefed on their own work.

It runs `git log` once, with a bound on commits and on time, and never writes to the repository. The calendar and the
conversations stay Tidewater's, and every page and label says which is which.
"""

import subprocess
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from devcontext.sandbox.types import Repository, Snapshot, World
from devcontext.sandbox.world.clip import until_now
from devcontext.sandbox.world.days import Days, last_working_day
from devcontext.sandbox.world.git_history import History, LoggedCommit, Mailbox, login_of, parse_log
from devcontext.sandbox.world.invented import UTC_ZONE, tidewater_snapshot, utc_now
from devcontext.sandbox.world.recast import recast
from devcontext.sandbox.world.tidewater.team import MAYA

# A year of a busy repository; more would only be read to be left out.
_MAX_COMMITS = 3000
# A cold log of 3000 commits takes about a second; a minute means a repository that is not answering.
_TIMEOUT_SECONDS = 60
# Older than this, a history has nothing for "yesterday" and its days are moved.
_STALE = timedelta(days=7)
# Unit and record separators keep any text that a commit message may hold apart.
_FORMAT = "%H%x1f%an%x1f%ae%x1f%aI%x1f%P%x1f%s%x1f%b%x1e"


class GitWorldError(Exception):
    """The repository cannot be the world; the text is one sentence for the person who started the sandbox."""


def git_world(path: Path, *, me: str, clock: Callable[[], datetime] = utc_now, zone: ZoneInfo = UTC_ZONE) -> World:
    """Return a world whose code is the history of the repository at `path`, seen by the author `me`.

    `me` is an author's e-mail address or name. When the author's newest commit is older than a week, all dates are
    moved by whole days so that it falls on the last working day, and the label says by how many.

    Raises:
        GitWorldError: There is no repository, git does not answer, or `me` is the author of no commit in it.
    """
    commits = _read(path)
    mailbox = _find_author(commits, me=me, path=path)
    shift = _shift_days(commits, mailbox, Days(clock(), zone))
    moved = tuple(replace(one, at=one.at + timedelta(days=shift)) for one in commits)
    name = path.resolve().name.removesuffix(".git") or path.resolve().parent.name

    @lru_cache(maxsize=2)
    def build(minute: datetime) -> Snapshot:
        return until_now(_snapshot(moved, name=name, mailbox=mailbox, days=Days(minute, zone)))

    told = f"real history of {name}" + (f" (dates moved by {shift} days)" if shift else "")
    return World(
        label=f"{told}; calendar and Slack are invented",
        code_notice=f"{told[0].upper()}{told[1:]}, shown by the sandbox",
        zone=zone,
        clock=clock,
        build=lambda now: build(now.replace(second=0, microsecond=0)),
    )


def _snapshot(commits: tuple[LoggedCommit, ...], *, name: str, mailbox: Mailbox, days: Days) -> Snapshot:
    me = replace(MAYA, name=mailbox.name, email=mailbox.email, login=login_of(mailbox))
    invented = recast(tidewater_snapshot(days), old=MAYA, new=me)
    history = History(Repository("local", name, is_private=False), commits, me, mailbox)
    written, pull_requests = history.written(), history.pull_requests()
    return replace(
        invented,
        people=(*history.people(), *(one for one in invented.people if one != me)),
        teams=(),
        repositories=(history.repository,),
        pull_requests=pull_requests,
        issues=(),
        commits=written,
    )


def _read(path: Path) -> tuple[LoggedCommit, ...]:
    if not path.is_dir():
        raise GitWorldError(f"{path} is no directory.")
    # SECURITY: without signatures no program that the repository's own configuration names is started.
    bounds = ("--no-show-signature", f"--max-count={_MAX_COMMITS}")
    return parse_log(_git(path, "log", *bounds, f"--format={_FORMAT}", "HEAD"))


def _find_author(commits: tuple[LoggedCommit, ...], *, me: str, path: Path) -> Mailbox:
    for one in commits:
        if me.lower() in (one.author.email.lower(), one.author.name.lower()):
            return one.author
    frequent = Counter(f"{one.author.name} <{one.author.email}>" for one in commits).most_common(3)
    names = ", ".join(author for author, _ in frequent)
    raise GitWorldError(f"{me} is the author of no commit in {path}; the most frequent authors are {names}.")


def _git(path: Path, *arguments: str) -> str:
    try:
        # SECURITY: a list and no shell; `safe.directory` stays git's own decision.
        done = subprocess.run(  # noqa: S603  (the program is fixed and the arguments are ours)
            ["git", "-C", str(path), *arguments],  # noqa: S607  (whichever git the person uses)
            capture_output=True,
            check=True,
            timeout=_TIMEOUT_SECONDS,
        )
    except FileNotFoundError:
        raise GitWorldError("git is not installed.") from None
    except subprocess.TimeoutExpired:
        raise GitWorldError(f"git did not answer within {_TIMEOUT_SECONDS} seconds in {path}.") from None
    except subprocess.CalledProcessError:
        raise GitWorldError(f"{path} is no git repository with commits that this user may read.") from None
    return done.stdout.decode("utf-8", "replace")


def _shift_days(commits: tuple[LoggedCommit, ...], me: Mailbox, days: Days) -> int:
    newest = max(one.at for one in commits if one.author.is_same(me))
    if days.now - newest <= _STALE:
        return 0
    return (last_working_day(days.today) - newest.astimezone(days.zone).date()).days
