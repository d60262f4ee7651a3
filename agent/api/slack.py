"""Slack's Web API: the seven read methods that we use, as form-encoded POSTs.

Which conversations are asked for is the caller's word; each kind needs scopes of its own.
Source: https://docs.slack.dev/apis/web-api
"""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

from pydantic import BaseModel

from agent.api.answers import Answer
from agent.api.slack_wire import (
    Channel,
    ChannelsPage,
    ConversationInfo,
    Found,
    Identity,
    Kind,
    Message,
    MessagesPage,
    SearchPage,
    UserInfo,
)
from agent.api.wire import parse
from agent.endpoints import Endpoint
from agent.errors import ToolErrorCode, ToolFailedError
from agent.tool import ProviderHTTP


def _method(name: str) -> Endpoint:
    return Endpoint("slack", "POST", f"/{name}")


AUTH_TEST = _method("auth.test")
CONVERSATIONS_HISTORY = _method("conversations.history")
CONVERSATIONS_INFO = _method("conversations.info")
CONVERSATIONS_REPLIES = _method("conversations.replies")
SEARCH_MESSAGES = _method("search.messages")
USERS_CONVERSATIONS = _method("users.conversations")
USERS_INFO = _method("users.info")

# Slack's own advice for a page of channels; five pages hold the channels of anyone who can still follow them.
CHANNELS_PER_PAGE = 200
MAX_CHANNEL_PAGES = 5
# Seven pages of 15, what Slack gives an app that is sold outside its marketplace, make a hundred messages.
# Source: https://docs.slack.dev/apis/web-api/rate-limits
MAX_MESSAGE_PAGES = 7
# Of 20 each; Slack allows about twenty searches a minute.
MAX_SEARCH_PAGES = 5

_TYPES: Mapping[Kind, str] = {"public": "public_channel", "private": "private_channel", "direct": "im,mpim"}
_REFUSALS: Mapping[str, ToolErrorCode] = {
    **dict.fromkeys(
        ("token_expired", "token_revoked", "invalid_auth", "not_authed", "account_inactive"), "reconnect_required"
    ),
    **dict.fromkeys(("missing_scope", "no_permission", "not_allowed_token_type", "access_denied"), "missing_scope"),
    **dict.fromkeys(
        ("channel_not_found", "not_in_channel", "thread_not_found", "user_not_found", "user_not_visible"), "not_found"
    ),
    **dict.fromkeys(("ratelimited", "accesslimited"), "rate_limited"),
}

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Messages:
    """Messages as Slack orders them; `is_limited` says that Slack's rate limit ended the reading before its end."""

    items: tuple[Message, ...]
    is_truncated: bool
    is_limited: bool = False


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found, newest first; `is_truncated` says that there is more behind it."""

    items: tuple[Found, ...]
    is_truncated: bool


async def read_identity(http: ProviderHTTP) -> Identity:
    """Read whose token it is. Source: https://docs.slack.dev/reference/methods/auth.test."""
    return await _call(http, AUTH_TEST, model=Identity)


async def search_messages(http: ProviderHTTP, *, query: str, oldest: float = 0.0) -> SearchResult:
    """Search messages, newest first, page by page until one is older than the Unix time `oldest`.

    The first cursor is "*"; the SDK's documentation says so, and no recording of a second page was found.
    Source: https://docs.slack.dev/reference/methods/search.messages
    """
    items: tuple[Found, ...] = ()
    cursor = "*"
    for _ in range(MAX_SEARCH_PAGES):
        page = await _call(
            http, SEARCH_MESSAGES, model=SearchPage, query=query, sort="timestamp", sort_dir="desc", cursor=cursor
        )
        items += page.messages.matches
        cursor = page.response_metadata.next_cursor
        reaches_back = bool(items) and float(items[-1].ts) < oldest
        if not cursor or not page.messages.matches or reaches_back:
            return SearchResult(items, is_truncated=not reaches_back and page.messages.total > len(items))
    return SearchResult(items, is_truncated=True)


async def list_channels(http: ProviderHTTP, *, kind: Kind) -> tuple[tuple[Channel, ...], bool]:
    """Return the user's conversations of a kind, and whether there are more than were read.

    Source: https://docs.slack.dev/reference/methods/users.conversations
    """
    channels: tuple[Channel, ...] = ()
    cursor = ""
    for _ in range(MAX_CHANNEL_PAGES):
        page = await _read_channels(http, kind=kind, cursor=cursor)
        channels, cursor = channels + page.channels, page.response_metadata.next_cursor
        if not cursor:
            break
    return channels, bool(cursor)


