"""The tool that tells what the user did on GitHub in a window."""

from django.utils.translation import gettext_noop
from pydantic import Field

from agent.api import github, github_rest, github_rest_work
from agent.api.github import Reply
from agent.api.github_rest import FoundCommits
from agent.api.github_wire import Activity, CommitSearch
from agent.api.leaving_out import github_qualifiers, told
from agent.errors import ToolFailedError
from agent.tool import Arguments, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.github.happened import contribution_items, straight_commits, straight_items, worked_on_item
from agent.tools.github.items import FEW_BRANCHES, INCOMPLETE, PLACES, gaps_of
from agent.tools.moments import Moment, Window, past_window

_NO_CONTRIBUTIONS = "GitHub did not show the contributions, so reviews and issues are missing."
_NO_REVIEWS = "Without GraphQL, GitHub does not tell when which review was given, so reviews are missing."
# Headlines for a briefing; a found commit is about 7 kB, and `github_commits` reads more of them.
_MAX_PUSHED = 50
_MORE_PUSHED = f"Only the newest {_MAX_PUSHED} commits on default branches were read, so their counts may be too low."
NO_HEADLINES = "GitHub did not show the commits of default branches, so their headlines are missing."


class ActivityArguments(Arguments):
    """The window to read."""

    since: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default the last working day.")
    until: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default now.")


async def read_activity(arguments: ActivityArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return the user's commits, pull requests, reviews and issues in the window, newest first."""
    window = past_window(arguments.since, until=arguments.until, context=context)
    # Contributions are no search, so what is left out of them is left to the dispatcher.
    place = github_qualifiers(context.exclusions)
    worked_on = await find_worked_on(http, window=window, place=place)
    context.report_progress(1, 3)
    activity = await _find_activity(http, window=window, worked_on=worked_on, place=place)
    context.report_progress(2, 3)
    pushed = await find_pushed(http, window=window, place=place, limit=_MAX_PUSHED)
    context.report_progress(3, 3)
    found = worked_on.data.search
    touched = [worked_on_item(node, window=window, zone=context.time_zone) for node in found.nodes]
    items = [item for item in touched if item]
    if pushed:
        straight = straight_commits(pushed.items, worked_on=found.nodes, window=window)
        items += straight_items(straight, login=worked_on.data.viewer.login, zone=context.time_zone)
    if activity:
        known = frozenset(item.fields["repo"] for item in items)
        items += contribution_items(activity.data, window=window, zone=context.time_zone, known=known)
    items.sort(key=lambda item: str(item.fields.get("occurred_at", "")), reverse=True)
    warnings = (
        *window.warnings,
        *told(PLACES, asked=place),
        *_missing(activity, pushed=pushed),
        *gaps_of_branches(worked_on),
    )
    is_truncated = found.issue_count > len(found.nodes) or (pushed is not None and pushed.has_more)
    return ToolResult(items=tuple(items), is_truncated=is_truncated, warnings=tuple(dict.fromkeys(warnings)))


async def find_worked_on(http: ProviderHTTP, *, window: Window, place: str = "") -> Reply[CommitSearch]:
    """Return the user's pull requests touched since the window began, with their newest commits."""
    return await github.or_rest(
        github.search_commits(http, since=window.start, place=place),
        rest=lambda: github_rest_work.search_worked_on(http, since=window.start, place=place),
    )


def gaps_of_branches(worked_on: Reply[CommitSearch]) -> tuple[str, ...]:
    """Return what is missing of the user's branches, in our own sentences."""
    return (*(() if worked_on.has_graphql else (FEW_BRANCHES,)), *gaps_of(worked_on))


async def find_pushed(
    http: ProviderHTTP, *, window: Window, place: str = "", limit: int = github_rest.MAX_COMMITS
) -> FoundCommits | None:
    """Return the user's commits on default branches, or None when GitHub does not search them."""
    try:
        return await github_rest.search_commits(http, since=window.start, place=place, limit=limit)
    except ToolFailedError as error:
        # The search has a limit of its own, 30 a minute, and needs a permission that pull requests do not; what was
        # read before still makes a briefing.
        if error.code not in github.BEARABLE:
            raise
        return None


async def _find_activity(
    http: ProviderHTTP, *, window: Window, worked_on: Reply[CommitSearch], place: str
) -> Reply[Activity] | None:
    """Return the contributions, or None when GitHub does not show them."""
    if not worked_on.has_graphql:
        login = worked_on.data.viewer.login
        return await github_rest_work.read_activity(http, since=window.start, login=login, place=place)
    try:
        return await github.read_activity(http, since=window.start, until=window.end)
    except ToolFailedError as error:
        # GitHub does not document contributions for GitHub Apps, and they are its slowest answer; the searches alone
        # still make a briefing.
        if error.code not in github.BEARABLE:
            raise
        return None


def _missing(activity: Reply[Activity] | None, *, pushed: FoundCommits | None) -> list[str]:
    """Return what the answer lacks, in our own sentences."""
    warnings = [_NO_CONTRIBUTIONS] if activity is None else _hidden(activity)
    if pushed is None:
        return [*warnings, NO_HEADLINES]
    gaps = {INCOMPLETE: pushed.incomplete_results, _MORE_PUSHED: pushed.has_more}
    return [*warnings, *(sentence for sentence, is_gap in gaps.items() if is_gap)]


def _hidden(activity: Reply[Activity]) -> list[str]:
    if not activity.has_graphql:
        return [_NO_REVIEWS]
    count = activity.data.viewer.contributions_collection.restricted_contributions_count
    return [f"{count} contributions are in repositories that this connection may not see."] if count else []


# A GitHub App's user token carries no scopes: what it may read is the app's permissions.
GITHUB_ACTIVITY = Tool(
    name="github_activity",
    provider="github",
    label=gettext_noop("Fetching GitHub activity…"),
    reads=gettext_noop("your activity on GitHub"),
    description=(
        "What the user did on GitHub in a window: their pull requests that were opened, merged or got commits, and "
        "commits pushed straight to a default branch (both with commit headlines), reviews they gave, issues they "
        "opened, and commit counts of other repositories. Use it for 'what did I work on', for standups and summaries."
    ),
    arguments=ActivityArguments,
    scope="",
    run=read_activity,
    endpoints=(github.COMMITS, github.ACTIVITY, github_rest.SEARCH_COMMITS, *github_rest_work.WORKED_ON),
)
