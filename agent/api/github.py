"""GitHub's GraphQL API: our stored documents only, with typed variables.

It never sends a query that is not a file in `queries/`.
Source: https://docs.github.com/en/graphql
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Generic, TypeVar

from django.conf import settings
from pydantic import BaseModel

from agent.api.egress import is_without_graphql, remember_no_graphql
from agent.api.github_pull_request_wire import CheckSearch, PullRequestAnswer
from agent.api.github_wire import Activity, CommitSearch, PullRequestSearch
from agent.api.github_work_wire import IssueSearch, MentionSearch, RepositoryList
from agent.api.leaving_out import or_whole
from agent.api.wire import parse
from agent.endpoints import Endpoint
from agent.errors import ToolErrorCode, ToolFailedError
from agent.tool import ProviderHTTP

DOCUMENTS: Mapping[str, str] = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parent / "queries").glob("*.graphql"))
}


def _document(name: str) -> Endpoint:
    return Endpoint("github", "POST", f"/graphql#{name}", document=DOCUMENTS[name])


ACTIVITY = _document("activity")
COMMITS = _document("commits")
FAILING_CHECKS = _document("failing_checks")
ISSUES = _document("issues")
MENTIONS = _document("mentions")
PULL_REQUEST = _document("pull_request")
PULL_REQUESTS = _document("pull_requests")
REPOSITORIES = _document("repositories")

# A day's work on one pull request; GitHub charges one point up to 100 nodes of a connection.
MAX_COMMITS_EACH = 20
# A pull request that nobody touched in the window is not found, so 25 are more than a person works on.
MAX_WORKED_ON = 25

# What a part of an answer may fail with while the other parts still tell something.
BEARABLE: frozenset[ToolErrorCode] = frozenset({"missing_scope", "not_found", "rate_limited", "upstream_unavailable"})
_NO_GRAPHQL = "This GitHub server answers no GraphQL."

_Data = TypeVar("_Data", bound=BaseModel)
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Reply(Generic[_Data]):
    """An answer of GitHub; `is_partial` when it left out fields that the connection may not read.

    `has_graphql` is False where REST stood in, which cannot tell everything in `data`; `is_incomplete` when its search
    gave up half-way; `unread_count` is of pull requests that REST takes a request each for and that could not be read.
    """

    data: _Data
    is_partial: bool
    has_graphql: bool = True
    is_incomplete: bool = False
    unread_count: int = 0


async def read_activity(http: ProviderHTTP, *, since: datetime, until: datetime) -> Reply[Activity]:
    """Read the user's contributions between two instants, at most a year apart.

    Source: https://docs.github.com/en/graphql/reference/objects#contributionscollection
    """
    return await _ask(http, ACTIVITY, model=Activity, variables={"from": utc(since), "to": utc(until)})


async def search_commits(http: ProviderHTTP, *, since: datetime, place: str = "") -> Reply[CommitSearch]:
    """Read the user's pull requests touched since `since`, each with its newest commits.

    `place` are qualifiers of where: `in_repository`, or what is left out.

    The search for commits itself sees default branches only, so branches are read through their pull requests.
    Source: https://docs.github.com/en/search-github/searching-on-github/searching-issues-and-pull-requests
    """
    query = f"is:pr author:@me updated:>={utc(since)}{place} sort:updated-desc"
    variables = {"n": MAX_WORKED_ON, "c": MAX_COMMITS_EACH}
    return await _search(http, COMMITS, model=CommitSearch, query=query, variables=variables)


async def search_pull_requests(http: ProviderHTTP, *, query: str, limit: int) -> Reply[PullRequestSearch]:
    """Search pull requests; `query` is one of our own qualifiers and holds `is:pr`.

    A search for issues and pull requests at once is refused for a GitHub App's user token.
    Source: https://docs.github.com/en/rest/search/search#search-issues-and-pull-requests
    """
    return await _search(http, PULL_REQUESTS, model=PullRequestSearch, query=query, variables={"n": limit})


async def read_pull_request(http: ProviderHTTP, *, repository: str, number: int) -> Reply[PullRequestAnswer]:
    """Read one pull request of `repository` (`owner/name`) with reviews, conversations and checks.

    Source: https://docs.github.com/en/graphql/reference/queries#repository
    """
    owner, _, name = repository.partition("/")
    variables = {"owner": owner, "name": name, "number": number}
    return await _ask(http, PULL_REQUEST, model=PullRequestAnswer, variables=variables)


async def search_failing_checks(http: ProviderHTTP, *, query: str) -> Reply[CheckSearch]:
    """Search pull requests and read the checks of each; `query` is as in `search_pull_requests`."""
    return await _search(http, FAILING_CHECKS, model=CheckSearch, query=query, variables={"n": MAX_WORKED_ON})


async def search_mentions(http: ProviderHTTP, *, query: str, limit: int) -> Reply[MentionSearch]:
    """Search issues or pull requests and read what was said in them; `query` holds `is:issue` or `is:pr`, not both."""
    return await _search(http, MENTIONS, model=MentionSearch, query=query, variables={"n": limit})


async def search_issues(http: ProviderHTTP, *, query: str, limit: int) -> Reply[IssueSearch]:
    """Search issues; `query` is one of our own qualifiers and holds `is:issue`."""
    return await _search(http, ISSUES, model=IssueSearch, query=query, variables={"n": limit})


async def list_repositories(http: ProviderHTTP, *, limit: int, after: str | None = None) -> Reply[RepositoryList]:
    """Read the user's repositories, last pushed to first, and up to 100 that they contributed to within a year.

    Source: https://docs.github.com/en/graphql/reference/objects#user
    """
    return await _ask(http, REPOSITORIES, model=RepositoryList, variables={"n": limit, "after": after})


def has_no_graphql(error: ToolFailedError) -> bool:
    """Tell whether `error` means that this server answers no GraphQL at all, as an old GitHub Enterprise Server.

    A 403 there is no such sign: single sign-on, an allow list of addresses and a suspended app refuse REST as well.
    """
    return error.status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)


async def or_rest(asked: Awaitable[_Answer], *, rest: Callable[[], Awaitable[_Answer]]) -> _Answer:
    """Return what GraphQL answers, or what `rest` reads where the server has no GraphQL."""
    try:
        return await asked
    except ToolFailedError as error:
        if not has_no_graphql(error):
            raise
    return await rest()


def commits_url(*, repository: str, author: str) -> str:
    """Return the page that lists the commits of `author` in `repository` (`owner/name`)."""
    return f"{settings.PROVIDERS['github'].web_url}/{repository}/commits?author={author}"


async def _search(
    http: ProviderHTTP, asked: Endpoint, *, model: type[_Data], query: str, variables: Mapping[str, Any]
) -> Reply[_Data]:
    return await or_whole(query, ask=lambda q: _ask(http, asked, model=model, variables={"q": q, **variables}))


async def _ask(
    http: ProviderHTTP, asked: Endpoint, *, model: type[_Data], variables: Mapping[str, Any]
) -> Reply[_Data]:
    body = await _post(http, asked, variables=variables)
    answer = body if isinstance(body, dict) else {}
    return Reply(data=parse(model, provider="github", data=answer.get("data")), is_partial=bool(answer.get("errors")))


async def _post(http: ProviderHTTP, asked: Endpoint, *, variables: Mapping[str, Any]) -> Any:
    """Send a document; a server that lacks GraphQL is asked for it once in some minutes, and no request leaves else."""
    if is_without_graphql("github"):
        raise ToolFailedError("not_found", _NO_GRAPHQL, status=HTTPStatus.NOT_FOUND)
    try:
        return await http.post(asked.path, json={"query": asked.document, "variables": variables})
    except ToolFailedError as error:
        if has_no_graphql(error):
            remember_no_graphql("github")
        raise


def in_repository(repository: str) -> str:
    """Return the qualifier of a search that keeps to `repository`, "" for none; the name is from a list we fetched."""
    return f" repo:{repository}" if repository else ""


def utc(at: datetime) -> str:
    """Return an instant as GitHub's searches and GraphQL take it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
