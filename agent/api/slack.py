"""Slack's Web API: the five read methods that we use, as form-encoded POSTs.

It asks for no private channel and no direct message; what a search finds of them, `agent.tools.slack` drops.
Source: https://docs.slack.dev/apis/web-api
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar

from pydantic import BaseModel, Field

from agent.api.answers import Answer
from agent.api.wire import Line, Link, SnakeWire, parse
from agent.errors import ToolErrorCode
from agent.toolkit import ProviderHTTP

# Slack's own advice for a page of channels; five pages hold the channels of anyone who can still follow them.
CHANNELS_PER_PAGE = 200
MAX_CHANNEL_PAGES = 5

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


class Identity(SnakeWire):
    """Whose token it is; `url` is the workspace's address with a slash at its end."""

    user_id: str
    url: Link


class FoundChannel(SnakeWire):
    """The conversation of a found message. What Slack does not call public counts as private."""

    id: str
    name: Line = ""
    is_private: bool = True
    is_mpim: bool = False
    is_im: bool = False

    @property
    def is_public(self) -> bool:
        """Whether it is a public channel."""
        return not (self.is_private or self.is_mpim or self.is_im)


class Found(SnakeWire):
    """One message that a search found; `user` may be "" for an app, `username` names it then."""

    channel: FoundChannel
    permalink: Link
    ts: str = Field(pattern=r"^\d{10}\.\d{6}$")
    text: str = ""
    user: str | None = None
    username: Line | None = None


class _Matches(SnakeWire):
    matches: tuple[Found, ...]
    total: int


class SearchResult(SnakeWire):
    """Answer of `search_messages`."""

    messages: _Matches


class Channel(SnakeWire):
    """A public channel that the user is in."""

    id: str = Field(pattern=r"^[A-Z0-9]{1,32}$")
    name: Line


class _Metadata(SnakeWire):
    next_cursor: str = ""


class _Channels(SnakeWire):
    channels: tuple[Channel, ...]
    response_metadata: _Metadata = _Metadata()


class _Reaction(SnakeWire):
    count: int = 0


class Message(SnakeWire):
    """One message of a channel; `user` is None for an app, `subtype` tells what else it is."""

    ts: str = Field(pattern=r"^\d{10}\.\d{6}$")
    text: str = ""
    subtype: str = ""
    user: str | None = None
    username: Line | None = None
    reply_count: int = 0
    reactions: tuple[_Reaction, ...] = ()


class History(SnakeWire):
    """Answer of `read_history`, newest message first."""

    messages: tuple[Message, ...]
    has_more: bool = False


class _Profile(SnakeWire):
    display_name: Line = ""
    real_name: Line = ""


class _User(SnakeWire):
    name: Line = ""
    profile: _Profile = _Profile()


class _UserInfo(SnakeWire):
    user: _User


async def read_identity(http: ProviderHTTP) -> Identity:
    """Read whose token it is. Source: https://docs.slack.dev/reference/methods/auth.test."""
    return await _call(http, "auth.test", model=Identity)


async def search_messages(http: ProviderHTTP, *, query: str) -> SearchResult:
    """Search messages, newest first, one page of 20. Source: https://docs.slack.dev/reference/methods/search.messages."""
    return await _call(http, "search.messages", model=SearchResult, query=query, sort="timestamp", sort_dir="desc")


async def find_channel(http: ProviderHTTP, *, name: str) -> Channel | None:
    """Return the public channel called `name` if the user is in it.

    Source: https://docs.slack.dev/reference/methods/users.conversations
    """
    cursor = ""
    for _ in range(MAX_CHANNEL_PAGES):
        arguments = {"types": "public_channel", "exclude_archived": "true", "limit": str(CHANNELS_PER_PAGE)}
        page = await _call(
            http, "users.conversations", model=_Channels, **arguments, **({"cursor": cursor} if cursor else {})
        )
        match = next((channel for channel in page.channels if channel.name == name), None)
        cursor = page.response_metadata.next_cursor
        if match or not cursor:
            return match
    return None


async def read_history(http: ProviderHTTP, *, channel: str, oldest: float, limit: int) -> History:
    """Read the newest messages of a channel since the Unix time `oldest`.

    Slack may send fewer than `limit` and say that there are more.
    Source: https://docs.slack.dev/reference/methods/conversations.history
    """
    return await _call(
        http, "conversations.history", model=History, channel=channel, oldest=f"{oldest:.6f}", limit=str(limit)
    )


async def read_user_name(http: ProviderHTTP, *, user: str) -> str:
    """Return the name that Slack shows for a user. Source: https://docs.slack.dev/reference/methods/users.info."""
    found = (await _call(http, "users.info", model=_UserInfo, user=user)).user
    return found.profile.display_name or found.profile.real_name or found.name


def find_refusal(answer: Answer) -> ToolErrorCode | None:
    """Return what a 200 with `"ok": false` means; an error that is not known counts as Slack's trouble.

    Source: https://docs.slack.dev/apis/web-api/#responses
    """
    body = answer.json()
    if answer.status != HTTPStatus.OK or not isinstance(body, dict) or body.get("ok") is True:
        return None
    return _REFUSALS.get(str(body.get("error")), "upstream_unavailable")


async def _call(http: ProviderHTTP, method: str, *, model: type[_Model], **arguments: str) -> _Model:
    return parse(model, provider="slack", data=await http.post(f"/{method}", form=arguments))
