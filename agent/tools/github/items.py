"""What the items of all GitHub tools have in common. Pure functions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from agent.api.github import Reply
from agent.api.github_rest_work import COMMITS_EACH, MAX_PULLS_WITH_COMMITS
from agent.api.github_wire import Subject
from agent.tool import Item

HIDDEN_FIELDS = "GitHub hid some fields that this connection may not read; they count as absent."
# What a search leaves out, as `leaving_out.told` names it.
PLACES = "Repositories and owners"
INCOMPLETE = "GitHub gave up on the search half-way, so some results are missing."
# Where a server has no GraphQL, the REST search stands in, which tells less.
LESS_DETAIL = "This GitHub server answers no GraphQL, so checks, review decisions, sizes and excerpts are missing."

# Without GraphQL, a request for each pull request takes its place, and there are only so many of them.
FEW_BRANCHES = (
    f"This GitHub server answers no GraphQL, so of branches only the first {COMMITS_EACH} commits of the "
    f"{MAX_PULLS_WITH_COMMITS} pull requests last touched were read."
)


def gaps_of(reply: Reply[Any]) -> tuple[str, ...]:
    """Return what GitHub left out of an answer, in our own sentences."""
    unread = f"Pull requests that could not be read, so that what they hold is missing: {reply.unread_count}."
    gaps = {HIDDEN_FIELDS: reply.is_partial, INCOMPLETE: reply.is_incomplete, unread: reply.unread_count > 0}
    return tuple(sentence for sentence, is_gap in gaps.items() if is_gap)


def subject_item(subject: Subject, *, url: str = "", **fields: Any) -> Item:
    """Return a pull request or issue as an item; `url` where what happened to it has a page of its own."""
    repository = subject.repository.name_with_owner
    return Item(
        title=title_of(subject.number, title=subject.title),
        url=url or subject.url,
        fields={"repo": repository, "number": subject.number} | fields,
        places=(repository,),
    )


def title_of(number: int, *, title: str) -> str:
    """Return how a pull request or issue is called in a briefing."""
    return f"#{number} {title}"


def word(value: str | None) -> str:
    """Return one of GitHub's enumerated values as the model reads it, `none` where there is none."""
    return value.lower() if value else "none"


def local(at: datetime, *, zone: ZoneInfo) -> str:
    """Return an instant in the user's zone, to the minute."""
    return at.astimezone(zone).isoformat(timespec="minutes")


def present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something: without None, empty texts and empty lists."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], ())}
