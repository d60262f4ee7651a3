"""GitHub's REST searches: commits, which GraphQL does not search, and issues where a server has no GraphQL.

A search that GitHub gave up on half-way says so, and so does what is read from it.
Source: https://docs.github.com/en/rest/search/search
"""

from datetime import datetime
from typing import TypeVar

from pydantic import AliasPath, Field

from agent.api.github import utc
from agent.api.leaving_out import or_whole
from agent.api.wire import Instant, Line, Link, SnakeWire, one_line, parse
from agent.endpoints import Endpoint
from agent.tool import ProviderHTTP

SEARCH_COMMITS = Endpoint("github", "GET", "/search/commits")
SEARCH_ISSUES = Endpoint("github", "GET", "/search/issues")

# GitHub's largest page; a found commit is about 7 kB, so it stays far below the limit of an answer.
MAX_COMMITS = 100

_Found = TypeVar("_Found", bound=SnakeWire)


class _Author(SnakeWire):
    login: Line


class _Label(SnakeWire):
    name: Line


class FoundCommit(SnakeWire):
    """A commit on a default branch."""

    sha: str = Field(pattern=r"^[0-9a-f]{40,64}$")
    url: Link = Field(validation_alias="html_url")
    message: str = Field(validation_alias=AliasPath("commit", "message"))
    authored_at: Instant = Field(validation_alias=AliasPath("commit", "author", "date"))
    repository: Line = Field(validation_alias=AliasPath("repository", "full_name"))

    @property
    def headline(self) -> str:
        """The first line of its message."""
        return one_line(self.message.partition("\n")[0])


class FoundCommits(SnakeWire):
    """Answer of `search_commits`."""

    total_count: int
    incomplete_results: bool
    items: tuple[FoundCommit, ...]

    @property
    def has_more(self) -> bool:
        """Whether more were found than are here."""
        return self.total_count > len(self.items)


class FoundIssue(SnakeWire):
    """An issue or a pull request, as far as a search tells."""

    number: int
    title: Line
    url: Link = Field(validation_alias="html_url")
    # A path is made of its end; a name of dots alone would change the path's shape.
    repository_url: Link = Field(pattern=r"/repos/[A-Za-z0-9_-]{1,100}/[.]*[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")
    state: Line
    draft: bool = False
    created_at: Instant
    updated_at: Instant
    user: _Author | None = None
    labels: tuple[_Label, ...] = ()
    merged_at: Instant | None = Field(default=None, validation_alias=AliasPath("pull_request", "merged_at"))

    @property
    def repository(self) -> str:
        """`owner/name`, the end of the repository's address in the API."""
        return "/".join(self.repository_url.rsplit("/", 2)[1:])


class FoundIssues(SnakeWire):
    """Answer of `search_issues`."""

    total_count: int
    incomplete_results: bool
    items: tuple[FoundIssue, ...]


async def search_commits(
    http: ProviderHTTP, *, since: datetime, place: str = "", limit: int = MAX_COMMITS
) -> FoundCommits:
    """Search the user's commits on default branches since `since`, newest first.

    `place` are qualifiers of where, as in `github.search_commits`.

    Merges are left out: they are not the work but what brings it.
    That this search knows `@me` is NOT VERIFIED: GitHub documents it for issues and pull requests.
    Source: https://docs.github.com/en/rest/search/search#search-commits
    """
    query = f"author:@me author-date:>={utc(since)} merge:false{place}"
    params = {"q": query, "sort": "author-date", "order": "desc", "per_page": str(limit)}
    return await _search(http, SEARCH_COMMITS, model=FoundCommits, params=params)


async def search_issues(http: ProviderHTTP, *, query: str, limit: int) -> FoundIssues:
    """Search issues or pull requests; `query` is as GraphQL takes it, at its end the order.

    Source: https://docs.github.com/en/rest/search/search#search-issues-and-pull-requests
    """
    # Here the order is a parameter: as a qualifier it is documented for the pages alone.
    qualifiers, _, ordered = query.partition(" sort:")
    sort, _, order = ordered.partition("-")
    params = {"q": qualifiers, "sort": sort, "order": order, "per_page": str(limit)}
    return await _search(http, SEARCH_ISSUES, model=FoundIssues, params=params)


async def _search(http: ProviderHTTP, asked: Endpoint, *, model: type[_Found], params: dict[str, str]) -> _Found:
    data = await or_whole(params["q"], ask=lambda query: http.get(asked.path, params=params | {"q": query}))
    return parse(model, provider="github", data=data)
