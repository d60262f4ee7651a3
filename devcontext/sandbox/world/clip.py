"""Cuts a world off at the present: what a provider has not seen yet, it cannot answer with."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from devcontext.sandbox.types import Comment, Commit, Issue, PullRequest, Snapshot


def until_now(snapshot: Snapshot) -> Snapshot:
    """Return `snapshot` without the code and conversations of the future; planned events stay."""
    now = snapshot.now
    return replace(
        snapshot,
        pull_requests=tuple(_pull_request(pull, now) for pull in snapshot.pull_requests if pull.created_at <= now),
        issues=tuple(_issue(issue, now) for issue in snapshot.issues if issue.created_at <= now),
        commits=_commits(snapshot.commits, now),
        messages=tuple(message for message in snapshot.messages if message.at <= now),
    )


def _pull_request(pull: PullRequest, now: datetime) -> PullRequest:
    return replace(
        pull,
        commits=_commits(pull.commits, now),
        comments=_comments(pull.comments, now),
        reviews=tuple(review for review in pull.reviews if review.submitted_at <= now),
        threads=tuple(thread for thread in pull.threads if thread.comments[0].created_at <= now),
    )


def _issue(issue: Issue, now: datetime) -> Issue:
    return replace(issue, comments=_comments(issue.comments, now))


def _commits(commits: Iterable[Commit], now: datetime) -> tuple[Commit, ...]:
    return tuple(commit for commit in commits if commit.authored_date <= now)


def _comments(comments: Iterable[Comment], now: datetime) -> tuple[Comment, ...]:
    return tuple(comment for comment in comments if comment.created_at <= now)
