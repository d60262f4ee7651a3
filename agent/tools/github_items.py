"""Turns what GitHub answered into items: what happened, how old it is, and who has to move. Pure functions."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from agent.api.github import commits_url
from agent.api.github_wire import (
    Activity,
    IssueContribution,
    PullRequest,
    RepositoryCommits,
    ReviewContribution,
    Subject,
    WorkedOn,
)
from agent.toolkit import Item
from agent.tools.moments import Window

# More headlines than this say less about a day, not more.
MAX_HEADLINES = 10
# The review flag of the briefing: somebody waits for more than a working day.
REVIEW_OVERDUE_DAYS = 1

_CI = {"SUCCESS": "passing", "FAILURE": "failing", "ERROR": "failing", "PENDING": "pending", "EXPECTED": "pending"}

NextStep = Literal[
    "finish_draft", "fix_conflicts", "fix_checks", "address_review", "wait_for_checks", "wait_for_review", "merge"
]
_WAITING_ON: Mapping[NextStep, str] = {
    "finish_draft": "me",
    "fix_conflicts": "me",
    "fix_checks": "me",
    "address_review": "me",
    "wait_for_checks": "checks",
    "wait_for_review": "reviewers",
    "merge": "me",
}


def worked_on_item(pull_request: WorkedOn, *, window: Window, zone: ZoneInfo) -> Item | None:
    """Return what the user did on their pull request in the window; None when only others touched it."""
    me = pull_request.author.login if pull_request.author else ""
    commits = [node.commit for node in pull_request.commits.nodes]
    mine = [commit for commit in commits if window.holds(commit.authored_date) and commit.login == me]
    mine.sort(key=lambda commit: commit.authored_date, reverse=True)
    if window.holds(pull_request.merged_at):
        kind, at = "merged", pull_request.merged_at
    elif window.holds(pull_request.created_at):
        kind, at = "opened", max([pull_request.created_at, *(commit.authored_date for commit in mine)])
    elif mine:
        kind, at = "commits", mine[0].authored_date
    else:
        return None
    fields = {
        "state": pull_request.state.lower(),
        "count": len(mine),
        "headlines": [commit.message_headline for commit in mine[:MAX_HEADLINES]],
    }
    return _happened(pull_request, kind=kind, at=at, zone=zone, url=pull_request.url, fields=fields)


def contribution_items(activity: Activity, *, window: Window, zone: ZoneInfo, known: frozenset[str]) -> Iterator[Item]:
    """Yield reviews and issues in the window, and commits of repositories that are not `known` already."""
    contributions = activity.viewer.contributions_collection
    for review in contributions.pull_request_review_contributions.nodes:
        if window.holds(review.occurred_at):
            yield _review_item(review, zone=zone)
    for issue in contributions.issue_contributions.nodes:
        if window.holds(issue.occurred_at):
            yield _issue_item(issue, zone=zone)
    for counted in contributions.commit_contributions_by_repository:
        if counted.repository.name_with_owner not in known:
            yield _counted_item(counted, login=activity.viewer.login)


def review_request_item(pull_request: PullRequest, *, viewer: str, now: datetime, zone: ZoneInfo) -> Item:
    """Return a pull request that waits for the user's review."""
    return _item(
        pull_request,
        author=pull_request.author.login if pull_request.author else "",
        my_request=_request_of(pull_request, viewer=viewer),
        review_decision=_word(pull_request.review_decision),
        **_size_and_age(pull_request, now=now, zone=zone),
    )


def own_pull_request_item(pull_request: PullRequest, *, is_open: bool, now: datetime, zone: ZoneInfo) -> Item:
    """Return a pull request of the user; an open one with what blocks it and who has to move."""
    fields = _size_and_age(pull_request, now=now, zone=zone)
    fields["review_decision"] = _word(pull_request.review_decision)
    if is_open:
        step = next_step(pull_request)
        fields["next_step"] = step
        fields["waiting_on"] = _WAITING_ON[step]
        fields["reviewers"] = [reviewer.login or reviewer.slug for reviewer in pull_request.reviewers]
        fields["blocked_by"] = blocked_by(pull_request, now=now)
    return _item(pull_request, **fields)