async def find_channel(http: ProviderHTTP, *, name: str, kind: Kind = "public") -> tuple[Channel | None, bool]:
    """Return the channel called `name` if the user is in it, and whether there are more channels than were read.

    Source: https://docs.slack.dev/reference/methods/users.conversations
    """
    cursor = ""
    for _ in range(MAX_CHANNEL_PAGES):
        page = await _read_channels(http, kind=kind, cursor=cursor)
        match = next((channel for channel in page.channels if channel.name == name), None)
        cursor = page.response_metadata.next_cursor
        if match or not cursor:
            return match, bool(cursor)
    return None, True


async def read_last_read(http: ProviderHTTP, *, channel: str) -> float | None:
    """Return the Unix time up to which the user has read a channel, or None where Slack does not tell it.

    Source: https://docs.slack.dev/reference/methods/conversations.info
    """
    told = (await _call(http, CONVERSATIONS_INFO, model=ConversationInfo, channel=channel)).channel.last_read
    return float(told) if told else None


async def read_history(http: ProviderHTTP, *, channel: str, oldest: float, limit: int) -> Messages:
    """Read the newest messages of a channel since the Unix time `oldest`, not counting that instant itself.

    Source: https://docs.slack.dev/reference/methods/conversations.history
    """
    arguments = {"channel": channel, "oldest": f"{oldest:.6f}"}
    return await _read_messages(http, CONVERSATIONS_HISTORY, limit=limit, arguments=arguments)


async def read_replies(http: ProviderHTTP, *, channel: str, ts: str, limit: int) -> Messages:
    """Read a thread by the `ts` of its first message, oldest message first.

    Source: https://docs.slack.dev/reference/methods/conversations.replies
    """
    return await _read_messages(http, CONVERSATIONS_REPLIES, limit=limit, arguments={"channel": channel, "ts": ts})


async def read_user_name(http: ProviderHTTP, *, user: str) -> str:
    """Return the name that Slack shows for a user. Source: https://docs.slack.dev/reference/methods/users.info."""
    found = (await _call(http, USERS_INFO, model=UserInfo, user=user)).user
    return found.profile.display_name or found.profile.real_name or found.name


def find_refusal(answer: Answer) -> ToolErrorCode | None:
    """Return what a 200 with `"ok": false` means; an error that is not known counts as Slack's trouble.

    Source: https://docs.slack.dev/apis/web-api/#responses
    """
    body = answer.json()
    if answer.status != HTTPStatus.OK or not isinstance(body, dict) or body.get("ok") is True:
        return None
    return _REFUSALS.get(str(body.get("error")), "upstream_unavailable")


async def _read_channels(http: ProviderHTTP, *, kind: Kind, cursor: str) -> ChannelsPage:
    arguments = {"types": _TYPES[kind], "exclude_archived": "true", "limit": str(CHANNELS_PER_PAGE)}
    return await _call(
        http, USERS_CONVERSATIONS, model=ChannelsPage, **arguments, **({"cursor": cursor} if cursor else {})
    )


async def _read_messages(http: ProviderHTTP, method: Endpoint, *, limit: int, arguments: Mapping[str, str]) -> Messages:
    """Read pages until `limit`; Slack may send fewer than asked for and say that there are more."""
    items: tuple[Message, ...] = ()
    cursor = ""
    for _ in range(MAX_MESSAGE_PAGES):
        more = {"limit": str(limit - len(items))} | ({"cursor": cursor} if cursor else {})
        try:
            page = await _call(http, method, model=MessagesPage, **arguments, **more)
        except ToolFailedError as error:
            if error.code != "rate_limited" or not items:
                raise
            # One request a minute is all that some apps may make: what is read already is worth more than nothing.
            return Messages(items, is_truncated=True, is_limited=True)
        items += page.messages
        cursor = page.response_metadata.next_cursor if page.response_metadata else ""
        if not page.has_more or not cursor or len(items) >= limit:
            return Messages(items[:limit], is_truncated=page.has_more or len(items) > limit)
    return Messages(items, is_truncated=True)


async def _call(http: ProviderHTTP, method: Endpoint, *, model: type[_Model], **arguments: str) -> _Model:
    return parse(model, provider="slack", data=await http.post(method.path, form=arguments))
