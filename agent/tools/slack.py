"""The tools that read Slack: who mentioned the user, and what a channel of theirs said.

They leave out private channels and direct messages even where the token could read them: the user was told so. A
private channel is read only when it is asked for as one, with the scopes of that group.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated, ClassVar

from django.utils.translation import gettext_noop
from pydantic import Field

from agent.api import slack
from agent.api.leaving_out import slack_modifiers, told
from agent.errors import ToolFailedError
from agent.tool import Arguments, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.moments import MAX_DAYS, Moment, Window, past_window
from agent.tools.slack_answered import find_answers, with_answer
from agent.tools.slack_items import (
    LIMITED,
    ChannelKind,
    ChannelName,
    found_item,
    load_channel,
    message_item,
    people_of,
    place_of,
    read_names,
    scope_of,
    spoken,
    time_of,
)
from agent.tools.slack_scan import scan_mentions


class MentionsArguments(Arguments):
    """The window to search."""

    since: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default the last working day.")
    limit: Annotated[int, Field(ge=1, le=50, description="How many messages at most.")] = 20


class ChannelArguments(Arguments):
    """The channel and the window to read."""

    optional_scope: ClassVar[str] = scope_of("private")

    channel: ChannelName
    since: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default the last working day.")
    unread: Annotated[bool, Field(description="Only what the user has not read in Slack yet.")] = False
    kind: ChannelKind = "public"
    limit: Annotated[int, Field(ge=1, le=100, description="How many messages at most.")] = 50

    def extra_scope(self) -> str:
        """A private channel needs the scopes of its group."""
        return scope_of(self.kind)

    def places(self) -> tuple[str, ...]:
        """The channel."""
        return (self.channel,)


async def read_mentions(arguments: MentionsArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return messages of public channels that mention the user, newest first."""
    window = past_window(arguments.since, context=context)
    identity = await slack.read_identity(http)
    try:
        return await _search_mentions(arguments, http, context, me=identity.user_id, window=window)
    except ToolFailedError as error:
        if error.code != "missing_scope":
            raise
    return await scan_mentions(http, identity=identity, window=window, limit=arguments.limit, context=context)


async def _search_mentions(
    arguments: MentionsArguments, http: ProviderHTTP, context: ReadContext, *, me: str, window: Window
) -> ToolResult:
    # `after:` leaves out its own day, which Slack counts in its own idea of the user's zone: one day more is asked for.
    day = (window.start - timedelta(days=2)).date()
    places = slack_modifiers(context.exclusions)
    query = f"<@{me}> after:{day}{places}"
    found = await slack.search_messages(http, query=query, oldest=window.start.timestamp())
    recent = [match for match in found.items if window.holds(time_of(match.ts)) and match.user != me]
    public = [match for match in recent if match.channel.kind == "public"]
    shown = public[: arguments.limit]
    names = await read_names(http, ids=people_of(shown), context=context)
    answers = await find_answers(http, mentions=shown, me=me, places=places)
    items = tuple(
        with_answer(found_item(match, names=names, zone=context.time_zone), answers=answers) for match in shown
    )
    left_out = len(recent) - len(public)
    warnings = (*window.warnings, *told("Channels", asked=places), *([_left_out(left_out)] if left_out else []))
    return ToolResult(items, is_truncated=found.is_truncated or len(public) > len(shown), warnings=warnings)


async def read_channel_messages(arguments: ChannelArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return what was said in a channel in the window, oldest first.

    Raises:
        ToolFailedError: `not_found`, when the user is in no channel of that name and kind.
    """
    channel = await load_channel(http, name=arguments.channel, kind=arguments.kind)
    window = past_window(arguments.since, context=context)
    if arguments.unread:
        window = await _unread_window(arguments, http, context, channel=channel.id)
    place = place_of(channel, identity=await slack.read_identity(http))
    history = await slack.read_history(http, channel=channel.id, oldest=window.start.timestamp(), limit=arguments.limit)
    said = spoken(reversed(history.items))
    names = await read_names(http, ids=people_of(said), context=context)
    items = tuple(message_item(message, place=place, names=names, zone=context.time_zone) for message in said)
    warnings = (*window.warnings, *([LIMITED] if history.is_limited else []))
    return ToolResult(items, is_truncated=history.is_truncated, warnings=warnings)


async def _unread_window(
    arguments: ChannelArguments, http: ProviderHTTP, context: ReadContext, *, channel: str
) -> Window:
    """Return the window from what the user read last, or from `since` where that is later."""
    last_read = await slack.read_last_read(http, channel=channel)
    if last_read is None:
        warning = "Slack does not tell what of this channel is unread, so it was read by time."
        window = past_window(arguments.since, context=context)
        return Window(window.start, window.end, (*window.warnings, warning))
    earliest = context.now - timedelta(days=MAX_DAYS)
    read_at = datetime.fromtimestamp(last_read, tz=UTC)
    cut = (f"Only the last {MAX_DAYS} days were read.",) if read_at < earliest else ()
    start = max(read_at, earliest)
    if arguments.since:
        start = max(start, past_window(arguments.since, context=context).start)
    return Window(start, context.now, cut)


def _left_out(count: int) -> str:
    what = "1 mention is" if count == 1 else f"{count} mentions are"
    return f"{what} in private channels or direct messages, which DevContext leaves out."


SLACK_MENTIONS = Tool(
    name="slack_mentions",
    provider="slack",
    label=gettext_noop("Searching Slack mentions…"),
    reads=gettext_noop("your mentions in Slack"),
    description=(
        "Messages in public channels that mention the user, newest first: channel, author, time, text, and whether the "
        "user answered, where that is known. Use it for 'what did I miss', 'who needs me' and for standups."
    ),
    arguments=MentionsArguments,
    scope="search:read users:read",
    fallback_scope="channels:read channels:history users:read",
    run=read_mentions,
    endpoints=(
        slack.AUTH_TEST,
        slack.SEARCH_MESSAGES,
        slack.USERS_CONVERSATIONS,
        slack.CONVERSATIONS_HISTORY,
        slack.USERS_INFO,
    ),
)
SLACK_CHANNEL_MESSAGES = Tool(
    name="slack_channel_messages",
    provider="slack",
    label=gettext_noop("Reading a Slack channel…"),
    reads=gettext_noop("a channel in Slack"),
    description=(
        "What was said in one channel that the user is in, oldest first: author, time, text, thread replies, "
        "reactions; with `unread` only what they have not read. Use it when the user names a channel, or for "
        "decisions behind a mention."
    ),
    arguments=ChannelArguments,
    scope="channels:read channels:history users:read",
    run=read_channel_messages,
    endpoints=(
        slack.USERS_CONVERSATIONS,
        slack.CONVERSATIONS_INFO,
        slack.AUTH_TEST,
        slack.CONVERSATIONS_HISTORY,
        slack.USERS_INFO,
    ),
)
