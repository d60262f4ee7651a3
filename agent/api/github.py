"""GitHub's GraphQL API: our stored documents only, with typed variables.

It never sends a query that is not a file in `queries/`.
Source: https://docs.github.com/en/graphql
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Generic, TypeVar

from django.conf import settings
from pydantic import BaseModel

from agent.api.answers import Answer
from agent.api.github_wire import Activity, CommitSearch, PullRequestSearch
from agent.api.wire import parse
from agent.errors import ToolErrorCode
from agent.toolkit import ProviderHTTP

DOCUMENTS: Mapping[str, str] = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parent / "queries").glob("*.graphql"))
}
# A day's work on one pull request; GitHub charges one point up to 100 nodes of a connection.
MAX_COMMITS_EACH = 20
# A pull request that nobody touched in the window is not found, so 25 are more than a person works on.
MAX_WORKED_ON = 25

_Data = TypeVar("_Data", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Reply(Generic[_Data]):
    """An answer of GitHub; `is_partial` when it left out fields that the connection may not read."""

    data: _Data
    is_partial: bool


async def read_activity(http: ProviderHTTP, *, since: datetime, until: datetime) -> Reply[Activity]:
    """Read the user's contributions between two instants, at most a year apart.

    Source: https://docs.github.com/en/graphql/reference/objects#contributionscollection
    """
    return await _ask(http, "activity", model=Activity, variables={"from": _utc(since), "to": _utc(until)})


async def search_commits(http: ProviderHTTP, *, since: datetime) -> Reply[CommitSearch]:
    """Read the user's pull requests touched since `since`, each with its newest commits.

    The search for commits itself sees default branches only, so branches are read through their pull requests.
    Source: https://docs.github.com/en/search-github/searching-on-github/searching-issues-and-pull-requests
    """
    variables = {"q": f"is:pr author:@me updated:>={_utc(since)}", "n": MAX_WORKED_ON, "c": MAX_COMMITS_EACH}
    return await _ask(http, "commits", model=CommitSearch, variables=variables)


async def search_pull_requests(http: ProviderHTTP, *, query: str, limit: int) -> Reply[PullRequestSearch]:
    """Search pull requests; `query` is one of our own qualifiers and holds `is:pr`.

    A search for issues and pull requests at once is refused for a GitHub App's user token.
    Source: https://docs.github.com/en/rest/search/search#search-issues-and-pull-requests
    """
    return await _ask(http, "pull_requests", model=PullRequestSearch, variables={"q": query, "n": limit})


def commits_url(*, repository: str, author: str) -> str:
    """Return the page that lists the commits of `author` in `repository` (`owner/name`)."""
    return f"{settings.PROVIDERS['github'].web_url}/{repository}/commits?author={author}"


def find_refusal(answer: Answer) -> ToolErrorCode | None:
    """Return what GitHub says by other means than the status: limits as 403, and everything of GraphQL as 200.

    Source: https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api
    """
    body = answer.json()
    if answer.status == HTTPStatus.FORBIDDEN:
        return "rate_limited" if _is_limited(answer, body=body) else None
    if answer.status != HTTPStatus.OK or not isinstance(body, dict):
        return None
    types = _error_types(body)
    if types & {"RATE_LIMITED", "RATE_LIMIT"}:
        return "rate_limited"
    if body.get("data") is not None:
        return None
    if types & {"FORBIDDEN", "INSUFFICIENT_SCOPES"}:
        return "missing_scope"
    return "not_found" if "NOT_FOUND" in types else "upstream_unavailable"


async def _ask(http: ProviderHTTP, document: str, *, model: type[_Data], variables: Mapping[str, Any]) -> Reply[_Data]:
    body = await http.post(f"/graphql#{document}", json={"query": DOCUMENTS[document], "variables": variables})
    answer = body if isinstance(body, dict) else {}
    return Reply(data=parse(model, provider="github", data=answer.get("data")), is_partial=bool(answer.get("errors")))


def _is_limited(answer: Answer, *, body: Any) -> bool:
    # The secondary limit may come without Retry-After; its message is then the only sign of it, as octokit's
    # throttling plugin reads it too.
    message = body.get("message") if isinstance(body, dict) else None
    is_told = "retry-after" in answer.headers or answer.headers.get("x-ratelimit-remaining") == "0"
    return is_told or (isinstance(message, str) and "rate limit" in message.lower())


def _error_types(body: Mapping[str, Any]) -> set[str]:
    errors = body.get("errors")
    found = [error.get("type") for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    return {kind for kind in found if isinstance(kind, str)}


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
