"""The tools that read GitHub: what the user did, what waits for their review, and how their pull requests stand."""

from typing import Annotated, Literal

from pydantic import Field

from agent.api import github
from agent.api.github_wire import Activity, PullRequestSearch
from agent.errors import ToolFailedError
from agent.toolkit import Arguments, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.github_items import (
    contribution_items,
    own_pull_request_item,
    review_request_item,
    worked_on_item,
)
from agent.tools.moments import Moment, Window, past_window

Limit = Annotated[int, Field(ge=1, le=50, description="How many pull requests at most.")]

_HIDDEN_FIELDS = "GitHub hid some fields that this connection may not read; they count as absent."
_NO_CONTRIBUTIONS = "GitHub did not show the contributions, so reviews, issues and direct commits are missing."


class ActivityArguments(Arguments):
    """The window to read."""

    since: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default the last working day.")
    until: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default now.")


class ReviewRequestsArguments(Arguments):
    """How many, and whether requests to the user's teams count."""

    limit: Limit = 20
    include_team: bool = Field(default=True, description="Also requests to teams the user is in.")


class MyPullRequestsArguments(Arguments):
    """Which of the user's pull requests."""

    state: Literal["open", "merged"] = "open"
    limit: Limit = 20


async def read_activity(arguments: ActivityArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return the user's commits, pull requests, reviews and issues in the window, newest first."""
    window = past_window(arguments.since, until=arguments.until, context=context)
    worked_on = await github.search_commits(http, since=window.start)
    context.report_progress(1, 2)
    activity = await _find_activity(http, window=window)
    context.report_progress(2, 2)
    found = worked_on.data.search
    touched = [worked_on_item(node, window=window, zone=context.time_zone) for node in found.nodes]
    items = [item for item in touched if item]
    warnings = list(window.warnings)
    if activity is None:
        warnings.append(_NO_CONTRIBUTIONS)
    else:
        known = frozenset(item.fields["repo"] for item in items)
        items += contribution_items(activity, window=window, zone=context.time_zone, known=known)
        warnings += _hidden(activity)
    if worked_on.is_partial:
        warnings.append(_HIDDEN_FIELDS)
    items.sort(key=lambda item: str(item.fields.get("occurred_at", "")), reverse=True)
    return ToolResult(items=tuple(items), is_truncated=found.issue_count > len(found.nodes), warnings=tuple(warnings))


async def read_review_requests(
    arguments: ReviewRequestsArguments, http: ProviderHTTP, context: ReadContext
) -> ToolResult:
    """Return the open pull requests that wait for the user's review, oldest first."""
    qualifier = "review-requested" if arguments.include_team else "user-review-requested"
    query = f"is:open is:pr {qualifier}:@me archived:false sort:created-asc"
    reply = await github.search_pull_requests(http, query=query, limit=arguments.limit)
    viewer = reply.data.viewer.login
    items = tuple(
        review_request_item(node, viewer=viewer, now=context.now, zone=context.time_zone)
        for node in reply.data.search.nodes
    )
    return _result(reply, items=items)


async def read_my_pull_requests(
    arguments: MyPullRequestsArguments, http: ProviderHTTP, context: ReadContext
) -> ToolResult:
    """Return the user's pull requests, last touched first; open ones with what blocks them and who has to move."""
    query = f"is:{arguments.state} is:pr author:@me archived:false sort:updated-desc"
    reply = await github.search_pull_requests(http, query=query, limit=arguments.limit)
    is_open = arguments.state == "open"
    items = tuple(
        own_pull_request_item(node, is_open=is_open, now=context.now, zone=context.time_zone)
        for node in reply.data.search.nodes
    )
    return _result(reply, items=items)


async def _find_activity(http: ProviderHTTP, *, window: Window) -> Activity | None:
    """Return the contributions, or None when this kind of token does not see them."""
    try:
        return (await github.read_activity(http, since=window.start, until=window.end)).data
    except ToolFailedError as error:
        # GitHub does not document contributions for GitHub Apps; the search alone still makes a briefing.
        if error.code != "missing_scope":
            raise
        return None


def _hidden(activity: Activity) -> list[str]:
    count = activity.viewer.contributions_collection.restricted_contributions_count
    return [f"{count} contributions are in repositories that this connection may not see."] if count else []


def _result(reply: github.Reply[PullRequestSearch], *, items: tuple[Item, ...]) -> ToolResult:
    found = reply.data.search
    warnings = (_HIDDEN_FIELDS,) if reply.is_partial else ()
    return ToolResult(items=items, is_truncated=found.issue_count > len(found.nodes), warnings=warnings)


# A GitHub App's user token carries no scopes: what it may read is the app's permissions.
GITHUB_ACTIVITY = Tool(
    name="github_activity",
    provider="github",
    label="Fetching GitHub activity…",
    description=(
        "What the user did on GitHub in a window: their pull requests that were opened, merged or got commits (with "
        "commit headlines), reviews they gave, issues they opened, and commit counts of other repositories. "
        "Use it for 'what did I work on', for standups and summaries."
    ),
    arguments=ActivityArguments,
    scope="",
    run=read_activity,
)
GITHUB_REVIEW_REQUESTS = Tool(
    name="github_review_requests",
    provider="github",
    label="Fetching review requests…",
    description=(
        "Open pull requests that wait for the user's review, oldest first: author, age in days, size, checks, and "
        "whether the user or a team was asked. Use it for 'what needs my review' and for standups."
    ),
    arguments=ReviewRequestsArguments,
    scope="",
    run=read_review_requests,
)
GITHUB_MY_PULL_REQUESTS = Tool(
    name="github_my_pull_requests",
    provider="github",
    label="Fetching pull requests…",
    description=(
        "The user's own pull requests, last touched first; open ones with checks, review decision, what blocks them, "
        "the next step and who has to take it. Use it for 'what is blocked', 'what am I waiting for' and for standups."
    ),
    arguments=MyPullRequestsArguments,
    scope="",
    run=read_my_pull_requests,
)
