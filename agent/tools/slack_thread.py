"""The tool that reads one thread of a Slack channel."""

from typing import Annotated, ClassVar

from django.utils.translation import gettext_noop
from pydantic import Field

from agent.api import slack
from agent.tool import Arguments, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.slack_items import (
    LIMITED,
    ChannelKind,
    ChannelName,
    load_channel,
    message_item,
    people_of,
    place_of,
    read_names,
    scope_of,
    spoken,
)


class ThreadArguments(Arguments):
    """The thread to read."""

    optional_scope: ClassVar[str] = scope_of("private")

    channel: ChannelName
    ts: Annotated[
        str, Field(pattern=r"^\d{10}\.\d{6}$", description="The `ts` of a message of the thread that a tool returned.")
    ]
    kind: ChannelKind = "public"
    limit: Annotated[int, Field(ge=1, le=100, description="How many messages at most.")] = 50

    def extra_scope(self) -> str:
        """A private channel needs the scopes of its group."""
        return scope_of(self.kind)

    def places(self) -> tuple[str, ...]:
        """The channel."""
        return (self.channel,)


async def read_thread(arguments: ThreadArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return a thread, its first message first.

    SECURITY: channel and `ts` come from the model. The channel must be one of the user's own list, and Slack finds a
    `ts` in that channel only.

    Raises:
        ToolFailedError: `not_found`, when the user is in no such channel or it has no such message.
    """
    channel = await load_channel(http, name=arguments.channel, kind=arguments.kind)
    thread = await slack.read_replies(http, channel=channel.id, ts=arguments.ts, limit=arguments.limit)
    first = thread.items[0] if thread.items else None
    if first is not None and first.thread_ts and first.thread_ts != first.ts:
        # By the `ts` of a reply Slack answers with that reply, which names the thread it belongs to.
        thread = await slack.read_replies(http, channel=channel.id, ts=first.thread_ts, limit=arguments.limit)
    place = place_of(channel, identity=await slack.read_identity(http))
    said = spoken(thread.items)
    names = await read_names(http, ids=people_of(said), context=context)
    items = tuple(message_item(message, place=place, names=names, zone=context.time_zone) for message in said)
    return ToolResult(items, is_truncated=thread.is_truncated, warnings=(LIMITED,) if thread.is_limited else ())


SLACK_THREAD = Tool(
    name="slack_thread",
    provider="slack",
    label=gettext_noop("Reading a Slack thread…"),
    reads=gettext_noop("a thread in Slack"),
    description=(
        "One thread of a channel that the user is in, first message first: author, time, text, reactions. Use it when "
        "a message has thread replies that matter for the answer, by its `ts`."
    ),
    arguments=ThreadArguments,
    scope="channels:read channels:history users:read",
    run=read_thread,
    endpoints=(slack.USERS_CONVERSATIONS, slack.CONVERSATIONS_REPLIES, slack.AUTH_TEST, slack.USERS_INFO),
)
