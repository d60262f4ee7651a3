"""The tool that lists the user's commits, those of open branches and those on default branches, by headline."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext_noop
from pydantic import Field

from agent.api import github, github_rest, github_rest_work
from agent.api.github_rest import FoundCommit
from agent.api.github_wire import WorkedOn
from agent.api.leaving_out import github_qualifiers, told
from agent.tool import Arguments, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.github.activity import NO_HEADLINES, find_pushed, find_worked_on, gaps_of_branches
from agent.tools.github.happened import own_commits, straight_commits
from agent.tools.github.items import INCOMPLETE, PLACES, local
from agent.tools.github.repositories import KNOWN_REPOSITORIES, RepositoryName, load_repository
from agent.tools.moments import Moment, Window, past_window

# What the model reads in one result; a window of a month may hold more.
_MAX_ITEMS = 100


class CommitsArguments(Arguments):
    """The window to read, and where."""

    since: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default the last working day.")
    until: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default now.")
    repo: RepositoryName | None = None

    def places(self) -> tuple[str, ...]:
        """The repository, if one is named."""
        return (self.repo,) if self.repo else ()


async def read_commits(arguments: CommitsArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return the user's commits in the window, newest first; each once, with its pull request where it has one."""
    window = past_window(arguments.since, until=arguments.until, context=context)
    repository = await load_repository(http, name=arguments.repo) if arguments.repo else ""
    place = github.in_repository(repository) or github_qualifiers(context.exclusions)
    worked_on = await find_worked_on(http, window=window, place=place)
    context.report_progress(1, 2)
    pushed = await find_pushed(http, window=window, place=place)
    context.report_progress(2, 2)
    found = worked_on.data.search
    straight = straight_commits(pushed.items if pushed else (), worked_on=found.nodes, window=window)
    items = [
        *_branch_items(found.nodes, window=window, context=context),
        *(_item(one, context=context) for one in straight),
    ]
    items.sort(key=lambda item: str(item.fields["date"]), reverse=True)
    missing = {
        NO_HEADLINES: pushed is None,
        INCOMPLETE: pushed is not None and pushed.incomplete_results,
    }
    gaps = (sentence for sentence, is_missing in missing.items() if is_missing)
    warnings = tuple(dict.fromkeys((*window.warnings, *told(PLACES, asked=place), *gaps, *gaps_of_branches(worked_on))))
    has_more = pushed is not None and pushed.has_more
    is_truncated = has_more or len(items) > _MAX_ITEMS or found.issue_count > len(found.nodes)
    return ToolResult(items=tuple(items[:_MAX_ITEMS]), is_truncated=is_truncated, warnings=warnings)


def _branch_items(nodes: tuple[WorkedOn, ...], *, window: Window, context: ReadContext) -> Iterator[Item]:
    """Yield the commits of pull requests, each once: stacked branches share them."""
    seen: set[str] = set()
    for pull in nodes:
        for commit in own_commits(pull, window=window):
            if commit.oid not in seen:
                seen.add(commit.oid)
                repository = pull.repository.name_with_owner
                fields = _fields(repository, oid=commit.oid)
                fields |= {"date": local(commit.authored_date, zone=context.time_zone), "pr": pull.number}
                yield Item(title=commit.message_headline, url=commit.url, fields=fields, places=(repository,))


def _item(commit: FoundCommit, *, context: ReadContext) -> Item:
    fields = _fields(commit.repository, oid=commit.sha)
    fields |= {"date": local(commit.authored_at, zone=context.time_zone)}
    return Item(title=commit.headline, url=commit.url, fields=fields, places=(commit.repository,))


def _fields(repository: str, *, oid: str) -> dict[str, Any]:
    return {"repo": repository, "sha": oid[:7]}


GITHUB_COMMITS = Tool(
    name="github_commits",
    provider="github",
    label=gettext_noop("Fetching commits…"),
    reads=gettext_noop("your commits on GitHub"),
    description=(
        "The user's own commits in a window, newest first, in all repositories or in one: headline, repository, date "
        "and pull request. Use it for 'what did I commit' and to list work commit by commit."
    ),
    arguments=CommitsArguments,
    scope="",
    run=read_commits,
    endpoints=(*KNOWN_REPOSITORIES, github.COMMITS, github_rest.SEARCH_COMMITS, *github_rest_work.WORKED_ON),
)
