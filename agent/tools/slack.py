"""The tools that read Slack: who mentioned the user, and what a public channel of theirs said.

They leave out private channels and direct messages even where the token could read them: the user was told so.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field

from agent.api import slack
from agent.api.wire import one_line
from agent.errors import ToolFailedError
from agent.toolkit import Arguments, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.moments import Moment, past_window
from agent.tools.slack_text import mentioned, plain

# People named in one result; a lookup is one request each, and Slack allows about a hundred a minute.
MAX_NAMES = 20
# What a title shows of a message.
MAX_EXCERPT_CHARACTERS = 80

_USER_ID = re.compile(r"[UW][A-Z0-9]{1,32}")
# Messages that people or apps wrote; joins, topic changes and the like are left out.
_SPOKEN = frozenset({"", "bot_message", "file_share", "me_message", "thread_broadcast"})

ChannelName = Annotated[
    str, Field(pattern=r"^#?[a-z0-9_-]{1,80}$", description="Name of a public channel that the user is in.")
]


class MentionsArguments(Arguments):
    """The window to search."""

    since: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default the last working day.")
    # One page of Slack's search.
    limit: Annotated[int, Field(ge=1, le=20, description="How many messages at most.")] = 20


class ChannelArguments(Arguments):
    """The channel and the window to read."""

    channel: ChannelName
    since: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default the last working day.")
    limit: Annotated[int, Field(ge=1, le=100, description="How many messages at most.")] = 50


async def read_mentions(arguments: MentionsArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return messages of public channels that mention the user, newest first."""
    window = past_window(arguments.since, context=context)
    me = (await slack.read_identity(http)).user_id
    # `after:` leaves out its own day, which Slack counts in its own idea of the user's zone: one day more is asked for.
    day = (window.start - timedelta(days=2)).date()
    found = (await slack.search_messages(http, query=f"<@{me}> after:{day}")).messages
    recent = [match for match in found.matches if window.holds(_time(match.ts)) and match.user != me]
    public = [match for match in recent if match.channel.is_public]
    shown = public[: arguments.limit]
    names = await _read_names(http, ids=_people(shown), context=context)
    items = tuple(
        _item(match, channel=match.channel.name, url=match.permalink, names=names, zone=context.time_zone)
        for match in shown
    )
    left_out = len(recent) - len(public)
    warnings = (*window.warnings, *([_left_out(left_out)] if left_out else []))
    is_cut = found.total > len(found.matches) and window.holds(_time(found.matches[-1].ts))
    return ToolResult(items=items, is_truncated=is_cut or len(public) > len(shown), warnings=warnings)


async def read_channel_messages(arguments: ChannelArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return what was said in a public channel in the window, oldest first.

    Raises:
        ToolFailedError: `not_found`, when the user is in no public channel of that name.
    """
    window = past_window(arguments.since, context=context)
    channel = await slack.find_channel(http, name=arguments.channel.removeprefix("#"))
    if channel is None:
        raise ToolFailedError("not_found", "The user is in no public Slack channel of that name.")
    workspace_url = (await slack.read_identity(http)).url.rstrip("/")
    oldest = window.start.timestamp()
    history = await slack.read_history(http, channel=channel.id, oldest=oldest, limit=arguments.limit)
    spoken = [message for message in reversed(history.messages) if message.subtype in _SPOKEN]
    names = await _read_names(http, ids=_people(spoken), context=context)
    items = tuple(
        _item(
            message,
            channel=channel.name,
            # Source: https://docs.slack.dev/reference/methods/chat.getPermalink; built here to save a request each.
            url=f"{workspace_url}/archives/{channel.id}/p{message.ts.replace('.', '')}",
            names=names,
            zone=context.time_zone,
            replies=message.reply_count,
            reactions=sum(reaction.count for reaction in message.reactions),
        )
        for message in spoken
    )
    return ToolResult(items=items, is_truncated=history.has_more, warnings=window.warnings)


def _people(messages: Iterable[slack.Found | slack.Message]) -> list[str]:
    """Return the ids of who wrote the messages and who is mentioned in them, each once, authors first."""
    listed = list(messages)
    authors = [message.user for message in listed if message.user]
    others = [user for message in listed for user in mentioned(message.text)]
    return [user for user in dict.fromkeys(authors + others) if _USER_ID.fullmatch(user)]


async def _read_names(http: ProviderHTTP, *, ids: list[str], context: ReadContext) -> Mapping[str, str]:
    """Return names by user id, for the first `MAX_NAMES`; who cannot be looked up stays without one."""
    asked = ids[:MAX_NAMES]
    done = 0

    async def read_one(user: str) -> str:
        nonlocal done
        try:
            return await slack.read_user_name(http, user=user)
        except ToolFailedError:
            # The messages are read already; a missing name is no reason to lose them.
            return ""
        finally:
            done += 1
            context.report_progress(done, len(asked))

    names = await asyncio.gather(*(read_one(user) for user in asked))
    return dict(zip(asked, names, strict=True))


def _item(
    message: slack.Found | slack.Message,
    *,
    channel: str,
    url: str,
    names: Mapping[str, str],
    zone: ZoneInfo,
    replies: int = 0,
    reactions: int = 0,
) -> Item:
    author = names.get(message.user or "") or message.username or "someone"
    text = plain(message.text, names=names)
    fields = {
        "channel": f"#{channel}",
        "author": author,
        "time": _time(message.ts).astimezone(zone).isoformat(timespec="minutes"),
        "text": text,
    }
    counts = {"thread_replies": replies, "reactions": reactions}
    excerpt = one_line(text, max_characters=MAX_EXCERPT_CHARACTERS)
    return Item(
        title=one_line(f"{author} in #{channel}: {excerpt}"),
        url=url,
        fields=fields | {name: count for name, count in counts.items() if count},
    )


def _time(ts: str) -> datetime:
    return datetime.fromtimestamp(float(ts), tz=UTC)


def _left_out(count: int) -> str:
    what = "1 mention is" if count == 1 else f"{count} mentions are"
    return f"{what} in private channels or direct messages, which DevContext leaves out."


SLACK_MENTIONS = Tool(
    name="slack_mentions",
    provider="slack",
    label="Searching Slack mentions…",
    description=(
        "Messages in public channels that mention the user, newest first: channel, author, time, text. Use it for "
        "'what did I miss', 'who needs me' and for standups."
    ),
    arguments=MentionsArguments,
    scope="search:read users:read",
    run=read_mentions,
)
SLACK_CHANNEL_MESSAGES = Tool(
    name="slack_channel_messages",
    provider="slack",
    label="Reading a Slack channel…",
    description=(
        "What was said in one public channel that the user is in, oldest first: author, time, text, thread replies, "
        "reactions. Use it when the user names a channel, or for decisions behind a mention."
    ),
    arguments=ChannelArguments,
    scope="channels:read channels:history users:read",
    run=read_channel_messages,
)
