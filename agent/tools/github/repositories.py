"""The repositories that the user has to do with: a tool that lists them, and the check of one that is asked for.

SECURITY: a repository in a tool's arguments is used only after it was found in these lists, in GitHub's own spelling.
"""

from typing import Annotated

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from agent.api import github, github_rest_work
from agent.api.github import Reply
from agent.api.github_work_wire import KnownRepository, RepositoryList
from agent.errors import ToolFailedError
from agent.tool import Arguments, Completion, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.github.items import gaps_of, local, present

# GitHub's largest page; three of them hold what one person can still say something about.
_PER_PAGE = 100
_MAX_PAGES = 3
_UNKNOWN = "GitHub shows no repository of that name among those that you own, work in or contributed to."
_UNKNOWN_TO_REST = (
    "GitHub shows no repository of that name among those that you own or work in. This server answers no GraphQL, so "
    "those that you only contributed to are not known."
)

# What a tool declares that takes a repository.
KNOWN_REPOSITORIES = (github.REPOSITORIES, github_rest_work.USER_REPOSITORIES)

RepositoryName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9_-]{1,100}/[A-Za-z0-9._-]{1,100}$",
        description="One repository, as owner/name; must be one of the user's.",
    ),
]


class RepositoriesArguments(Arguments):
    """How many."""

    limit: Annotated[int, Field(ge=1, le=50, description="How many repositories at most.")] = 20


async def read_repositories(arguments: RepositoriesArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return the user's repositories, last pushed to first."""
    reply = await _list(http, limit=arguments.limit)
    found = reply.data.viewer.repositories
    items = tuple(_item(repository, context=context) for repository in found.nodes)
    return ToolResult(items=items, is_truncated=found.total_count > len(found.nodes), warnings=gaps_of(reply))


async def load_repository(http: ProviderHTTP, *, name: str) -> str:
    """Return the user's repository `name` (`owner/name`) as GitHub spells it.

    Raises:
        ToolFailedError: It is none of theirs, or the list cannot be read.
    """
    after: str | None = None
    for _page in range(_MAX_PAGES):
        reply = await _list(http, limit=_PER_PAGE, after=after)
        viewer = reply.data.viewer
        contributed = viewer.repositories_contributed_to
        known = (*viewer.repositories.nodes, *(contributed.nodes if contributed else ()))
        match = next((one.name_with_owner for one in known if one.name_with_owner.lower() == name.lower()), None)
        if match:
            return match
        after = viewer.repositories.page_info.end_cursor
        if not viewer.repositories.page_info.has_next_page:
            break
    raise ToolFailedError("not_found", _UNKNOWN if reply.has_graphql else _UNKNOWN_TO_REST)


async def list_latest(http: ProviderHTTP, *, limit: int) -> tuple[list[str], bool]:
    """Return the names of the user's repositories that were last pushed to, and whether there are more."""
    found = (await _list(http, limit=limit)).data.viewer.repositories
    return [repository.name_with_owner for repository in found.nodes], found.total_count > len(found.nodes)


async def _list(http: ProviderHTTP, *, limit: int, after: str | None = None) -> Reply[RepositoryList]:
    return await github.or_rest(
        github.list_repositories(http, limit=limit, after=after),
        rest=lambda: github_rest_work.list_repositories(http, limit=limit, after=after),
    )


def _item(repository: KnownRepository, *, context: ReadContext) -> Item:
    pushed_at = repository.pushed_at
    fields = {
        "private": repository.is_private,
        "pushed_at": local(pushed_at, zone=context.time_zone) if pushed_at else None,
        "description": repository.description,
    }
    name = repository.name_with_owner
    return Item(title=name, url=repository.url, fields=present(fields), places=(name,))


GITHUB_REPOSITORIES = Tool(
    name="github_repositories",
    provider="github",
    label=gettext_noop("Fetching repositories…"),
    reads=gettext_noop("your repositories on GitHub"),
    description=(
        "The repositories that the user owns, works in or belongs to, last pushed to first. Use it to find out how a "
        "repository is called, and for 'which repositories am I working in'."
    ),
    arguments=RepositoriesArguments,
    scope="",
    run=read_repositories,
    endpoints=KNOWN_REPOSITORIES,
    completion=Completion(sign="@", what=_("a repository"), arguments={"limit": 50}),
)
