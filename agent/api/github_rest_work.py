"""What a user works on and in, by GitHub's REST API, in the shapes of our GraphQL documents: for servers without it.

No function makes more requests than it says. What REST does not tell is empty here; the tools say so.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import AliasPath, BaseModel, BeforeValidator, Field, RootModel

from agent.api import github_rest
from agent.api.github import BEARABLE, MAX_WORKED_ON, Reply, utc
from agent.api.github_rest import FoundIssue
from agent.api.github_wire import Activity, CommitSearch
from agent.api.github_work_wire import IssueSearch, RepositoryList
from agent.api.wire import Instant, Line, Link, SnakeWire, one_line, parse
from agent.endpoints import Endpoint
from agent.errors import ToolFailedError
from agent.tool import ProviderHTTP

USER = Endpoint("github", "GET", "/user")
USER_REPOSITORIES = Endpoint("github", "GET", "/user/repos")
PULL_COMMITS = Endpoint("github", "GET", "/repos/{owner}/{repo}/pulls/{pull_number}/commits")
# What a tool declares that reads what the user worked on.
WORKED_ON = (github_rest.SEARCH_ISSUES, USER, PULL_COMMITS)

# The pull requests whose commits are read: a request each, one after another, while somebody waits.
MAX_PULLS_WITH_COMMITS = 10
# GitHub's largest page; it lists the commits of a pull request from the first one on.
COMMITS_EACH = 100
# As many as the document `activity` asks for.
_MAX_ISSUES = 20

_Data = TypeVar("_Data", bound=BaseModel)
_Part = TypeVar("_Part")


class Account(SnakeWire):
    """Whoever acts."""

    login: Line


# Where no account has a commit's address, GitHub sends null or an empty object.
_NoAccount = Annotated[Account | None, BeforeValidator(lambda account: account or None)]


class _Commit(SnakeWire):
    sha: str
    url: Link = Field(validation_alias="html_url")
    message: str = Field(validation_alias=AliasPath("commit", "message"))
    authored_at: Instant = Field(validation_alias=AliasPath("commit", "author", "date"))
    author: _NoAccount = None

    def as_node(self) -> dict[str, Any]:
        commit = {
            "oid": self.sha,
            "url": self.url,
            "messageHeadline": one_line(self.message.partition("\n")[0]),
            "authoredDate": self.authored_at,
            "author": {"user": self.author.model_dump() if self.author else None},
        }
        return {"commit": commit}


class _Commits(RootModel[tuple[_Commit, ...]]):
    """Answer of `list-commits-on-a-pull-request`."""


class _Repository(SnakeWire):
    full_name: str
    url: Link = Field(validation_alias="html_url")
    description: Line | None = None
    private: bool
    archived: bool = False
    pushed_at: Instant | None = None

    def as_node(self) -> dict[str, Any]:
        return {
            "nameWithOwner": self.full_name,
            "url": self.url,
            "description": self.description,
            "isPrivate": self.private,
            "pushedAt": self.pushed_at,
        }


class _Repositories(RootModel[tuple[_Repository, ...]]):
    """Answer of `list-repositories-for-the-authenticated-user`."""


async def search_worked_on(http: ProviderHTTP, *, since: datetime, place: str = "") -> Reply[CommitSearch]:
    """Read what the document `commits` reads, in at most twelve requests: commits of the pull requests last touched.

    Source: https://docs.github.com/en/rest/pulls/pulls#list-commits-on-a-pull-request
    """
    query = f"is:pr author:@me updated:>={utc(since)}{place} sort:updated-desc"
    found = await github_rest.search_issues(http, query=query, limit=MAX_WORKED_ON)
    login = await _read_login(http)
    latest, rest = found.items[:MAX_PULLS_WITH_COMMITS], found.items[MAX_PULLS_WITH_COMMITS:]
    commits, errors = await read_each(latest, read=lambda pull: _read_commits(http, of=pull))
    nodes = [
        _node(
            pull,
            state="MERGED" if pull.merged_at else pull.state.upper(),
            mergedAt=pull.merged_at,
            commits={"nodes": known or []},
        )
        for pull, known in zip(found.items, (*commits, *(None for _ in rest)), strict=True)
    ]
    data = {"viewer": {"login": login}, "search": {"issueCount": found.total_count, "nodes": nodes}}
    return stand_in(CommitSearch, data=data, is_incomplete=found.incomplete_results, unread_count=len(errors))


async def read_each(
    pulls: Sequence[FoundIssue], *, read: Callable[[FoundIssue], Awaitable[_Part]]
) -> tuple[list[_Part | None], list[ToolFailedError]]:
    """Return what `read` makes of each pull request, None for one that cannot be read, and why these cannot.

    A rate limit ends the reading: those behind it count as limited without being asked for.
    """
    parts: list[_Part | None] = []
    errors: list[ToolFailedError] = []
    for pull in pulls:
        try:
            if errors and errors[-1].code == "rate_limited":
                raise errors[-1]
            parts.append(await read(pull))
        except ToolFailedError as error:
            if error.code not in BEARABLE:
                raise
            parts.append(None)
            errors.append(error)
    return parts, errors


async def read_activity(http: ProviderHTTP, *, since: datetime, login: str, place: str = "") -> Reply[Activity]:
    """Read what REST tells of the document `activity`, in one request: the issues that the user opened."""
    query = f"is:issue author:@me created:>={utc(since)}{place} sort:created-desc"
    found = await github_rest.search_issues(http, query=query, limit=_MAX_ISSUES)
    opened = [{"occurredAt": one.created_at, "issue": _node(one, state=one.state.upper())} for one in found.items]
    contributions = {
        "restrictedContributionsCount": 0,
        "commitContributionsByRepository": [],
        "pullRequestReviewContributions": {"nodes": []},
        "issueContributions": {"nodes": opened},
    }
    data = {"viewer": {"login": login, "contributionsCollection": contributions}}
    return stand_in(Activity, data=data, is_incomplete=found.incomplete_results)


async def search_issues(http: ProviderHTTP, *, query: str, limit: int) -> Reply[IssueSearch]:
    """Read what the document `issues` reads, in one request; REST tells all of it."""
    found = await github_rest.search_issues(http, query=query, limit=limit)
    nodes = [
        _node(
            one,
            state=one.state.upper(),
            updatedAt=one.updated_at,
            labels={"nodes": [label.model_dump() for label in one.labels]},
        )
        for one in found.items
    ]
    data = {"search": {"issueCount": found.total_count, "nodes": nodes}}
    return stand_in(IssueSearch, data=data, is_incomplete=found.incomplete_results)


async def list_repositories(http: ProviderHTTP, *, limit: int, after: str | None = None) -> Reply[RepositoryList]:
    """Read a page of the user's repositories, last pushed to first; those they only contributed to are not told.

    A page that is full may be the last one: REST does not count what it lists. What it lists for the user token of a
    GitHub App is NOT VERIFIED.
    Source: https://docs.github.com/en/rest/repos/repos#list-repositories-for-the-authenticated-user
    """
    page = int(after or 1)
    params = {"sort": "pushed", "direction": "desc", "per_page": str(limit), "page": str(page)}
    listed = parse(_Repositories, provider="github", data=await http.get(USER_REPOSITORIES.path, params=params)).root
    nodes, has_more = [one.as_node() for one in listed if not one.archived], len(listed) >= limit
    repositories = {
        "totalCount": (page - 1) * limit + len(nodes) + has_more,
        "pageInfo": {"hasNextPage": has_more, "endCursor": str(page + 1)},
        "nodes": nodes,
    }
    return stand_in(RepositoryList, data={"viewer": {"login": "", "repositories": repositories}})


def stand_in(
    model: type[_Data], *, data: Any, is_incomplete: bool = False, is_partial: bool = False, unread_count: int = 0
) -> Reply[_Data]:
    """Return REST's answer in the shape of a document's."""
    parsed = parse(model, provider="github", data=data)
    return Reply(
        parsed, is_partial=is_partial, has_graphql=False, is_incomplete=is_incomplete, unread_count=unread_count
    )


def place_of(found: FoundIssue) -> Mapping[str, str]:
    """Return the values of a path that leads to a found pull request."""
    owner, _, name = found.repository.partition("/")
    return {"owner": owner, "repo": name, "pull_number": str(found.number)}


def _node(found: FoundIssue, **fields: Any) -> dict[str, Any]:
    return {
        "number": found.number,
        "title": found.title,
        "url": found.url,
        "createdAt": found.created_at,
        "author": found.user.model_dump() if found.user else None,
        "repository": {"nameWithOwner": found.repository},
        **fields,
    }


async def _read_commits(http: ProviderHTTP, *, of: FoundIssue) -> list[dict[str, Any]]:
    params = {"per_page": str(COMMITS_EACH)}
    answer = await http.get(PULL_COMMITS.path, params=params, path_values=place_of(of))
    return [commit.as_node() for commit in parse(_Commits, provider="github", data=answer).root]


async def _read_login(http: ProviderHTTP) -> str:
    """Return whose token it is. Source: https://docs.github.com/en/rest/users/users#get-the-authenticated-user."""
    return parse(Account, provider="github", data=await http.get(USER.path)).login
