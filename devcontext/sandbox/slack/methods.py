"""The methods that read people and conversations, each as a function from a call to what the answer holds."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from devcontext.sandbox.accounts import person_of
from devcontext.sandbox.links import slack_ts
from devcontext.sandbox.slack.call import Call, SlackError
from devcontext.sandbox.slack.oauth import TEAM
from devcontext.sandbox.slack.search import search_messages
from devcontext.sandbox.slack.shapes import channel_body, message_body, user_body
from devcontext.sandbox.types import Message

# Slack's own defaults: https://docs.slack.dev/reference/methods/conversations.history, …/conversations.replies,
# …/users.conversations
_DEFAULT_MESSAGES = 100
_DEFAULT_REPLIES = 1000
_DEFAULT_CHANNELS = 100
_TIMESTAMP = re.compile(r"\d{1,11}(\.\d{1,6})?")


def test_auth(call: Call) -> Mapping[str, Any]:
    """Source: https://docs.slack.dev/reference/methods/auth.test."""
    me = person_of(call.snapshot.me, account=call.account)
    return {
        "url": f"{call.links.slack}/",
        "team": TEAM["name"],
        "user": me.login,
        "team_id": TEAM["id"],
        "user_id": me.slack_id,
        "is_enterprise_install": False,
    }


def list_conversations(call: Call) -> Mapping[str, Any]:
    """Source: https://docs.slack.dev/reference/methods/users.conversations."""
    kinds = call.require_kinds()
    found = [channel for channel in call.snapshot.channels if channel.kind in kinds]
    page, cursor = call.page(found, default=_DEFAULT_CHANNELS)
    return {
        "channels": [channel_body(channel, snapshot=call.snapshot) for channel in page],
        "response_metadata": {"next_cursor": cursor},
    }


def load_conversation(call: Call) -> Mapping[str, Any]:
    """Source: https://docs.slack.dev/reference/methods/conversations.info."""
    channel = call.load_channel(right="read")
    body = channel_body(channel, snapshot=call.snapshot) | {"last_read": slack_ts(channel.last_read_at)}
    if channel.kind != "im":
        body["is_member"] = True
    if call.is_set("include_num_members"):
        body["num_members"] = len(channel.members)
    return {"channel": body}


def list_history(call: Call) -> Mapping[str, Any]:
    """Newest first; replies show only in their thread.

    Source: https://docs.slack.dev/reference/methods/conversations.history
    """
    channel = call.load_channel(right="history")
    messages = [one for one in call.snapshot.messages if one.channel_id == channel.id and not _is_reply(one)]
    messages = sorted(_within(messages, call), key=lambda one: one.at, reverse=True)
    page, cursor = call.page(messages, default=_DEFAULT_MESSAGES)
    more = {"response_metadata": {"next_cursor": cursor}} if cursor else {}
    return {
        "messages": [message_body(one, snapshot=call.snapshot, links=call.links) for one in page],
        "has_more": bool(cursor),
        "pin_count": 0,
        **more,
    }


def list_replies(call: Call) -> Mapping[str, Any]:
    """The first message, then the replies, oldest first; by the `ts` of a reply that reply alone (NOT VERIFIED).

    Source: https://docs.slack.dev/reference/methods/conversations.replies
    """
    channel = call.load_channel(right="history")
    ts = _timestamp(call, "ts", error="thread_not_found") or ""
    thread = [
        one
        for one in call.snapshot.messages
        if one.channel_id == channel.id and slack_ts(one.thread_at or one.at) == ts
    ] or [one for one in call.snapshot.messages if one.channel_id == channel.id and slack_ts(one.at) == ts]
    if not thread:
        raise SlackError("thread_not_found")
    root, *replies = sorted(thread, key=lambda one: one.at)
    page, cursor = call.page([root, *_within(replies, call)], default=_DEFAULT_REPLIES)
    more = {"response_metadata": {"next_cursor": cursor}} if cursor else {}
    return {
        "messages": [message_body(one, snapshot=call.snapshot, links=call.links) for one in page],
        "has_more": bool(cursor),
        **more,
    }


def load_user(call: Call) -> Mapping[str, Any]:
    """Source: https://docs.slack.dev/reference/methods/users.info."""
    call.require_scope("users:read")
    for person in call.snapshot.people:
        if person.slack_id and person.slack_id == call.values.get("user"):
            return {"user": user_body(person, call=call)}
    raise SlackError("user_not_found")


def _is_reply(message: Message) -> bool:
    is_broadcast = message.subtype == "thread_broadcast"
    return message.thread_at is not None and message.thread_at != message.at and not is_broadcast


def _within(messages: list[Message], call: Call) -> list[Message]:
    """Keep what lies between `oldest` and `latest`; the bounds themselves only with `inclusive`."""
    oldest = float(_timestamp(call, "oldest", error="invalid_ts_oldest") or 0)
    latest_text = _timestamp(call, "latest", error="invalid_ts_latest")
    latest = float(latest_text) if latest_text else float("inf")
    if call.is_set("inclusive"):
        return [one for one in messages if oldest <= float(slack_ts(one.at)) <= latest]
    return [one for one in messages if oldest < float(slack_ts(one.at)) < latest]


def _timestamp(call: Call, name: str, *, error: str) -> str | None:
    value = call.values.get(name)
    if value and not _TIMESTAMP.fullmatch(value):
        raise SlackError(error)
    return value or None


METHODS: Mapping[str, Callable[[Call], Mapping[str, Any]]] = {
    "auth.test": test_auth,
    "users.conversations": list_conversations,
    "conversations.info": load_conversation,
    "conversations.history": list_history,
    "conversations.replies": list_replies,
    "users.info": load_user,
    "search.messages": search_messages,
}
