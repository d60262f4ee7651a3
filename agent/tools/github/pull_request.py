"""The tool that reads one pull request: how it stands, its reviews, open conversations and failing checks."""

from collections.abc import Iterator
from typing import Annotated

from django.utils.translation import gettext_noop
from pydantic import Field

from agent.api import github, github_rest_pull_request
from agent.api.github_pull_request_wire import GivenReview, PullRequestPage, Thread
from agent.errors import ToolFailedError
from agent.tool import Arguments, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.github.checks import failing_check_item
from agent.tools.github.items import gaps_of, local, present, subject_item, word
from agent.tools.github.repositories import KNOWN_REPOSITORIES, load_repository
from agent.tools.github.standing import check_word

_NONE_SUCH = "GitHub shows no pull request with that number in that repository."
_MORE_THREADS = "Only the newest conversations were read; there are older ones."
_LESS_DETAIL = "This GitHub server answers no GraphQL, so the review decision and open conversations are missing."
_MORE_CHECKS = "There are more checks than were read."


class PullRequestArguments(Arguments):
    """Which pull request."""

    owner: str = Field(pattern=r"^[A-Za-z0-9_-]{1,100}$", description="Owner of one of the user's repositories.")
    repo: str = Field(pattern=r"^[A-Za-z0-9._-]{1,100}$", description="Name of the repository, without its owner.")
    number: Annotated[int, Field(ge=1, le=2_147_483_647, description="Number of the pull request.")]

    def places(self) -> tuple[str, ...]:
        """The repository."""
        return (f"{self.owner}/{self.repo}",)


async def read_pull_request(arguments: PullRequestArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return the pull request, then its reviews (newest first), unresolved conversations and failing checks."""
    repository = await load_repository(http, name=f"{arguments.owner}/{arguments.repo}")
    context.report_progress(1, 2)
    number = arguments.number
    reply = await github.or_rest(
        github.read_pull_request(http, repository=repository, number=number),
        rest=lambda: github_rest_pull_request.read_pull_request(http, repository=repository, number=number),
    )
    context.report_progress(2, 2)
    found = reply.data.repository.pull_request if reply.data.repository else None
    if found is None:
        raise ToolFailedError("not_found", _NONE_SUCH)
    reviews = [_review_item(review, of=found, context=context) for review in reversed(found.given_reviews)]
    checks = [failing_check_item(check, of=found, zone=context.time_zone) for check in found.failing]
    items = (
        _summary(found, has_graphql=reply.has_graphql, context=context),
        *reviews,
        *_thread_items(found, context=context),
        *checks,
    )
    has_older = found.review_threads.total_count > len(found.review_threads.nodes)
    missing = {_MORE_THREADS: has_older, _MORE_CHECKS: found.has_more_checks, _LESS_DETAIL: not reply.has_graphql}
    warnings = (*(sentence for sentence, is_missing in missing.items() if is_missing), *gaps_of(reply))
    return ToolResult(items=items, is_truncated=has_older or found.has_more_checks, warnings=warnings)


def _summary(found: PullRequestPage, *, has_graphql: bool, context: ReadContext) -> Item:
    zone = context.time_zone
    unresolved = sum(not thread.is_resolved for thread in found.review_threads.nodes)
    fields = {
        "kind": "pull_request",
        "state": word(found.state),
        "draft": found.is_draft,
        "author": found.author.login if found.author else None,
        "branch": f"{found.head_ref_name} into {found.base_ref_name}",
        "opened_at": local(found.created_at, zone=zone),
        "updated_at": local(found.updated_at, zone=zone),
        "merged_at": local(found.merged_at, zone=zone) if found.merged_at else None,
        "additions": found.additions,
        "deletions": found.deletions,
        "files": found.changed_files,
        "review_decision": word(found.review_decision) if has_graphql else None,
        "mergeable": word(found.mergeable),
        "ci": check_word(found.check_state),
        "reviewers": [reviewer.login or reviewer.slug for reviewer in found.reviewers],
        "unresolved_threads": unresolved if has_graphql else None,
        "text": found.body_text,
    }
    return subject_item(found, **present(fields))


def _review_item(review: GivenReview, *, of: PullRequestPage, context: ReadContext) -> Item:
    author = review.author.login if review.author else "somebody"
    fields = {
        "kind": "review",
        "author": author,
        "state": word(review.state),
        "submitted_at": local(review.submitted_at, zone=context.time_zone) if review.submitted_at else None,
        "text": review.body_text,
    }
    return Item(
        title=f"Review of #{of.number} by {author}",
        url=review.url,
        fields=present(fields),
        places=(of.repository.name_with_owner,),
    )


def _thread_items(found: PullRequestPage, *, context: ReadContext) -> Iterator[Item]:
    for thread in found.review_threads.nodes:
        if not thread.is_resolved and thread.comments.nodes:
            yield _thread_item(thread, of=found, context=context)


def _thread_item(thread: Thread, *, of: PullRequestPage, context: ReadContext) -> Item:
    first = thread.comments.nodes[0]
    fields = {
        "kind": "unresolved_thread",
        "path": thread.path,
        "author": first.author.login if first.author else None,
        "time": local(first.created_at, zone=context.time_zone),
        "text": first.body_text,
    }
    return Item(
        title=f"Open conversation on {thread.path}, #{of.number}",
        url=first.url,
        fields=present(fields),
        places=(of.repository.name_with_owner,),
    )


GITHUB_PULL_REQUEST = Tool(
    name="github_pull_request",
    provider="github",
    label=gettext_noop("Reading a pull request…"),
    reads=gettext_noop("one pull request on GitHub"),
    description=(
        "One pull request of one of the user's repositories: description, size, state, reviews, unresolved "
        "conversations and failing checks. Use it when the question is about a particular pull request."
    ),
    arguments=PullRequestArguments,
    scope="",
    run=read_pull_request,
    endpoints=(
        *KNOWN_REPOSITORIES,
        github.PULL_REQUEST,
        *github_rest_pull_request.CHECKED,
        github_rest_pull_request.PULL_REVIEWS,
    ),
)
