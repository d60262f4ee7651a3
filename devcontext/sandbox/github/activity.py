"""GitHub's `contributionsCollection` of the signed-in person: what they did between two instants, counted by day."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from devcontext.sandbox.types import Commit, Issue, PullRequest, Repository, Review, Snapshot

# Without dates the collection covers the last year: https://docs.github.com/en/graphql/reference/objects#user
_DEFAULT_SPAN = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class CommitDay:
    """The commits of one day to one repository."""

    occurred_at: datetime
    commit_count: int


@dataclass(frozen=True, slots=True)
class RepositoryCommits:
    """The commits to one repository, newest day first."""

    repository: Repository
    days: tuple[CommitDay, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """A pull request or an issue that was opened."""

    occurred_at: datetime
    work: PullRequest | Issue


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A review of somebody's pull request."""

    occurred_at: datetime
    pull_request: PullRequest
    review: Review


@dataclass(frozen=True, slots=True)
class Activity:
    """All of it, newest first."""

    commits: tuple[RepositoryCommits, ...]
    pull_requests: tuple[Opened, ...]
    issues: tuple[Opened, ...]
    reviews: tuple[Reviewed, ...]

    @property
    def commit_count(self) -> int:
        """How many commits there were."""
        return sum(day.commit_count for repository in self.commits for day in repository.days)


def activity(snapshot: Snapshot, *, start: datetime | None, end: datetime | None) -> Activity:
    """Return what `snapshot.me` did from `start` to `end`, both included."""
    last = end or snapshot.now
    first = start or last - _DEFAULT_SPAN

    def is_within(at: datetime) -> bool:
        return first <= at <= last

    login = snapshot.me.login
    # A branch that is not merged counts for nothing:
    # https://docs.github.com/en/account-and-profile/reference/profile-contributions-reference
    settled = (commit for commit in snapshot.commits if not commit.branch)
    mine = (commit for commit in settled if commit.author and commit.author.login == login)
    reviews = (
        Reviewed(review.submitted_at, pull, review)
        for pull in snapshot.pull_requests
        for review in pull.reviews
        if review.author.login == login and pull.author.login != login and is_within(review.submitted_at)
    )
    return Activity(
        commits=_by_repository(commit for commit in mine if is_within(commit.authored_date)),
        pull_requests=_opened(snapshot.pull_requests, login, is_within),
        issues=_opened(snapshot.issues, login, is_within),
        reviews=tuple(sorted(reviews, key=lambda one: one.occurred_at, reverse=True)),
    )


def _opened(
    works: Iterable[PullRequest | Issue], login: str, is_within: Callable[[datetime], bool]
) -> tuple[Opened, ...]:
    mine = (Opened(work.created_at, work) for work in works if work.author.login == login)
    within = (opened for opened in mine if is_within(opened.occurred_at))
    return tuple(sorted(within, key=lambda one: one.occurred_at, reverse=True))


def _by_repository(commits: Iterable[Commit]) -> tuple[RepositoryCommits, ...]:
    counts: dict[Repository, dict[datetime, int]] = defaultdict(lambda: defaultdict(int))
    for commit in commits:
        midnight = commit.authored_date.replace(hour=0, minute=0, second=0, microsecond=0)
        counts[commit.repository][midnight] += 1
    return tuple(
        RepositoryCommits(repository, tuple(CommitDay(day, days[day]) for day in sorted(days, reverse=True)))
        for repository, days in sorted(counts.items(), key=lambda item: -sum(item[1].values()))
    )
