"""The tool that reads the user's direct messages; without their own scopes it is refused before any token is given."""

from collections.abc import Mapping
from typing import Annotated

from django.utils.translation import gettext_noop
from pydantic import Field

from agent.api import slack
from agent.api.slack_wire import Channel
from agent.tool import Arguments, ProviderHTTP, ReadContext, Tool, ToolResult
from agent.tools.moments import Moment, past_window
from agent.tools.slack_items import Place, message_item, people_of, read_names, scope_of
from agent.tools.slack_scan import newest, scan


class DirectMessagesArguments(Arguments):
    """The window to read."""

    since: Moment | None = Field(default=None, description="ISO 8601 date or datetime; default the last working day.")
    limit: Annotated[int, Field(ge=1, le=100, description="How many messages at most.")] = 50


async def read_direct_messages(
    arguments: DirectMessagesArguments, http: ProviderHTTP, context: ReadContext
) -> ToolResult:
    """Return the direct messages of the window, newest first, with whom they were exchanged."""
    window = past_window(arguments.since, context=context)
    channels, has_more = await slack.list_channels(http, kind="direct")
    chosen = newest(channels)
    scanned = await scan(http, channels=chosen, window=window, context=context)
    shown = scanned.found[: arguments.limit]
    others = [channel.user for channel, _ in shown if channel.user]
    ids = dict.fromkeys([*others, *people_of(message for _, message in shown)])
    names = await read_names(http, ids=ids, context=context)
    workspace_url = (await slack.read_identity(http)).url
    items = tuple(
        message_item(
            message,
            place=Place(_name(channel, names=names), channel.id, workspace_url),
            names=names,
            zone=context.time_zone,
        )
        for channel, message in shown
    )
    left_out = len(channels) - len(chosen) + scanned.failed
    warnings = (f"Direct messages with {left_out} others were not read.",) if left_out else ()
    is_truncated = has_more or bool(left_out) or scanned.is_truncated or len(scanned.found) > len(shown)
    return ToolResult(items, is_truncated=is_truncated, warnings=(*window.warnings, *warnings, *scanned.warnings))


def _name(channel: Channel, *, names: Mapping[str, str]) -> str:
    if channel.user:
        return f"direct message with {names.get(channel.user) or 'someone'}"
    return "group direct message"


SLACK_DIRECT_MESSAGES = Tool(
    name="slack_direct_messages",
    provider="slack",
    label=gettext_noop("Reading Slack direct messages…"),
    reads=gettext_noop("your direct messages in Slack"),
    description=(
        "The user's direct messages, newest first: with whom, author, time, text. Needs a permission of its own. Use "
        "it only when the user asks for direct messages."
    ),
    arguments=DirectMessagesArguments,
    scope=f"{scope_of('direct')} users:read",
    run=read_direct_messages,
    endpoints=(slack.USERS_CONVERSATIONS, slack.CONVERSATIONS_HISTORY, slack.USERS_INFO, slack.AUTH_TEST),
)
