"""The tool that lists the Slack conversations that the user is in."""

from collections.abc import Mapping
from typing import ClassVar

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop
from pydantic import Field

from agent.api import slack
from agent.api.slack_wire import Channel, Kind
from agent.tool import Arguments, Completion, Item, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.slack_items import AnyKind, Place, read_names

# What a result holds and a person reads; the answer says when there are more.
MAX_CHANNELS = 100

# Listing needs to see a conversation, not to read it.
_SCOPES = {"public": "", "private": "groups:read", "direct": "im:read mpim:read users:read"}


class ChannelsArguments(Arguments):
    """Which conversations to list."""

    optional_scope: ClassVar[str] = " ".join(_SCOPES.values())

    kind: AnyKind = Field(default="public")

    def extra_scope(self) -> str:
        """Private channels and direct messages need the scopes of their group."""
        return _SCOPES[self.kind]


async def list_conversations(arguments: ChannelsArguments, http: ProviderHTTP, context: ReadContext) -> ToolResult:
    """Return the conversations of one kind that the user is in, by name."""
    channels, has_more = await slack.list_channels(http, kind=arguments.kind)
    shown = channels[:MAX_CHANNELS]
    workspace_url = (await slack.read_identity(http)).url
    names = await read_names(http, ids=[one.user for one in shown if one.user], context=context)
    items = [
        _item(channel, place=Place(_name(channel, names=names), channel.id, workspace_url), kind=arguments.kind)
        for channel in shown
    ]
    return ToolResult(
        tuple(sorted(items, key=lambda item: item.title)), is_truncated=has_more or len(channels) > len(shown)
    )


def _name(channel: Channel, *, names: Mapping[str, str]) -> str:
    if channel.user:
        return f"@{names.get(channel.user) or 'someone'}"
    # Slack's name of a group direct message lists who is in it, and is no channel's name.
    return channel.name if channel.is_mpim else f"#{channel.name}"


def _item(channel: Channel, *, place: Place, kind: Kind) -> Item:
    about = {"topic": channel.topic.value} if channel.topic.value else {}
    fields = {"channel": place.name, "kind": kind} | about
    return Item(title=place.name, url=place.url, fields=fields, places=(place.name, place.channel))


SLACK_CHANNELS = Tool(
    name="slack_channels",
    provider="slack",
    label=gettext_noop("Listing Slack channels…"),
    reads=gettext_noop("the list of your channels in Slack"),
    description=(
        "The Slack channels that the user is in, with their topics; or their private channels or direct messages. Use "
        "it when the user asks which channels there are, or names one inexactly."
    ),
    arguments=ChannelsArguments,
    scope="channels:read",
    run=list_conversations,
    endpoints=(slack.USERS_CONVERSATIONS, slack.AUTH_TEST, slack.USERS_INFO),
    completion=Completion(sign="#", what=_("a channel"), arguments={}),
)
