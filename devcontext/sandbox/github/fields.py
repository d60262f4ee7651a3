"""What each field of GitHub's schema is in the sandbox's world; fields that carry their own name need no entry."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from graphql import GraphQLError

from devcontext.sandbox.github.asker import Asker, Owned
from devcontext.sandbox.github.contributions import CONTRIBUTIONS
from devcontext.sandbox.github.paging import connection
from devcontext.sandbox.github.search import SearchError, search, updated_at
from devcontext.sandbox.github.verdicts import OLDEST, merge_state, pushed_at, review_decision, rollup_state
from devcontext.sandbox.types import (
    CheckRun,
    Comment,
    Commit,
    Issue,
    Person,
    PullRequest,
    Review,
    StatusContext,
    Team,
)

# GraphQL points per hour of one person:
# https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api#primary-rate-limit
_POINTS = 5000


@dataclass(frozen=True, slots=True)
class Rollup:
    """All checks of one commit."""

    commit: Commit


@dataclass(frozen=True, slots=True)
class Run:
    """One check run of one commit."""

    check: CheckRun
    commit: Commit


def _search(_: object, asker: Asker, *, query: str, type: str, **page: Any) -> dict[str, Any]:  # noqa: A002  (GitHub's name)
    if type != "ISSUE":
        raise GraphQLError("Only searches of type ISSUE are answered here.")
    try:
        return connection(search(query, snapshot=asker.snapshot), page)
    except SearchError as error:
        raise GraphQLError(str(error)) from error


def _repository(_: object, asker: Asker, *, owner: str, name: str, **_options: Any) -> Any:
    wanted = f"{owner}/{name}".lower()
    for repository in asker.snapshot.repositories:
        if repository.name_with_owner.lower() == wanted:
            return repository
    raise GraphQLError(
        f"Could not resolve to a Repository with the name '{owner}/{name}'.", extensions={"type": "NOT_FOUND"}
    )


def _pull_request(repository: Any, asker: Asker, *, number: int) -> PullRequest:
    for pull in asker.snapshot.pull_requests:
        if pull.repository == repository and pull.number == number:
            return pull
    raise GraphQLError(
        f"Could not resolve to a PullRequest with the number of {number}.", extensions={"type": "NOT_FOUND"}
    )


def _repositories(_: object, asker: Asker, **page: Any) -> dict[str, Any]:
    """All of them, last pushed to first, whatever is asked for: none is archived or somebody else's."""
    snapshot = asker.snapshot
    latest = sorted(snapshot.repositories, key=lambda one: pushed_at(one, snapshot) or OLDEST, reverse=True)
    return connection(latest, page)


def _rate_limit(_: object, asker: Asker, **_options: Any) -> dict[str, Any]:
    return {"cost": 1, "remaining": _POINTS - 1, "reset_at": asker.snapshot.now + timedelta(hours=1)}


def _owned(items: Sequence[Comment | Review], work: PullRequest | Issue, page: Mapping[str, Any]) -> dict[str, Any]:
    return connection([Owned(item, work) for item in items], page)


def _checks(rollup: Rollup, _: Asker, **page: Any) -> dict[str, Any]:
    checks = [Run(one, rollup.commit) if isinstance(one, CheckRun) else one for one in rollup.commit.checks]
    return connection(checks, page)


def _nodes(items: Sequence[Any]) -> list[dict[str, Any]]:
    return [{"commit": item} for item in items]


def type_name(value: object) -> str:
    """Return the GraphQL type of a member of a union or interface."""
    if isinstance(value, Person):
        return "User"
    return {Team: "Team", PullRequest: "PullRequest", Issue: "Issue", Run: "CheckRun", StatusContext: "StatusContext"}[
        type(value)
    ]


