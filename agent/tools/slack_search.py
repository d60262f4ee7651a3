"""The tool that searches Slack for words; what the words are is the model's, what Slack's search may do is not."""

import re
import unicodedata
from datetime import timedelta
from typing import Annotated, ClassVar

from django.utils.translation import gettext_noop
from pydantic import Field

from agent.api import slack
from agent.api.leaving_out import slack_modifiers, told
from agent.errors import ToolFailedError
from agent.tool import Arguments, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.moments import MAX_DAYS, Moment, past_window
from agent.tools.slack_items import AnyKind, found_item, people_of, read_names, scope_of, time_of

# A few words; a query is no place for a message's worth of text.
MAX_QUERY_CHARACTERS = 80

# `from:`, `in:`, `has:` and the like all need their colon; `<@U…>`, `*` and a leading minus are operators as well.
# Source: https://slack.com/help/articles/202528808-Search-in-Slack
_OPERATORS = re.compile(r"[:<>*|\\]|(?<!\S)-+")


class SearchArguments(Arguments):
    """What to search, and where."""

    optional_scope: ClassVar[str] = f"{scope_of('private')} {scope_of('direct')}"

    query: Annotated[
        str, Field(min_length=1, max_length=MAX_QUERY_CHARACTERS, description="Words to find; no search operators.")
    ]
    since: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default a month ago.")
    kind: AnyKind = "public"
    limit: Annotated[int, Field(ge=1, le=50, description="How many messages at most.")] = 20

    def extra_scope(self) -> str:
        """Private channels and direct messages need the scopes of their group."""
        return scope_of(self.kind)


def plain_words(query: str) -> str:
    """Return the words of `query` without anything that Slack's search takes for an operator; "" if none is left.

    Quotes stay only in pairs, around a phrase.
    """
    # Compatibility forms first: a full-width colon must not come back as a plain one at Slack.
    # One character may stand for eighteen in them, so they are cut anew.
    normal = unicodedata.normalize("NFKC", query)[:MAX_QUERY_CHARACTERS]
    words = " ".join(_OPERATORS.sub(" ", normal).split())
    words = words if words.count('"') % 2 == 0 else words.replace('"', " ")
    # A word that began with a minus behind another operator is bare now.
    words = " ".join(_OPERATORS.sub(" ", words).split())
    return words if any(character.isalnum() for character in words) else ""


async def search(arguments: SearchArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return messages with these words in conversations of one kind, newest first.

    Raises:
        ToolFailedError: `bad_arguments`, when no word is left of the query.
    """
    words = plain_words(arguments.query)
    if not words:
        raise ToolFailedError("bad_arguments", "The query holds no words to search for.")
    month_ago = (context.now - timedelta(days=MAX_DAYS - 1)).date().isoformat()
    window = past_window(arguments.since or month_ago, context=context)
    # One day more than is shown; see `slack_mentions`.
    day = (window.start - timedelta(days=2)).date()
    places = slack_modifiers(context.exclusions)
    found = await slack.search_messages(http, query=f"{words} after:{day}{places}", oldest=window.start.timestamp())
    recent = [match for match in found.items if window.holds(time_of(match.ts))]
    # SECURITY: Slack searches all that its user may see; only the kind that was asked for, and granted, goes on.
    wanted = [match for match in recent if match.channel.kind == arguments.kind]
    shown = wanted[: arguments.limit]
    names = await read_names(http, ids=people_of(shown), context=context)
    items = tuple(found_item(match, names=names, zone=context.time_zone) for match in shown)
    left_out = len(recent) - len(wanted)
    elsewhere = (
        [f"Messages found elsewhere than in {_NAMES[arguments.kind]} were left out: {left_out}."] if left_out else []
    )
    is_truncated = found.is_truncated or len(wanted) > len(shown)
    return ToolResult(
        items, is_truncated=is_truncated, warnings=(*window.warnings, *told("Channels", asked=places), *elsewhere)
    )


_NAMES = {"public": "public channels", "private": "private channels", "direct": "direct messages"}

SLACK_SEARCH = Tool(
    name="slack_search",
    provider="slack",
    label=gettext_noop("Searching Slack…"),
    reads=gettext_noop("what a search finds in Slack"),
    description=(
        "Messages that hold the given words, newest first: channel, author, time, text. Searches public channels "
        "unless told otherwise. Use it when the user asks what was said about a topic, not for mentions."
    ),
    arguments=SearchArguments,
    scope="search:read users:read",
    run=search,
    endpoints=(slack.SEARCH_MESSAGES, slack.USERS_INFO),
)
