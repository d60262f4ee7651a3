"""How a pull request stands: its checks, its age, what blocks it and who has to move. Pure functions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from agent.api.github_rest import FoundIssue
from agent.api.github_wire import PullRequest
from agent.tool import Item
from agent.tools.github.items import local, subject_item, title_of, word

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


def review_request_item(pull_request: PullRequest, *, viewer: str, now: datetime, zone: ZoneInfo) -> Item:
    """Return a pull request that waits for the user's review."""
    return subject_item(
        pull_request,
        author=pull_request.author.login if pull_request.author else "",
        my_request=_request_of(pull_request, viewer=viewer),
        review_decision=_verdict(pull_request),
        **_size_and_age(pull_request, now=now, zone=zone),
    )


def own_pull_request_item(pull_request: PullRequest, *, is_open: bool, now: datetime, zone: ZoneInfo) -> Item:
    """Return a pull request of the user; an open one with what blocks it and who has to move."""
    fields = _size_and_age(pull_request, now=now, zone=zone)
    fields["review_decision"] = _verdict(pull_request)
    if is_open:
        step = next_step(pull_request)
        fields["next_step"] = step
        fields["waiting_on"] = _WAITING_ON[step]
        fields["reviewers"] = [reviewer.login or reviewer.slug for reviewer in pull_request.reviewers]
        fields["blocked_by"] = blocked_by(pull_request, now=now)
    return subject_item(pull_request, **fields)


def any_pull_request_item(pull_request: PullRequest, *, now: datetime, zone: ZoneInfo) -> Item:
    """Return a pull request of anybody."""
    return subject_item(
        pull_request,
        author=pull_request.author.login if pull_request.author else "",
        review_decision=word(pull_request.review_decision),
        **_size_and_age(pull_request, now=now, zone=zone),
    )


def found_item(found: FoundIssue, *, now: datetime, zone: ZoneInfo) -> Item:
    """Return what the REST search tells of a pull request: neither size nor checks nor reviews."""
    fields = {
        "repo": found.repository,
        "number": found.number,
        "author": found.user.login if found.user else "",
        "state": found.state,
        "draft": found.draft or None,
        "opened_at": local(found.created_at, zone=zone),
        "age_days": (now - found.created_at).days,
        "idle_days": (now - found.updated_at).days,
    }
    title = title_of(found.number, title=found.title)
    return Item(title=title, url=found.url, fields=fields, places=(found.repository,))


def check_word(state: str) -> str:
    """Return `passing`, `failing`, `pending` or `none` for a rollup state."""
    return _CI.get(state, "none")


def ci_of(pull_request: PullRequest) -> str:
    """Return `passing`, `failing`, `pending`, or `none` where nothing checks it or the connection may not see."""
    return check_word(pull_request.check_state)


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


def _verdict(pull_request: PullRequest) -> str | None:
    """Return what reviewers decided; that somebody has to is said by the request and by the next step."""
    decision = pull_request.review_decision
    return word(decision) if decision in ("APPROVED", "CHANGES_REQUESTED") else None


def _size_and_age(pull_request: PullRequest, *, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "draft": pull_request.is_draft or None,
        "opened_at": local(pull_request.created_at, zone=zone),
        "age_days": (now - pull_request.created_at).days,
        "idle_days": (now - pull_request.updated_at).days,
        "additions": pull_request.additions,
        "deletions": pull_request.deletions,
        "files": pull_request.changed_files,
        "ci": ci_of(pull_request),
    }
