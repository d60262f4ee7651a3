"""The tool that tells which checks fail on the user's open pull requests, and the item of a failing check."""

from typing import Annotated
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_noop
from pydantic import Field, ValidationError

from agent.api import github, github_rest, github_rest_pull_request
from agent.api.github_pull_request_wire import Check, CheckedPullRequest
from agent.api.leaving_out import github_qualifiers, told
from agent.api.wire import Link, Wire
from agent.tool import Arguments, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.github.items import PLACES, gaps_of, local, present, word
from agent.tools.github.repositories import KNOWN_REPOSITORIES, RepositoryName, load_repository

_MORE_CHECKS = "Some pull requests have more checks than were read."
_FEW_PULL_REQUESTS = (
    "This GitHub server answers no GraphQL, so only the checks of the "
    f"{github_rest_pull_request.MAX_CHECKED} pull requests last touched were read."
)


class FailingChecksArguments(Arguments):
    """Where, and how many."""

    repo: RepositoryName | None = None
    limit: Annotated[int, Field(ge=1, le=50, description="How many failing checks at most.")] = 20

    def places(self) -> tuple[str, ...]:
        """The repository, if one is named."""
        return (self.repo,) if self.repo else ()


class _Page(Wire):
    url: Link


async def read_failing_checks(
    arguments: FailingChecksArguments, http: ProviderHTTP, context: ReadContext
) -> ToolResult:
    """Return the failing checks of the user's open pull requests, last touched pull request first."""
    repository = await load_repository(http, name=arguments.repo) if arguments.repo else ""
    place = github.in_repository(repository) or github_qualifiers(context.exclusions)
    query = f"is:open is:pr author:@me{place} archived:false sort:updated-desc"
    reply = await github.or_rest(
        github.search_failing_checks(http, query=query),
        rest=lambda: github_rest_pull_request.search_failing_checks(http, query=query),
    )
    found = reply.data.search
    items = [
        failing_check_item(check, of=node, zone=context.time_zone) for node in found.nodes for check in node.failing
    ]
    has_more = any(node.has_more_checks for node in found.nodes)
    missing = {_MORE_CHECKS: has_more, _FEW_PULL_REQUESTS: not reply.has_graphql}
    gaps = (*(sentence for sentence, is_missing in missing.items() if is_missing), *gaps_of(reply))
    is_truncated = len(items) > arguments.limit or found.issue_count > len(found.nodes)
    return ToolResult(
        items=tuple(items[: arguments.limit]), is_truncated=is_truncated, warnings=(*told(PLACES, asked=place), *gaps)
    )


def failing_check_item(check: Check, *, of: CheckedPullRequest, zone: ZoneInfo) -> Item:
    """Return a failing check of the pull request `of`."""
    ended_at = check.completed_at or check.created_at
    name = check.name or check.context
    fields = {
        "kind": "failing_check",
        "repo": of.repository.name_with_owner,
        "number": of.number,
        "pull_request": of.title,
        "check": name,
        "conclusion": word(check.outcome),
        "summary": check.title or check.description,
        "completed_at": local(ended_at, zone=zone) if ended_at else None,
    }
    return Item(
        title=f"{name} on #{of.number}",
        url=_page_of(check) or f"{of.url}/checks",
        fields=present(fields),
        places=(of.repository.name_with_owner,),
    )


def _page_of(check: Check) -> str:
    """Return the address of the check's page, "" for none or a broken one: outside systems write what they like."""
    try:
        return _Page(url=check.details_url or check.target_url or "").url
    except ValidationError:
        return ""


GITHUB_FAILING_CHECKS = Tool(
    name="github_failing_checks",
    provider="github",
    label=gettext_noop("Fetching failing checks…"),
    reads=gettext_noop("the failing checks of your pull requests on GitHub"),
    description=(
        "The checks that fail on the user's own open pull requests, in all repositories or in one: name, conclusion, "
        "one-line summary and page of each. Use it for 'why is CI red' and 'which checks are failing'."
    ),
    arguments=FailingChecksArguments,
    scope="",
    run=read_failing_checks,
    endpoints=(
        *KNOWN_REPOSITORIES,
        github.FAILING_CHECKS,
        github_rest.SEARCH_ISSUES,
        *github_rest_pull_request.CHECKED,
    ),
)
