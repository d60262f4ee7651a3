"""What Slack's methods answer, as far as we use it.

Source: https://docs.slack.dev/apis/web-api
"""

from typing import Annotated, Literal

from pydantic import Field

from agent.api.wire import Line, Link, SnakeWire

# Direct messages hold those between two people and those of a group.
Kind = Literal["public", "private", "direct"]

Timestamp = Annotated[str, Field(pattern=r"^\d{10}\.\d{6}$")]


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
    def kind(self) -> Kind:
        """What it is."""
        # A search answer has no `is_im`; the ids of direct messages begin with a D.
        if self.is_im or self.is_mpim or self.id.startswith("D"):
            return "direct"
        return "private" if self.is_private else "public"


class Found(SnakeWire):
    """One message that a search found; `user` may be "" for an app, `username` names it then."""

    channel: FoundChannel
    permalink: Link
    ts: Timestamp
    text: str = ""
    user: str | None = None
    username: Line | None = None


class Metadata(SnakeWire):
    """Where the next page begins; "" at the end."""

    next_cursor: str = ""


class Matches(SnakeWire):
    """What a search found on one page, and how much in all."""

    matches: tuple[Found, ...]
    total: int


class SearchPage(SnakeWire):
    """Answer of `search.messages`."""

    messages: Matches
    response_metadata: Metadata = Metadata()


class Topic(SnakeWire):
    """What a channel is about."""

    value: Line = ""


class Channel(SnakeWire):
    """A conversation that the user is in; one between two people has no name, but the other's id in `user`.

    `updated` is in milliseconds of Unix time and not documented for every kind.
    """

    id: str = Field(pattern=r"^[A-Z0-9]{1,32}$")
    name: Line = ""
    user: str | None = None
    is_mpim: bool = False
    topic: Topic = Topic()
    updated: int = 0


class ChannelsPage(SnakeWire):
    """Answer of `users.conversations`."""

    channels: tuple[Channel, ...]
    response_metadata: Metadata = Metadata()


class Conversation(SnakeWire):
    """What we use of `conversations.info`; `last_read` is "" where Slack does not tell it."""

    last_read: str = Field(default="", pattern=r"^(\d{10}\.\d{6})?$")


class ConversationInfo(SnakeWire):
    """Answer of `conversations.info`."""

    channel: Conversation


class Reaction(SnakeWire):
    """One emoji under a message."""

    count: int = 0


class Message(SnakeWire):
    """One message of a channel; `user` is None for an app, `subtype` tells what else it is."""

    ts: Timestamp
    text: str = ""
    subtype: str = ""
    user: str | None = None
    username: Line | None = None
    thread_ts: str = ""
    reply_count: int = 0
    reactions: tuple[Reaction, ...] = ()


class MessagesPage(SnakeWire):
    """Answer of `conversations.history` and `conversations.replies`."""

    messages: tuple[Message, ...]
    has_more: bool = False
    response_metadata: Metadata | None = None


class Profile(SnakeWire):
    """The names of a user."""

    display_name: Line = ""
    real_name: Line = ""


class User(SnakeWire):
    """One user."""

    name: Line = ""
    profile: Profile = Profile()


class UserInfo(SnakeWire):
    """Answer of `users.info`."""

    user: User
