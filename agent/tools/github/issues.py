"""The tools that read issues: where the user was mentioned, in issues and pull requests, and what they are assigned."""

import re
from datetime import datetime
from typing import Annotated

from django.utils.translation import gettext_noop
from pydantic import Field

from agent.api import github, github_rest, github_rest_work
from agent.api.github_rest import FoundIssue
from agent.api.github_work_wire import Discussed, Issue
from agent.api.leaving_out import github_qualifiers, told
from agent.errors import ToolFailedError
from agent.tool import Arguments, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.github.items import INCOMPLETE, LESS_DETAIL, PLACES, gaps_of, local, present, subject_item, title_of
from agent.tools.moments import Moment, Window, past_window

# Of each of the two searches; more mentions than these are no longer read one by one.
_MAX_MENTIONS = 25
# Two searches: GitHub refuses one for both kinds to the user tokens of GitHub Apps.
_KINDS = {"is:issue": "issue", "is:pr": "pull_request"}


class MentionsArguments(Arguments):
    """From when on."""

    since: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default the last working day.")


class AssignedIssuesArguments(Arguments):
    """How many."""

    limit: Annotated[int, Field(ge=1, le=50, description="How many issues at most.")] = 20


async def read_mentions(arguments: MentionsArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return where the user was mentioned since then, newest first, with the words where GitHub shows them."""
    window = past_window(arguments.since, context=context)
    since, place = github.utc(window.start), github_qualifiers(context.exclusions)
    results = []
    for done, qualifier in enumerate(_KINDS, start=1):
        query = f"{qualifier} mentions:@me updated:>={since} archived:false{place} sort:updated-desc"
        results.append(await _search_mentions(http, query=query, window=window, context=context))
        context.report_progress(done, len(_KINDS))
    items = sorted((item for one in results for item in one.items), key=_time_of, reverse=True)
    warnings = dict.fromkeys(
        (*window.warnings, *told(PLACES, asked=place), *(warning for one in results for warning in one.warnings))
    )
    return ToolResult(
        items=tuple(items), is_truncated=any(one.is_truncated for one in results), warnings=tuple(warnings)
    )


async def read_assigned_issues(
    arguments: AssignedIssuesArguments, http: ProviderHTTP, context: ReadContext
) -> ToolResult:
    """Return the open issues that are assigned to the user, last touched first."""
    place = github_qualifiers(context.exclusions)
    query = f"is:open is:issue assignee:@me archived:false{place} sort:updated-desc"
    reply = await github.or_rest(
        github.search_issues(http, query=query, limit=arguments.limit),
        rest=lambda: github_rest_work.search_issues(http, query=query, limit=arguments.limit),
    )
    found = reply.data.search
    items = tuple(_issue_item(issue, context=context) for issue in found.nodes)
    warnings = (*told(PLACES, asked=place), *gaps_of(reply))
    return ToolResult(items=items, is_truncated=found.issue_count > len(found.nodes), warnings=warnings)


async def _search_mentions(http: ProviderHTTP, *, query: str, window: Window, context: ReadContext) -> ToolResult:
    """Search by GraphQL, or by REST where the server has no GraphQL."""
    try:
        reply = await github.search_mentions(http, query=query, limit=_MAX_MENTIONS)
    except ToolFailedError as error:
        if not github.has_no_graphql(error):
            raise
        return await _search_rest(http, query=query, context=context)
    found, login = reply.data.search, reply.data.viewer.login
    items = [_mention_item(node, login=login, window=window, context=context) for node in found.nodes]
    is_truncated = found.issue_count > len(found.nodes)
    return ToolResult(items=tuple(item for item in items if item), is_truncated=is_truncated, warnings=gaps_of(reply))


async def _search_rest(http: ProviderHTTP, *, query: str, context: ReadContext) -> ToolResult:
    found = await github_rest.search_issues(http, query=query, limit=_MAX_MENTIONS)
    kind = _KINDS[query.split(maxsplit=1)[0]]
    return ToolResult(
        items=tuple(_found_item(one, kind=kind, context=context) for one in found.items),
        is_truncated=found.total_count > len(found.items),
        warnings=(LESS_DETAIL, *((INCOMPLETE,) if found.incomplete_results else ())),
    )


def _mention_item(found: Discussed, *, login: str, window: Window, context: ReadContext) -> Item | None:
    """Return a mention with its words; None where the newest that can be seen is older than the window.

    Without an excerpt where none can be seen: it may stand in a review or in an older comment.
    """
    author, text, at, url = _newest_mention(found, login=login)
    if at is not None and not window.holds(at):
        return None
    fields = {
        "kind": "pull_request" if found.kind == "PullRequest" else "issue",
        "author": author,
        "excerpt": text,
        "mentioned_at": local(at, zone=context.time_zone) if at else None,
        # Without an excerpt, the last change is the nearest that is known.
        "updated_at": None if at else local(found.updated_at, zone=context.time_zone),
    }
    return subject_item(found, url=url, **present(fields))


def _newest_mention(found: Discussed, *, login: str) -> tuple[str, str, datetime | None, str]:
    """Return author, words, time and address of the newest mention of `login` by somebody else; empty for none."""
    mention = re.compile(rf"(?<![\w-])@{re.escape(login)}(?![\w-])", re.IGNORECASE)
    texts = [(one.author, one.body_text, one.created_at, one.url) for one in reversed(found.comments.nodes)]
    for author, text, at, url in (*texts, (found.author, found.body_text, found.created_at, found.url)):
        name = author.login if author else ""
        if mention.search(text) and name != login:
            return name, text, at, url
    return "", "", None, ""


def _found_item(found: FoundIssue, *, kind: str, context: ReadContext) -> Item:
    """Return what the REST search tells of a mention: where it is, not what it says."""
    fields = {
        "kind": kind,
        "repo": found.repository,
        "number": found.number,
        "updated_at": local(found.updated_at, zone=context.time_zone),
    }
    title = title_of(found.number, title=found.title)
    return Item(title=title, url=found.url, fields=fields, places=(found.repository,))


def _issue_item(issue: Issue, *, context: ReadContext) -> Item:
    fields = {
        "author": issue.author.login if issue.author else None,
        "labels": [label.name for label in issue.labels.nodes] if issue.labels else [],
        "opened_at": local(issue.created_at, zone=context.time_zone),
        "updated_at": local(issue.updated_at, zone=context.time_zone),
        "idle_days": (context.now - issue.updated_at).days,
    }
    return subject_item(issue, **present(fields))


def _time_of(item: Item) -> str:
    return str(item.fields.get("mentioned_at") or item.fields["updated_at"])


GITHUB_MENTIONS = Tool(
    name="github_mentions",
    provider="github",
    label=gettext_noop("Looking for mentions on GitHub…"),
    reads=gettext_noop("your mentions on GitHub"),
    description=(
        "Issues and pull requests in which somebody mentioned the user, newest first, with who wrote it and an "
        "excerpt. Use it for 'who mentioned me', 'who is waiting for me' and for standups."
    ),
    arguments=MentionsArguments,
    scope="",
    run=read_mentions,
    endpoints=(github.MENTIONS, github_rest.SEARCH_ISSUES),
)
GITHUB_ASSIGNED_ISSUES = Tool(
    name="github_assigned_issues",
    provider="github",
    label=gettext_noop("Fetching assigned issues…"),
    reads=gettext_noop("the issues assigned to you on GitHub"),
    description=(
        "Open issues that are assigned to the user, last touched first, with labels and age. Use it for 'what is on "
        "my plate' and 'which issues are mine'."
    ),
    arguments=AssignedIssuesArguments,
    scope="",
    run=read_assigned_issues,
    endpoints=(github.ISSUES, github_rest.SEARCH_ISSUES),
)