FIELDS: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("Query", "viewer"): lambda _, asker: asker.snapshot.me,
    ("Query", "rateLimit"): _rate_limit,
    ("Query", "search"): _search,
    ("Query", "repository"): _repository,
    ("User", "repositories"): _repositories,
    # The sandbox's person belongs to every repository there is.
    ("User", "repositoriesContributedTo"): lambda *_, **page: connection((), page),
    ("Repository", "pullRequest"): _pull_request,
    ("Repository", "url"): lambda repository, asker: asker.links.repository(repository),
    ("Repository", "description"): lambda repository, _: repository.description or None,
    ("Repository", "pushedAt"): lambda repository, asker: pushed_at(repository, asker.snapshot),
    ("PullRequest", "url"): lambda pull, asker: asker.links.work(pull),
    ("PullRequest", "bodyText"): lambda pull, _: pull.body,
    ("PullRequest", "merged"): lambda pull, _: pull.state == "MERGED",
    ("PullRequest", "updatedAt"): lambda pull, _: updated_at(pull),
    ("PullRequest", "reviewDecision"): lambda pull, _: review_decision(pull),
    ("PullRequest", "mergeStateStatus"): lambda pull, _: merge_state(pull),
    ("PullRequest", "labels"): lambda pull, _, **page: connection([{"name": name} for name in pull.labels], page),
    ("PullRequest", "commits"): lambda pull, _, **page: connection(_nodes(pull.commits), page),
    ("PullRequest", "comments"): lambda pull, _, **page: _owned(pull.comments, pull, page),
    ("PullRequest", "reviews"): lambda pull, _, **page: _owned(pull.reviews, pull, page),
    ("PullRequest", "reviewThreads"): lambda pull, _, **page: connection(
        [
            {"path": one.path, "is_resolved": one.is_resolved, "comments": one.comments, "of": pull}
            for one in pull.threads
        ],
        page,
    ),
    ("PullRequest", "reviewRequests"): lambda pull, _, **page: connection(
        [{"requested_reviewer": asked} for asked in pull.requested], page
    ),
    ("PullRequestReviewThread", "comments"): lambda thread, _, **page: _owned(thread["comments"], thread["of"], page),
    ("PullRequestReviewComment", "url"): lambda owned, asker: asker.links.line_comment(owned.work, owned.item),
    ("PullRequestReview", "url"): lambda owned, asker: asker.links.review(owned.work, owned.item),
    ("Issue", "url"): lambda issue, asker: asker.links.work(issue),
    ("Issue", "bodyText"): lambda issue, _: issue.body,
    ("Issue", "labels"): lambda issue, _, **page: connection([{"name": name} for name in issue.labels], page),
    ("Issue", "updatedAt"): lambda issue, _: updated_at(issue),
    ("Issue", "comments"): lambda issue, _, **page: _owned(issue.comments, issue, page),
    ("IssueComment", "url"): lambda owned, asker: asker.links.comment(owned.work, owned.item),
    ("Commit", "abbreviatedOid"): lambda commit, _: commit.oid[:7],
    ("Commit", "url"): lambda commit, asker: asker.links.commit(commit.repository, commit.oid),
    ("Commit", "author"): lambda commit, _: {"name": commit.author_name, "user": commit.author},
    ("Commit", "statusCheckRollup"): lambda commit, _: Rollup(commit) if commit.checks else None,
    ("StatusCheckRollup", "state"): lambda rollup, _: rollup_state(rollup.commit),
    ("StatusCheckRollup", "contexts"): _checks,
    ("CheckRun", "name"): lambda run, _: run.check.name,
    ("CheckRun", "title"): lambda run, _: run.check.title or None,
    ("CheckRun", "conclusion"): lambda run, _: run.check.conclusion or None,
    ("CheckRun", "status"): lambda run, _: "COMPLETED" if run.check.conclusion else "IN_PROGRESS",
    ("CheckRun", "detailsUrl"): lambda run, asker: asker.links.check(run.commit.repository, run.check.id),
    # The world does not tell when a check ended or a status was set: the commit and the moment stand for it.
    ("CheckRun", "completedAt"): lambda run, _: run.commit.authored_date if run.check.conclusion else None,
    ("StatusContext", "targetUrl"): lambda *_: None,
    ("StatusContext", "createdAt"): lambda _, asker: asker.snapshot.now,
    **CONTRIBUTIONS,
}
