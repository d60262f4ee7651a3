"""The tools that list pull requests: those that wait for the user's review, their own, and anybody's."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal

from django.utils.translation import gettext_noop
from pydantic import Field

from agent.api import github, github_rest
from agent.api.github_wire import PullRequest
from agent.api.leaving_out import github_qualifiers, told
from agent.errors import ToolFailedError
from agent.tool import Arguments, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.github.items import INCOMPLETE, LESS_DETAIL, PLACES, gaps_of
from agent.tools.github.repositories import KNOWN_REPOSITORIES, RepositoryName, list_latest, load_repository
from agent.tools.github.standing import (
    any_pull_request_item,
    found_item,
    own_pull_request_item,
    review_request_item,
)

Limit = Annotated[int, Field(ge=1, le=50, description="How many pull requests at most.")]

# GitHub takes 256 characters of words in a search; how many qualifiers it takes is not documented, ten are few.
_MAX_REPOSITORIES = 10
_FEW_REPOSITORIES = f"Only the {_MAX_REPOSITORIES} repositories last pushed to were searched; name one to see others."
_STATES = {"open": "is:open", "merged": "is:merged", "closed": "is:closed is:unmerged"}


class ReviewRequestsArguments(Arguments):
    """How many, and whether requests to the user's teams count."""

    limit: Limit = 20
    include_team: bool = Field(default=True, description="Also requests to teams the user is in.")


class MyPullRequestsArguments(Arguments):
    """Which of the user's pull requests."""

    state: Literal["open", "merged"] = "open"
    limit: Limit = 20


class PullRequestsArguments(Arguments):
    """Whose repository, and in which state."""

    repo: RepositoryName | None = None
    state: Literal["open", "merged", "closed"] = Field(
        default="open", description="`closed` means closed without a merge."
    )
    limit: Limit = 20

    def places(self) -> tuple[str, ...]:
        """The repository, if one is named."""
        return (self.repo,) if self.repo else ()


async def read_review_requests(
    arguments: ReviewRequestsArguments, http: ProviderHTTP, context: ReadContext
) -> ToolResult:
    """Return the open pull requests that wait for the user's review, oldest first."""
    qualifier = "review-requested" if arguments.include_team else "user-review-requested"
    place = github_qualifiers(context.exclusions)
    query = f"is:open is:pr {qualifier}:@me archived:false{place} sort:created-asc"

    def make(node: PullRequest, viewer: str) -> Item:
        return review_request_item(node, viewer=viewer, now=context.now, zone=context.time_zone)

    result = await _search(http, query=query, limit=arguments.limit, context=context, make=make)
    return replace(result, warnings=(*told(PLACES, asked=place), *result.warnings))


async def read_my_pull_requests(
    arguments: MyPullRequestsArguments, http: ProviderHTTP, context: ReadContext
) -> ToolResult:
    """Return the user's pull requests, last touched first; open ones with what blocks them and who has to move."""
    place = github_qualifiers(context.exclusions)
    query = f"is:{arguments.state} is:pr author:@me archived:false{place} sort:updated-desc"
    is_open = arguments.state == "open"

    def make(node: PullRequest, _: str) -> Item:
        return own_pull_request_item(node, is_open=is_open, now=context.now, zone=context.time_zone)

    result = await _search(http, query=query, limit=arguments.limit, context=context, make=make)
    return replace(result, warnings=(*told(PLACES, asked=place), *result.warnings))


async def read_pull_requests(arguments: PullRequestsArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return anybody's pull requests, in one repository of the user or in those last pushed to, last touched first."""
    if arguments.repo:
        latest, has_more = [await load_repository(http, name=arguments.repo)], False
    else:
        latest, has_more = await list_latest(http, limit=_MAX_REPOSITORIES)
    names = [name for name in latest if not context.exclusions.refuses(name)]
    left_out = len(latest) - len(names)
    few = (_FEW_REPOSITORIES,) if has_more else ()
    gaps = (f"Repositories left out by your exclusions: {left_out}.",) if left_out else ()
    if not names:
        # A search without a repository would read all of GitHub.
        return ToolResult(items=(), warnings=gaps)
    places = "".join(github.in_repository(name) for name in names)
    query = f"is:pr {_STATES[arguments.state]}{places} archived:false sort:updated-desc"

    def make(node: PullRequest, _: str) -> Item:
        return any_pull_request_item(node, now=context.now, zone=context.time_zone)

    result = await _search(http, query=query, limit=arguments.limit, context=context, make=make)
    return replace(result, warnings=(*few, *gaps, *result.warnings))


async def _search(
    http: ProviderHTTP, *, query: str, limit: int, context: ReadContext, make: Callable[[PullRequest, str], Item]
) -> ToolResult:
    """Search by GraphQL, or by REST where the server has no GraphQL; `make` takes a node and the user's login."""
    try:
        reply = await github.search_pull_requests(http, query=query, limit=limit)
    except ToolFailedError as error:
        if not github.has_no_graphql(error):
            raise
        return await _search_rest(http, query=query, limit=limit, context=context)
    found, viewer = reply.data.search, reply.data.viewer.login
    items = tuple(make(node, viewer) for node in found.nodes)
    return ToolResult(items, is_truncated=found.issue_count > len(found.nodes), warnings=gaps_of(reply))


async def _search_rest(http: ProviderHTTP, *, query: str, limit: int, context: ReadContext) -> ToolResult:
    found = await github_rest.search_issues(http, query=query, limit=limit)
    return ToolResult(
        items=tuple(found_item(one, now=context.now, zone=context.time_zone) for one in found.items),
        is_truncated=found.total_count > len(found.items),
        warnings=(LESS_DETAIL, *((INCOMPLETE,) if found.incomplete_results else ())),
    )


GITHUB_REVIEW_REQUESTS = Tool(
    name="github_review_requests",
    provider="github",
    label=gettext_noop("Fetching review requests…"),
    reads=gettext_noop("the reviews asked of you on GitHub"),
    description=(
        "Open pull requests that wait for the user's review, oldest first: author, age in days, size, checks, and "
        "whether the user or a team was asked. Use it for 'what needs my review' and for standups."
    ),
    arguments=ReviewRequestsArguments,
    scope="",
    run=read_review_requests,
    endpoints=(github.PULL_REQUESTS, github_rest.SEARCH_ISSUES),
)
GITHUB_MY_PULL_REQUESTS = Tool(
    name="github_my_pull_requests",
    provider="github",
    label=gettext_noop("Fetching pull requests…"),
    reads=gettext_noop("your pull requests on GitHub"),
    description=(
        "The user's own pull requests, last touched first; open ones with checks, review decision, what blocks them, "
        "the next step and who has to take it. Use it for 'what is blocked', 'what am I waiting for' and for standups."
    ),
    arguments=MyPullRequestsArguments,
    scope="",
    run=read_my_pull_requests,
    endpoints=(github.PULL_REQUESTS, github_rest.SEARCH_ISSUES),
)
GITHUB_PULL_REQUESTS = Tool(
    name="github_pull_requests",
    provider="github",
    label=gettext_noop("Fetching pull requests…"),
    reads=gettext_noop("pull requests on GitHub"),
    description=(
        "Pull requests of anybody, last touched first, in one repository of the user or in the ones last pushed to: "
        "author, age, size, checks, review decision. Use it for 'what is the team working on' and 'what was merged'."
    ),
    arguments=PullRequestsArguments,
    scope="",
    run=read_pull_requests,
    endpoints=(*KNOWN_REPOSITORIES, github.PULL_REQUESTS, github_rest.SEARCH_ISSUES),
)
