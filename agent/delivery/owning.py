"""What an owner does with the channels of their schedules: add, remove, test. One function for each; sync but `test`.

What lets a briefing leave is on record before it counts; what stops it never waits for that.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID

from asgiref.sync import sync_to_async
from django.utils import timezone

from agent.delivery import letters, store
from agent.delivery.addresses import require_slack, require_webhook
from agent.delivery.channels import WAYS
from agent.delivery.errors import BadAddressError, ChannelNotFoundError, NeverError
from agent.delivery.types import Channel, Delivery, Failure, Kind
from agent.delivery.webhook import new_secret
from agent.errors import ContentClosedError
from agent.schedules import store as schedules
from audit.errors import AuditUnavailableError
from audit.events import Entry, Event
from audit.record import record
from permissions.subjects import subject_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Added:
    """A channel that was added, and the secret of a webhook, which is shown this once."""

    channel: Channel
    secret: str = field(repr=False)


def add(schedule: UUID, *, user: int, kind: Kind, address: str = "") -> Added:
    """Let the briefings of a schedule leave by a channel, in the place of one of its kind.

    For a view behind `permissions.confirmation.recently_confirmed`.

    Raises:
        ScheduleNotFoundError: The schedule is not this user's.
        BadAddressError: Nothing may be sent to `address`.
        AuditUnavailableError: It cannot be put on record; nothing changed.
    """
    schedules.load(schedule, user=user)
    kept = _require_address(kind, address=address.strip())
    secret = new_secret() if kind is Kind.WEBHOOK else ""
    record(Entry(event=Event.AGENT_CHANNEL_ADDED, user=subject_of(user), method=kind.value))
    channel = store.put_channel(schedule, user=user, kind=kind, address=kept, secret=secret)
    return Added(channel=channel, secret=secret)


def remove(channel: UUID, *, user: int, reason: str = "") -> None:
    """Send nothing by this channel any more, what is under way included unless it has just left.

    Raises:
        ChannelNotFoundError: It is not this user's.
    """
    kind = store.delete_channel(channel, user=user)
    entry = Entry(event=Event.AGENT_CHANNEL_REMOVED, user=subject_of(user), method=kind.value, reason=reason)
    try:
        record(entry)
    except AuditUnavailableError:
        logger.exception("agent.channel_removal_not_audited", extra={"channel": str(channel)})


def unsubscribe(channel: UUID) -> None:
    """Remove the channel whose mail holds the link that was followed; one that is gone is gone."""
    owner = store.find_owner(channel)
    if owner is not None:
        # A click and the mail program's own request may come at once.
        with suppress(ChannelNotFoundError):
            remove(channel, user=owner, reason="unsubscribed")


async def test(channel: UUID, *, user: int) -> None:
    """Send a test by a channel now, once, and raise why it did not get through.

    Raises:
        ChannelNotFoundError: It is not this user's.
        TestedTooSoonError: A test went out a moment ago.
        AuditUnavailableError: It cannot be put on record; nothing was sent.
        SendError: It did not get through.
    """
    try:
        found = await sync_to_async(store.load_channel)(channel, user=user)
    except ContentClosedError:
        raise NeverError(Failure.NOT_OPENED) from None
    await sync_to_async(store.note_test)(channel, now=timezone.now())
    letter = await sync_to_async(letters.write_test)(found)
    await sync_to_async(record)(Entry(event=Event.AGENT_CHANNEL_TESTED, user=subject_of(user), method=found.kind.value))
    await WAYS[found.kind].send(found, letter=letter)


def send_again(delivery: UUID, *, user: int) -> Delivery:
    """Let a delivery that did not get through be tried at once, and return it as it was.

    Raises:
        ChannelNotFoundError: It is not this user's.
        NotSentAgainError: It is on its way or has arrived, or its channel was removed.
        TestedTooSoonError: Its channel was tried by hand a moment ago.
    """
    found = store.find_delivery(delivery, user=user)
    if found is None:
        raise ChannelNotFoundError
    store.send_again(found, now=timezone.now())
    return found


def _require_address(kind: Kind, *, address: str) -> str:
    match kind:
        case Kind.WEBHOOK:
            return require_webhook(address)
        case Kind.SLACK:
            return require_slack(address)
        case Kind.EMAIL:
            return ""
        case Kind.INBOX:
            # It is always there, and cannot be added.
            raise BadAddressError("not_an_address")
