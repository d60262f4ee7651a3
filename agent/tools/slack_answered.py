"""Tells which mentions the user answered, by one search of their own messages; where it ends, it says nothing."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from agent.api import slack
from agent.api.slack_wire import Found
from agent.errors import ToolFailedError
from agent.tool import Item, ProviderHTTP
from agent.tools.slack_items import time_of
from agent.tools.slack_text import mentioned


async def find_answers(http: ProviderHTTP, *, mentions: Sequence[Found], me: str, places: str) -> dict[str, bool]:
    """Return, by `ts`, whether the user has answered a mention; one of which that cannot be told is left out.

    `places` are the modifiers that the search for the mentions had as well: what it left out has no answers to find.

    An answer is a later message of the user in the same thread, or one in the same channel that names who asked. Words
    spoken past each other, an emoji and a call are none: Slack's search does not show them.
    Source: https://slack.com/help/articles/202528808-Search-in-Slack, `from:me`
    """
    if not mentions:
        return {}
    oldest = min(float(mention.ts) for mention in mentions)
    # One day more than is looked at; see `slack_mentions`.
    day = (time_of(min(mention.ts for mention in mentions)) - timedelta(days=2)).date()
    try:
        found = await slack.search_messages(http, query=f"from:me after:{day}{places}", oldest=oldest)
    except ToolFailedError as error:
        # The mentions are read already; searches have a limit of their own.
        if error.code != "rate_limited":
            raise
        return {}
    own = [message for message in found.items if message.user == me]
    answered = {mention.ts: any(_answers(message, mention=mention) for message in own) for mention in mentions}
    return {ts: is_answered for ts, is_answered in answered.items() if is_answered or not found.is_truncated}


def with_answer(item: Item, *, answers: dict[str, bool]) -> Item:
    """Return the item of a mention with `answered`, where that is known."""
    answered = answers.get(str(item.fields["ts"]))
    return item if answered is None else replace(item, fields={**item.fields, "answered": answered})


def _answers(message: Found, *, mention: Found) -> bool:
    is_later = message.channel.id == mention.channel.id and float(message.ts) > float(mention.ts)
    names_author = bool(mention.user) and mention.user in mentioned(message.text)
    return is_later and (names_author or _thread_of(message) == _thread_of(mention))


def _thread_of(message: Found) -> str:
    """Return the `ts` of the thread's first message, which is the message itself outside of threads.

    A reply's permalink names its thread; that the permalinks of a search do so as well is NOT VERIFIED.
    Source: https://docs.slack.dev/reference/methods/chat.getPermalink
    """
    named = parse_qs(urlsplit(message.permalink).query).get("thread_ts")
    return named[0] if named else message.ts