def ci_of(pull_request: PullRequest) -> str:
    """Return `passing`, `failing`, `pending`, or `none` where nothing checks it or the connection may not see."""
    return _CI.get(pull_request.check_state, "none")


def blocked_by(pull_request: PullRequest, *, now: datetime) -> list[str]:
    """Return what keeps an open pull request from being merged, besides being new."""
    is_waiting = next_step(pull_request) == "wait_for_review"
    is_overdue = (now - pull_request.created_at).days >= REVIEW_OVERDUE_DAYS
    reasons = {
        "conflicts": pull_request.mergeable == "CONFLICTING",
        "checks_failing": ci_of(pull_request) == "failing",
        "changes_requested": pull_request.review_decision == "CHANGES_REQUESTED",
        "review_overdue": is_waiting and is_overdue,
    }
    return [reason for reason, holds in reasons.items() if holds]


def next_step(pull_request: PullRequest) -> NextStep:
    """Return what has to happen next to an open pull request; the first rule that holds decides."""
    is_reviewed = pull_request.review_decision == "APPROVED"
    rules: tuple[tuple[NextStep, bool], ...] = (
        ("finish_draft", pull_request.is_draft),
        ("fix_conflicts", pull_request.mergeable == "CONFLICTING"),
        ("fix_checks", ci_of(pull_request) == "failing"),
        ("address_review", pull_request.review_decision == "CHANGES_REQUESTED"),
        ("wait_for_review", pull_request.review_decision == "REVIEW_REQUIRED"),
        ("wait_for_review", bool(pull_request.reviewers) and not is_reviewed),
        ("wait_for_checks", ci_of(pull_request) == "pending"),
    )
    return next((step for step, holds in rules if holds), "merge")


def _request_of(pull_request: PullRequest, *, viewer: str) -> str:
    if any(reviewer.login == viewer for reviewer in pull_request.reviewers):
        return "user"
    teams = [reviewer.slug for reviewer in pull_request.reviewers if reviewer.slug]
    return f"team {teams[0]}" if teams else "unknown"


def _size_and_age(pull_request: PullRequest, *, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "draft": pull_request.is_draft,
        "opened_at": _local(pull_request.created_at, zone=zone),
        "age_days": (now - pull_request.created_at).days,
        "idle_days": (now - pull_request.updated_at).days,
        "additions": pull_request.additions,
        "deletions": pull_request.deletions,
        "files": pull_request.changed_files,
        "ci": ci_of(pull_request),
    }


def _review_item(review: ReviewContribution, *, zone: ZoneInfo) -> Item:
    given = review.pull_request_review
    return _happened(
        review.pull_request,
        kind="reviewed",
        at=review.occurred_at,
        zone=zone,
        url=given.url,
        fields={"state": given.state.lower()},
    )


def _issue_item(opened: IssueContribution, *, zone: ZoneInfo) -> Item:
    issue = opened.issue
    fields = {"state": issue.state.lower()}
    return _happened(issue, kind="issue_opened", at=opened.occurred_at, zone=zone, url=issue.url, fields=fields)


def _counted_item(counted: RepositoryCommits, *, login: str) -> Item:
    repository, count = counted.repository.name_with_owner, counted.contributions.total_count
    return Item(
        title=f"{count} {'commit' if count == 1 else 'commits'} in {repository}",
        url=commits_url(repository=repository, author=login),
        fields={"kind": "commits", "repo": repository, "count": count},
    )


def _happened(
    subject: Subject, *, kind: str, at: datetime | None, zone: ZoneInfo, url: str, fields: Mapping[str, Any]
) -> Item:
    head = {"kind": kind, "repo": subject.repository.name_with_owner, "number": subject.number}
    when = {"occurred_at": _local(at, zone=zone)} if at else {}
    return Item(title=_title(subject), url=url, fields=head | when | dict(fields))


def _item(subject: Subject, **fields: Any) -> Item:
    head = {"repo": subject.repository.name_with_owner, "number": subject.number}
    return Item(title=_title(subject), url=subject.url, fields=head | fields)


def _title(subject: Subject) -> str:
    return f"#{subject.number} {subject.title}"


def _word(decision: str | None) -> str:
    return decision.lower() if decision else "none"


def _local(at: datetime, *, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(timespec="minutes")
