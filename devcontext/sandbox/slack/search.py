"""Slack's `search.messages`: words, `<@U…>` mentions and the modifiers in:, -in:, from:, after:, before: and on:.

Source: https://docs.slack.dev/reference/methods/search.messages and Slack's help page "Search in Slack"
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from devcontext.sandbox.links import slack_ts
from devcontext.sandbox.slack.call import Call, SlackError, cursor_at, offset_of
from devcontext.sandbox.slack.oauth import TEAM
from devcontext.sandbox.slack.shapes import message_text
from devcontext.sandbox.types import Channel, Message

# 20 unless told otherwise, at most 100: https://docs.slack.dev/reference/methods/search.messages
_DEFAULT_COUNT = 20
_MAX_COUNT = 100
# The cursor of the first page; `response_metadata` names the next ones.
# Source: https://docs.slack.dev/tools/node-slack-sdk/reference/web-api, SearchMessagesArguments
_FIRST = "*"
_DATES: Mapping[str, Callable[[date, date], bool]] = {
    # Slack leaves the named day itself out of after: and before:.
    "after": lambda day, named: day > named,
    "before": lambda day, named: day < named,
    "on": lambda day, named: day == named,
}
_PARTS = re.compile(r'"[^"]*"|\S+')


def search_messages(call: Call) -> Mapping[str, Any]:
    """Return what matches all parts of the query, newest first; replies count like any message."""
    call.require_scope("search:read")
    query = call.values.get("query", "").strip()
    if not query:
        raise SlackError("no_query")
    tests = [_test(part, call) for part in _PARTS.findall(query)]
    channels = {channel.id: channel for channel in call.snapshot.channels}
    found = [one for one in call.snapshot.messages if all(test(one, channels[one.channel_id]) for test in tests)]
    found.sort(key=lambda one: one.at, reverse=call.values.get("sort_dir", "desc") != "asc")
    if cursor := call.values.get("cursor"):
        return {"query": query, **_page_at_cursor(found, channels, call, cursor="" if cursor == _FIRST else cursor)}
    return {"query": query, "messages": _page(found, channels, call, number=_number(call, "page", default=1))}


def _test(part: str, call: Call) -> Callable[[Message, Channel], bool]:
    name, colon, value = part.partition(":")
    if colon and name in _DATES:
        return _date_test(_DATES[name], value, call)
    if colon and name in ("in", "-in"):
        wanted = value.lstrip("#").lower()
        return lambda _, channel: _is_called(channel, wanted) == (name == "in")
    if colon and name == "from":
        wanted = call.snapshot.me.login if value == "me" else value.removeprefix("@")
        return lambda message, _: wanted in (message.author.login, f"<@{message.author.slack_id}>")
    words = part.strip('"').lower()
    return lambda message, _: words in message_text(message, snapshot=call.snapshot, links=call.links).lower()


def _is_called(channel: Channel, wanted: str) -> bool:
    return wanted in (channel.name.lower(), channel.id.lower(), f"<#{channel.id.lower()}>")


def _date_test(is_meant: Callable[[date, date], bool], value: str, call: Call) -> Callable[[Message, Channel], bool]:
    try:
        named = date.fromisoformat(value)
    except ValueError:
        # Slack finds nothing for a day it cannot read, and says nothing.
        return lambda *_: False
    return lambda message, _: is_meant(message.at.astimezone(call.zone).date(), named)


def _page_at_cursor(
    found: list[Message], channels: Mapping[str, Channel], call: Call, *, cursor: str
) -> dict[str, Any]:
    """Return the page that a cursor names, and in `response_metadata` the cursor of the next one."""
    number = offset_of(cursor) + 1
    messages = _page(found, channels, call, number=number)
    following = cursor_at(number) if number < messages["paging"]["pages"] else ""
    return {"messages": messages, "response_metadata": {"next_cursor": following}}


def _page(found: list[Message], channels: Mapping[str, Channel], call: Call, *, number: int) -> dict[str, Any]:
    count = min(_number(call, "count", default=_DEFAULT_COUNT), _MAX_COUNT)
    page = number
    first = (page - 1) * count
    shown = found[first : first + count]
    pages = max(1, -(-len(found) // count))
    return {
        "total": len(found),
        "pagination": {
            "total_count": len(found),
            "page": page,
            "per_page": count,
            "page_count": pages,
            "first": first + 1,
            "last": first + len(shown),
        },
        "paging": {"count": count, "total": len(found), "page": page, "pages": pages},
        "matches": [_match(one, channels[one.channel_id], call) for one in shown],
    }


def _match(message: Message, channel: Channel, call: Call) -> dict[str, Any]:
    ts = slack_ts(message.at)
    return {
        "iid": f"{channel.id}-{ts}",
        "team": TEAM["id"],
        "channel": {
            "id": channel.id,
            "name": channel.name or message.author.slack_id,
            "is_private": channel.kind != "public_channel",
            "is_mpim": channel.kind == "mpim",
            "is_shared": False,
            "is_org_shared": False,
            "is_ext_shared": False,
        },
        "type": "message",
        "user": message.author.slack_id,
        "username": message.author.login,
        "ts": ts,
        "text": message_text(message, snapshot=call.snapshot, links=call.links),
        "permalink": _permalink(message, channel, call),
    }


def _permalink(message: Message, channel: Channel, call: Call) -> str:
    """Return the address of a message; that of a reply names its thread.

    Source: https://docs.slack.dev/reference/methods/chat.getPermalink
    """
    link = call.links.message(message)
    if message.thread_at is None or message.thread_at == message.at:
        return link
    return f"{link}?thread_ts={slack_ts(message.thread_at)}&cid={channel.id}"


def _number(call: Call, name: str, *, default: int) -> int:
    value = call.values.get(name, "")
    return int(value) if value.isdecimal() and int(value) > 0 else default
