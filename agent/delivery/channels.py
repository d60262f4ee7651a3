"""One interface over all ways by which a briefing is told, and what each of them can be asked."""

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from agent.delivery import email, slack, webhook
from agent.delivery.types import Channel, Kind, Letter


class Send(Protocol):
    """Sends a letter by a channel; raises an `errors.SendError` if it did not get through, and returns if it did."""

    def __call__(self, channel: Channel, *, letter: Letter) -> Coroutine[Any, Any, None]:
        """Send `letter`."""


@dataclass(frozen=True, slots=True)
class Way:
    """How channels of a kind send.

    `is_repeatable` tells that a receiver drops a double by its id, so that a try whose end nobody knows is made again;
    `is_outward` that the briefing leaves this installation, which is put on record.
    """

    send: Send
    is_repeatable: bool
    is_outward: bool = True


async def _put_in_inbox(channel: Channel, *, letter: Letter) -> None:
    """Do nothing: what is delivered to the inbox is what the table says is."""


WAYS: Mapping[Kind, Way] = MappingProxyType(
    {
        Kind.INBOX: Way(send=_put_in_inbox, is_repeatable=True, is_outward=False),
        Kind.EMAIL: Way(send=email.send, is_repeatable=False),
        Kind.SLACK: Way(send=slack.send, is_repeatable=False),
        Kind.WEBHOOK: Way(send=webhook.send, is_repeatable=True),
    }
)
# What an owner may add to a schedule; the inbox is always there.
ADDED = tuple(kind for kind, way in WAYS.items() if way.is_outward)
