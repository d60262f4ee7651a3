"""One pull request and its checks by GitHub's REST API, in the shapes of our GraphQL documents: for servers without it.

REST knows neither the review decision nor which conversations are resolved; both are empty here, and the tools say so.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import AliasPath, Field, RootModel

from agent.api import github_rest
from agent.api.github import Reply
from agent.api.github_pull_request_wire import Check, CheckSearch, PullRequestAnswer
from agent.api.github_rest import FoundIssue
from agent.api.github_rest_work import Account, place_of, read_each, stand_in
from agent.api.wire import Instant, Line, Link, SnakeWire, parse
from agent.endpoints import Endpoint
from agent.errors import ToolFailedError
from agent.tool import ProviderHTTP

PULL = Endpoint("github", "GET", "/repos/{owner}/{repo}/pulls/{pull_number}")
PULL_REVIEWS = Endpoint("github", "GET", "/repos/{owner}/{repo}/pulls/{pull_number}/reviews")
CHECK_RUNS = Endpoint("github", "GET", "/repos/{owner}/{repo}/commits/{ref}/check-runs")
STATUS = Endpoint("github", "GET", "/repos/{owner}/{repo}/commits/{ref}/status")
# What a tool declares that reads a pull request with its checks.
CHECKED = (PULL, CHECK_RUNS, STATUS)

# Three requests each, one after another, while somebody waits.
MAX_CHECKED = 5
# GitHub's largest page.
_PER_PAGE = {"per_page": "100"}


class _Team(SnakeWire):
    slug: Line


class _Pull(SnakeWire):
    number: int
    title: Line
    url: Link = Field(validation_alias="html_url")
    state: Line
    draft: bool = False
    body: str | None = None
    created_at: Instant
    updated_at: Instant
    merged_at: Instant | None = None
    base_ref: Line = Field(validation_alias=AliasPath("base", "ref"))
    head_ref: Line = Field(validation_alias=AliasPath("head", "ref"))
    head_sha: str = Field(validation_alias=AliasPath("head", "sha"), pattern=r"^[0-9a-f]{40,64}$")
    additions: int
    deletions: int
    changed_files: int
    mergeable: bool | None = None
    user: Account | None = None
    requested_reviewers: tuple[Account, ...] = ()
    requested_teams: tuple[_Team, ...] = ()

    def as_page(self) -> dict[str, Any]:
        asked = [one.model_dump() for one in (*self.requested_reviewers, *self.requested_teams)]
        return {
            "number": self.number,
            "title": self.title,
            "url": self.url,
            "state": "MERGED" if self.merged_at else self.state.upper(),
            "isDraft": self.draft,
            "bodyText": self.body or "",
            "createdAt": self.created_at,
            "updatedAt": self.updated_at,
            "mergedAt": self.merged_at,
            "baseRefName": self.base_ref,
            "headRefName": self.head_ref,
            "additions": self.additions,
            "deletions": self.deletions,
            "changedFiles": self.changed_files,
            # GitHub computes it after it was asked for; until then it is null.
            "mergeable": {True: "MERGEABLE", False: "CONFLICTING", None: "UNKNOWN"}[self.mergeable],
            "author": self.user.model_dump() if self.user else None,
            "reviewRequests": {"nodes": [{"requestedReviewer": one} for one in asked]},
            "reviewThreads": {"totalCount": 0, "nodes": []},
        }


class _Review(SnakeWire):
    user: Account | None = None
    state: Line
    submitted_at: Instant | None = None
    body: str = ""
    url: Link = Field(validation_alias="html_url")

    def as_node(self) -> dict[str, Any]:
        return {
            "author": self.user.model_dump() if self.user else None,
            "state": self.state,
            "submittedAt": self.submitted_at,
            "bodyText": self.body,
            "url": self.url,
        }


class _Reviews(RootModel[tuple[_Review, ...]]):
    """Answer of `list-reviews-for-a-pull-request`."""


class _CheckRun(SnakeWire):
    name: Line
    conclusion: Line | None = None
    title: Line | None = Field(default=None, validation_alias=AliasPath("output", "title"))
    details_url: str | None = None
    completed_at: Instant | None = None

    def as_node(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "conclusion": self.conclusion.upper() if self.conclusion else None,
            "title": self.title,
            "detailsUrl": self.details_url,
            "completedAt": self.completed_at,
        }


class _CheckRuns(SnakeWire):
    total_count: int
    items: tuple[_CheckRun, ...] = Field(validation_alias="check_runs")


class _Status(SnakeWire):
    context: Line
    state: Line
    description: Line | None = None
    target_url: str | None = None
    created_at: Instant | None = None

    def as_node(self) -> dict[str, Any]:
        return {
            "context": self.context,
            "state": self.state.upper(),
            "description": self.description,
            "targetUrl": self.target_url,
            "createdAt": self.created_at,
        }


class _Statuses(SnakeWire):
    total_count: int
    items: tuple[_Status, ...] = Field(validation_alias="statuses")


async def read_pull_request(http: ProviderHTTP, *, repository: str, number: int) -> Reply[PullRequestAnswer]:
    """Read what REST tells of the document `pull_request`, in four requests.

    Sources: https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request,
    https://docs.github.com/en/rest/pulls/reviews#list-reviews-for-a-pull-request
    """
    owner, _, name = repository.partition("/")
    place = {"owner": owner, "repo": name, "pull_number": str(number)}
    pull = parse(_Pull, provider="github", data=await http.get(PULL.path, path_values=place))
    answer = await http.get(PULL_REVIEWS.path, params=_PER_PAGE, path_values=place)
    reviews = parse(_Reviews, provider="github", data=answer).root
    commit, is_partial = await _read_checks(http, sha=pull.head_sha, place=place)
    page = {
        **pull.as_page(),
        "repository": {"nameWithOwner": repository},
        "reviews": {"nodes": [review.as_node() for review in reviews]},
        "commits": {"nodes": [{"commit": commit}]},
    }
    return stand_in(PullRequestAnswer, data={"repository": {"pullRequest": page}}, is_partial=is_partial)


async def search_failing_checks(http: ProviderHTTP, *, query: str) -> Reply[CheckSearch]:
    """Read what the document `failing_checks` reads, in at most 16 requests: of the first `MAX_CHECKED` that are found.

    Sources: https://docs.github.com/en/rest/checks/runs#list-check-runs-for-a-git-reference,
    https://docs.github.com/en/rest/commits/statuses#get-the-combined-status-for-a-specific-reference

    Raises:
        ToolFailedError: None of them can be read; the first reason.
    """
    found = await github_rest.search_issues(http, query=query, limit=MAX_CHECKED)
    parts, errors = await read_each(found.items, read=lambda one: _read_checked(http, found=one))
    read = [part for part in parts if part]
    if errors and not read:
        raise errors[0]
    return stand_in(
        CheckSearch,
        data={"search": {"issueCount": found.total_count, "nodes": [node for node, _ in read]}},
        is_incomplete=found.incomplete_results,
        is_partial=any(is_partial for _, is_partial in read),
        unread_count=len(errors),
    )


async def _read_checked(http: ProviderHTTP, *, found: FoundIssue) -> tuple[dict[str, Any], bool]:
    """Return a pull request with its checks, and whether the connection may not read a part of them."""
    place = place_of(found)
    pull = parse(_Pull, provider="github", data=await http.get(PULL.path, path_values=place))
    commit, is_partial = await _read_checks(http, sha=pull.head_sha, place=place)
    node = {
        **pull.as_page(),
        "repository": {"nameWithOwner": found.repository},
        "commits": {"nodes": [{"commit": commit}]},
    }
    return node, is_partial


async def _read_checks(http: ProviderHTTP, *, sha: str, place: Mapping[str, str]) -> tuple[dict[str, Any], bool]:
    """Return a commit with its rollup as GraphQL tells it, and whether the connection may not read a part of it."""
    at = {"owner": place["owner"], "repo": place["repo"], "ref": sha}
    runs = await _find(http, CHECK_RUNS, model=_CheckRuns, at=at)
    statuses = await _find(http, STATUS, model=_Statuses, at=at)
    nodes = [one.as_node() for part in (runs, statuses) if part for one in part.items]
    total = sum(part.total_count for part in (runs, statuses) if part)
    rollup = {"state": _state_of(nodes), "contexts": {"totalCount": total, "nodes": nodes}} if nodes else None
    return {"statusCheckRollup": rollup}, runs is None or statuses is None


async def _find(
    http: ProviderHTTP, asked: Endpoint, *, model: type[_CheckRuns] | type[_Statuses], at: Mapping[str, str]
) -> _CheckRuns | _Statuses | None:
    try:
        return parse(model, provider="github", data=await http.get(asked.path, params=_PER_PAGE, path_values=at))
    except ToolFailedError as error:
        # Each needs a permission of its own; GraphQL hides the field where it is lacking.
        if error.code not in ("missing_scope", "not_found"):
            raise
        return None


def _state_of(nodes: list[dict[str, Any]]) -> str:
    """Return all checks together, as GitHub's rollup does."""
    checks = [Check.model_validate(node) for node in nodes]
    if any(check.has_failed for check in checks):
        return "FAILURE"
    return "PENDING" if any(check.outcome in ("", "PENDING") for check in checks) else "SUCCESS"
