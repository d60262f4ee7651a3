"""Turns what the user did on GitHub into items: pull requests, reviews, issues and commits. Pure functions."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from agent.api.github import commits_url
from agent.api.github_rest import FoundCommit
from agent.api.github_wire import (
    Activity,
    Commit,
    IssueContribution,
    ReviewContribution,
    Subject,
    WorkedOn,
)
from agent.tool import Item
from agent.tools.github.items import local, subject_item
from agent.tools.moments import Window

# More headlines than this say less about a day, not more.
MAX_HEADLINES = 10
# GitHub ends the headline of a squashed pull request with its number.
_SQUASHED = re.compile(r"\(#(\d{1,9})\)$", re.ASCII)


def worked_on_item(pull_request: WorkedOn, *, window: Window, zone: ZoneInfo) -> Item | None:
    """Return what the user did on their pull request in the window; None when only others touched it."""
    mine = own_commits(pull_request, window=window)
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


def own_commits(pull_request: WorkedOn, *, window: Window) -> list[Commit]:
    """Return the commits in the window that the pull request's author wrote, newest first."""
    me = pull_request.author.login if pull_request.author else ""
    commits = [node.commit for node in pull_request.commits.nodes]
    mine = [commit for commit in commits if window.holds(commit.authored_date) and commit.login == me]
    return sorted(mine, key=lambda commit: commit.authored_date, reverse=True)


def straight_commits(
    found: Iterable[FoundCommit], *, worked_on: Sequence[WorkedOn], window: Window
) -> list[FoundCommit]:
    """Return the commits in the window that reached a default branch without a pull request, newest first.

    A merge brings a pull request's commits as they are, a rebase with other ids, a squash as one that names it.
    """
    pulls = {(pull.repository.name_with_owner, pull.number) for pull in worked_on}
    commits = [(pull.repository.name_with_owner, node.commit) for pull in worked_on for node in pull.commits.nodes]
    ids = {commit.oid for _, commit in commits}
    rebased = {(repository, commit.message_headline, commit.authored_date) for repository, commit in commits}

    def is_straight(commit: FoundCommit) -> bool:
        squashed = _SQUASHED.search(commit.headline)
        came_by = squashed is not None and (commit.repository, int(squashed[1])) in pulls
        is_known = commit.sha in ids or (commit.repository, commit.headline, commit.authored_at) in rebased
        return window.holds(commit.authored_at) and not came_by and not is_known

    return sorted(filter(is_straight, found), key=lambda commit: commit.authored_at, reverse=True)


def straight_items(commits: Iterable[FoundCommit], *, login: str, zone: ZoneInfo) -> Iterator[Item]:
    """Yield one item for each repository that `commits` (newest first) were pushed straight to."""
    by_repository: dict[str, list[FoundCommit]] = defaultdict(list)
    for commit in commits:
        by_repository[commit.repository].append(commit)
    for repository, pushed in by_repository.items():
        counted = _pushed_item(repository, count=len(pushed), login=login)
        more = {
            "occurred_at": local(pushed[0].authored_at, zone=zone),
            "headlines": [commit.headline for commit in pushed[:MAX_HEADLINES]],
        }
        yield replace(counted, fields={**counted.fields, **more})


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
            repository, count = counted.repository.name_with_owner, counted.contributions.total_count
            yield _pushed_item(repository, count=count, login=activity.viewer.login)


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


def _pushed_item(repository: str, *, count: int, login: str) -> Item:
    return Item(
        title=f"{count} {'commit' if count == 1 else 'commits'} in {repository}",
        url=commits_url(repository=repository, author=login),
        fields={"kind": "commits", "repo": repository, "count": count},
        places=(repository,),
    )


def _happened(
    subject: Subject, *, kind: str, at: datetime | None, zone: ZoneInfo, url: str, fields: Mapping[str, Any]
) -> Item:
    when = {"occurred_at": local(at, zone=zone)} if at else {}
    return subject_item(subject, url=url, kind=kind, **when, **fields)
