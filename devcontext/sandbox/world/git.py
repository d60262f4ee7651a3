"""Reads a real repository's history, so that a developer can be briefed on their own work.

It runs `git log` twice, with bounds on commits and on time, and never writes to the repository.
"""

import os
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from devcontext.sandbox.types import Person, Repository, Snapshot
from devcontext.sandbox.world.days import Days, last_working_day
from devcontext.sandbox.world.errors import WorldError
from devcontext.sandbox.world.git_history import History, LoggedCommit, Mailbox, parse_log

# A year of a busy repository; more would only be read to be left out.
_MAX_COMMITS = 3000
# What lies on branches; more means branches that nobody works on.
_MAX_UNMERGED = 500
# A cold log of 3000 commits takes about a second; a minute means a repository that is not answering.
_TIMEOUT_SECONDS = 60
# Older than this, a history has nothing for "yesterday" and its days are moved.
_STALE = timedelta(days=7)
# Unit and record separators keep any text that a commit message may hold apart.
_FORMAT = "%H%x1f%an%x1f%ae%x1f%aI%x1f%P%x1f%s%x1f%b%x1f%S%x1e"


@dataclass(frozen=True, slots=True)
class GitSource:
    """One repository's commits and who is `me` in it; `unmerged` are those that HEAD does not have."""

    name: str
    mailbox: Mailbox
    commits: tuple[LoggedCommit, ...] = field(repr=False)
    unmerged: tuple[LoggedCommit, ...] = field(repr=False)

    def stale_days(self, days: Days) -> int:
        """Return by how many days the history must move for my newest commit to be of the last working day.

        That is 0 while the newest commit is of the last week.
        """
        newest = max(one.at for one in (*self.commits, *self.unmerged) if one.author.is_same(self.mailbox))
        if days.now - newest <= _STALE:
            return 0
        return (last_working_day(days.today) - newest.astimezone(days.zone).date()).days

    def moved(self, days: int) -> "GitSource":
        """Return the same history, so many days later."""

        def move(commits: Iterable[LoggedCommit]) -> tuple[LoggedCommit, ...]:
            return tuple(replace(one, at=one.at + timedelta(days=days)) for one in commits)

        return replace(self, commits=move(self.commits), unmerged=move(self.unmerged))

    def fill(self, snapshot: Snapshot, *, me: Person) -> Snapshot:
        """Return `snapshot` with this repository for its code."""
        repository = Repository("local", self.name, is_private=False)
        history = History(repository, self.commits, me, self.mailbox, self.unmerged)
        written, pull_requests = history.written(), history.pull_requests()
        return replace(
            snapshot,
            people=(*history.people(), *(one for one in snapshot.people if one != me)),
            repositories=(repository,),
            pull_requests=pull_requests,
            issues=(),
            commits=written,
        )


def read_git(path: Path, *, names: frozenset[str]) -> GitSource:
    """Return the history of the repository at `path` as the author with one of `names` sees it.

    `names` are e-mail addresses or names, in small letters. What is reachable from HEAD counts as the default branch.

    Raises:
        WorldError: There is no repository, git does not answer, or nobody of these names wrote a commit in it.
    """
    if not path.is_dir():
        raise WorldError(f"{path} is no directory.")
    commits = _log(path, "HEAD", limit=_MAX_COMMITS)
    # `--source` names for each commit the branch that led to it; without it %S stays empty.
    unmerged = _log(path, "--source", "--branches", "--remotes", "--not", "HEAD", limit=_MAX_UNMERGED)
    return GitSource(
        name=path.resolve().name.removesuffix(".git") or path.resolve().parent.name,
        mailbox=_find_author((*commits, *unmerged), names=names, path=path),
        commits=tuple(replace(one, branch="") for one in commits),
        unmerged=unmerged,
    )


def _find_author(commits: tuple[LoggedCommit, ...], *, names: frozenset[str], path: Path) -> Mailbox:
    for one in commits:
        if names & {one.author.email.lower(), one.author.name.lower()}:
            return one.author
    frequent = Counter(f"{one.author.name} <{one.author.email}>" for one in commits).most_common(3)
    authors = ", ".join(author for author, _ in frequent)
    told = " or ".join(sorted(names))
    raise WorldError(f"{told} is the author of no commit in {path}; the most frequent authors are {authors}.")


def _log(path: Path, *revisions: str, limit: int) -> tuple[LoggedCommit, ...]:
    # SECURITY: without signatures no program that the repository's own configuration names is started.
    bounds = ("--no-show-signature", f"--max-count={limit}")
    return parse_log(_git(path, "log", *bounds, f"--format={_FORMAT}", *revisions))


def _git(path: Path, *arguments: str) -> str:
    try:
        # SECURITY: a list and no shell; `safe.directory` stays git's own decision.
        done = subprocess.run(  # noqa: S603  (the program is fixed and the arguments are ours)
            ["git", "-C", str(path), *arguments],  # noqa: S607  (whichever git the person uses)
            capture_output=True,
            check=True,
            # SECURITY: a partial clone asks its server for what it lacks; git 2.44 and newer leave that.
            env={**os.environ, "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"},
            timeout=_TIMEOUT_SECONDS,
        )
    except FileNotFoundError:
        raise WorldError("git is not installed.") from None
    except subprocess.TimeoutExpired:
        raise WorldError(f"git did not answer within {_TIMEOUT_SECONDS} seconds in {path}.") from None
    except subprocess.CalledProcessError:
        raise WorldError(f"{path} is no git repository with commits that this user may read.") from None
    return done.stdout.decode("utf-8", "replace")
