"""Reads several conversations of one kind at once; mentions are found so where the user did not grant search."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from agent.api import slack
from agent.api.slack_wire import Channel, Identity, Message
from agent.errors import ToolFailedError
from agent.tool import ProviderHTTP, ReadContext, ToolResult
from agent.tools.moments import Window
from agent.tools.slack_items import MAX_CONVERSATIONS, message_item, people_of, place_of, read_names, spoken
from agent.tools.slack_text import mentioned

# Requests at once: Slack asks apps to be gentle, and a run reads other services meanwhile.
_AT_ONCE = 4
# Of one conversation; one page.
_MESSAGES_EACH = 100
_LIMITED = (
    "Slack is rate limiting this app, so not every conversation was read to its end; more can be read in a minute."
)


@dataclass(frozen=True, slots=True)
class Scanned:
    """What was said in each conversation that could be read; `failed` counts those that could not.

    `is_limited` says that Slack's rate limit left some unread, or read in part.
    """

    found: tuple[tuple[Channel, Message], ...]
    is_truncated: bool
    failed: int
    is_limited: bool

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the rate limit cost, in our own sentence."""
        return (_LIMITED,) if self.is_limited else ()


def newest(channels: Sequence[Channel]) -> list[Channel]:
    """Return the conversations to read, those first that Slack says changed last.

    `updated` is Slack's word for the conversation itself; that a new message moves it on is NOT VERIFIED.
    """
    return sorted(channels, key=lambda channel: -channel.updated)[:MAX_CONVERSATIONS]


async def scan(http: ProviderHTTP, *, channels: Sequence[Channel], window: Window, context: ReadContext) -> Scanned:
    """Return what was said in `channels` in the window, newest first, with the conversation of each message.

    Raises:
        ToolFailedError: None of them could be read; the first reason.
    """
    turns, done = asyncio.Semaphore(_AT_ONCE), 0

    async def read_one(channel: Channel) -> slack.Messages | ToolFailedError:
        nonlocal done
        async with turns:
            try:
                oldest = window.start.timestamp()
                return await slack.read_history(http, channel=channel.id, oldest=oldest, limit=_MESSAGES_EACH)
            except ToolFailedError as error:
                # The other conversations may still tell something.
                return error
            finally:
                done += 1
                context.report_progress(done, len(channels))

    answers = await asyncio.gather(*(read_one(channel) for channel in channels))
    errors = [answer for answer in answers if isinstance(answer, ToolFailedError)]
    if errors and len(errors) == len(channels):
        raise errors[0]
    read = [(one, many) for one, many in zip(channels, answers, strict=True) if isinstance(many, slack.Messages)]
    found = [(channel, message) for channel, messages in read for message in spoken(messages.items)]
    found.sort(key=lambda one: one[1].ts, reverse=True)
    is_limited = any(error.code == "rate_limited" for error in errors) or any(many.is_limited for _, many in read)
    return Scanned(tuple(found), any(many.is_truncated for _, many in read), len(errors), is_limited)


def _is_excluded(channel: Channel, *, context: ReadContext) -> bool:
    return context.exclusions.refuses(channel.name) or context.exclusions.refuses(channel.id)


async def scan_mentions(
    http: ProviderHTTP, *, identity: Identity, window: Window, limit: int, context: ReadContext
) -> ToolResult:
    """Return messages of the newest public channels that mention the user, newest first, and what that leaves out.

    Raises:
        ToolFailedError: The channels cannot be listed, or none of them can be read.
    """
    listed, has_more = await slack.list_channels(http, kind="public")
    channels = [one for one in listed if not _is_excluded(one, context=context)]
    chosen = newest(channels)
    scanned = await scan(http, channels=chosen, window=window, context=context)
    me = identity.user_id
    found = [one for one in scanned.found if me in mentioned(one[1].text) and one[1].user != me]
    shown = found[:limit]
    names = await read_names(http, ids=people_of(message for _, message in shown), context=context)
    items = tuple(
        message_item(message, place=place_of(channel, identity=identity), names=names, zone=context.time_zone)
        for channel, message in shown
    )
    of_all = f"{len(chosen) - scanned.failed} of {'more than ' if has_more else ''}{len(channels)} public channels"
    warning = f"Searching Slack was not granted, so {of_all} were looked through, without replies in threads."
    is_truncated = has_more or len(channels) > len(chosen) or scanned.is_truncated or bool(scanned.failed)
    left_out = len(listed) - len(channels)
    told = [f"Channels left out by your exclusions: {left_out}."] if left_out else []
    warnings = (*window.warnings, warning, *told, *scanned.warnings)
    return ToolResult(items, is_truncated=is_truncated or len(found) > limit, warnings=warnings)
