"""What the Slack tools say of a message in the same words: who, where, when, what; names are kept for one call only."""

import asyncio
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from agent.api import slack
from agent.api.slack_wire import Channel, Found, Identity, Kind, Message
from agent.api.wire import one_line
from agent.errors import ToolFailedError
from agent.tool import Item, ProviderHTTP, ReadContext
from agent.tools.slack_text import mentioned, plain

# People named in one result; a lookup is one request each, and Slack allows about a hundred a minute.
MAX_NAMES = 20
# What a title shows of a message.
MAX_EXCERPT_CHARACTERS = 80
# Conversations read in one call: a request each, of about fifty a minute.
MAX_CONVERSATIONS = 12

LIMITED = "Slack is rate limiting this app, so only the first messages were read."

_USER_ID = re.compile(r"[UW][A-Z0-9]{1,32}")
# Messages that people or apps wrote; joins, topic changes and the like are left out.
_SPOKEN = frozenset({"", "bot_message", "file_share", "me_message", "thread_broadcast"})
_SCOPES: Mapping[Kind, str] = {
    "public": "",
    "private": "groups:read groups:history",
    "direct": "im:read im:history mpim:read mpim:history",
}

# Slack takes the letters of every script. Source: https://slack.com/help/articles/201402297-Create-a-channel
ChannelName = Annotated[str, Field(pattern=r"^#?[\w-]{1,80}$", description="Name of a channel that the user is in.")]
ChannelKind = Annotated[
    Literal["public", "private"], Field(description="Private channels need a permission of their own.")
]
AnyKind = Annotated[
    Kind, Field(description="Private channels and direct messages each need a permission of their own.")
]


def scope_of(kind: Kind) -> str:
    """Return the scopes that conversations of this kind need besides those of public channels.

    Source: https://docs.slack.dev/reference/scopes
    """
    return _SCOPES[kind]


async def load_channel(http: ProviderHTTP, *, name: str, kind: Kind) -> Channel:
    """Return the channel of that name among the user's own.

    Raises:
        ToolFailedError: `not_found`, when the user is in no such channel.
    """
    # Slack knows no upper case in names, people do.
    channel, has_more = await slack.find_channel(http, name=name.removeprefix("#").lower(), kind=kind)
    if channel is None:
        far = ", as far as Slack's list was read" if has_more else ""
        raise ToolFailedError("not_found", f"The user is in no {kind} Slack channel of that name{far}.")
    return channel


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation as items tell it: its name with its sign, its id, and the workspace's address."""

    name: str
    channel: str
    workspace_url: str

    @property
    def url(self) -> str:
        """The address of the conversation."""
        return f"{self.workspace_url.rstrip('/')}/archives/{self.channel}"

    def link(self, ts: str) -> str:
        """Return the permalink of a message, built here to save a request each.

        Source: https://docs.slack.dev/reference/methods/chat.getPermalink
        """
        return f"{self.url}/p{ts.replace('.', '')}"


def place_of(channel: Channel, *, identity: Identity) -> Place:
    """Return the place of a named channel."""
    return Place(name=f"#{channel.name}", channel=channel.id, workspace_url=identity.url)


def spoken(messages: Iterable[Message]) -> list[Message]:
    """Return the messages that people or apps wrote."""
    return [message for message in messages if message.subtype in _SPOKEN]


def time_of(ts: str) -> datetime:
    """Return the instant of a message."""
    return datetime.fromtimestamp(float(ts), tz=UTC)


def people_of(messages: Iterable[Found | Message]) -> list[str]:
    """Return the ids of who wrote the messages and who is mentioned in them, each once, authors first."""
    listed = list(messages)
    authors = [message.user for message in listed if message.user]
    others = [user for message in listed for user in mentioned(message.text)]
    return list(dict.fromkeys(authors + others))


async def read_names(http: ProviderHTTP, *, ids: Iterable[str], context: ReadContext) -> Mapping[str, str]:
    """Return names by user id, for the first `MAX_NAMES`; who cannot be looked up stays without one."""
    asked = [user for user in ids if _USER_ID.fullmatch(user)][:MAX_NAMES]
    done = 0

    async def read_one(user: str) -> str:
        nonlocal done
        try:
            return await slack.read_user_name(http, user=user)
        except ToolFailedError:
            # The messages are read already; a missing name is no reason to lose them.
            return ""
        finally:
            done += 1
            context.report_progress(done, len(asked))

    names = await asyncio.gather(*(read_one(user) for user in asked))
    return dict(zip(asked, names, strict=True))


def found_item(found: Found, *, names: Mapping[str, str], zone: ZoneInfo) -> Item:
    """Return the item of a message that a search found."""
    is_named = found.channel.kind != "direct"
    place = f"#{found.channel.name}" if is_named else "direct message"
    places = (place, found.channel.id) if is_named else (found.channel.id,)
    return _item(found, place=place, places=places, url=found.permalink, names=names, zone=zone)


def message_item(message: Message, *, place: Place, names: Mapping[str, str], zone: ZoneInfo) -> Item:
    """Return the item of a message of `place`."""
    counts = {
        "thread_replies": message.reply_count,
        "reactions": sum(reaction.count for reaction in message.reactions),
    }
    return _item(
        message,
        place=place.name,
        places=(place.name, place.channel),
        url=place.link(message.ts),
        names=names,
        zone=zone,
        counts=counts,
    )


def _item(
    message: Found | Message,
    *,
    place: str,
    places: tuple[str, ...],
    url: str,
    names: Mapping[str, str],
    zone: ZoneInfo,
    counts: Mapping[str, int] | None = None,
) -> Item:
    author = names.get(message.user or "") or message.username or "someone"
    text = plain(message.text, names=names)
    fields = {
        "channel": place,
        "author": author,
        "time": time_of(message.ts).astimezone(zone).isoformat(timespec="minutes"),
        "ts": message.ts,
        "text": text,
    }
    excerpt = one_line(text, max_characters=MAX_EXCERPT_CHARACTERS)
    return Item(
        title=one_line(f"{author} in {place}: {excerpt}"),
        url=url,
        fields=fields | {name: count for name, count in (counts or {}).items() if count},
        places=places,
    )
