"""Channels and deliveries in their owner's words. Reads nothing."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils.translation import gettext, gettext_noop

from agent.delivery.letters import notice_of
from agent.delivery.types import Delivery, DeliveryState, Failure, Kind
from agent.schedules.types import Occurrence
from agent.schedules.wording import changes_of

NAMES: Mapping[Kind, str] = {
    Kind.INBOX: gettext_noop("Inbox"),
    Kind.EMAIL: gettext_noop("E-mail"),
    Kind.WEBHOOK: gettext_noop("Webhook"),
    Kind.SLACK: gettext_noop("Slack"),
}
_MEANS: Mapping[Kind, str] = {
    Kind.EMAIL: gettext_noop(
        "A mail to your account's own address, as HTML and as text. It loads no image, and one click in it ends it."
    ),
    Kind.WEBHOOK: gettext_noop(
        "A signed message to an address of yours. It has to be https and public; redirects are not followed."
    ),
    Kind.SLACK: gettext_noop(
        "A message to the one channel of an incoming webhook that you made in Slack. DevContext asks Slack for no right"
        " to write. Everybody in that channel reads the briefing."
    ),
}
FAILURES: Mapping[str, str] = {
    Failure.ADDRESS_REFUSED: gettext_noop("Its address does not lead to the public internet, so nothing was sent."),
    Failure.AUDIT_UNAVAILABLE: gettext_noop("It could not be put on record, so nothing was sent."),
    Failure.BRIEFING_GONE: gettext_noop("The briefing was deleted before it was sent."),
    Failure.CHANNEL_GONE: gettext_noop("It was switched off before it was sent."),
    Failure.GONE: gettext_noop("The receiver says that this address is gone."),
    Failure.INTERRUPTED: gettext_noop("DevContext was stopped while it was sent. It may have arrived."),
    Failure.NO_ADDRESS: gettext_noop("Your account has no e-mail address that is read."),
    Failure.NOT_OPENED: gettext_noop("What is stored of it does not open."),
    Failure.RATE_LIMITED: gettext_noop("The receiver takes no more messages at the moment."),
    Failure.REDIRECTED: gettext_noop("The receiver points to another address, and redirects are not followed."),
    Failure.REFUSED: gettext_noop("The receiver refused it."),
    Failure.UNKNOWN: gettext_noop("The receiver did not answer. It may have arrived."),
    Failure.UNREACHABLE: gettext_noop("The receiver could not be reached, or could not take it."),
}
ADDRESSES: Mapping[str, str] = {
    "has_password": gettext_noop("Leave the user name and the password out of the address: messages are signed."),
    "not_an_address": gettext_noop("This is not an address. One looks like https://example.org/briefings."),
    "not_https": gettext_noop("The address has to begin with https://."),
    "not_public": gettext_noop("This address is inside a network. Only public ones are sent to."),
    "not_slack": gettext_noop(
        "An address of Slack's begins with https://hooks.slack.com/services/ and has three parts."
    ),
}
_EXAMPLES: Mapping[Kind, str] = {
    Kind.EMAIL: "",
    Kind.WEBHOOK: "https://example.org/briefings",
    Kind.SLACK: "https://hooks.slack.com/services/…",
}
_STATES: Mapping[str, tuple[str, str, str]] = {
    DeliveryState.DUE: (gettext_noop("To be sent"), "", "clock"),
    DeliveryState.SENDING: (gettext_noop("Being sent"), "", "send"),
    DeliveryState.DELIVERED: (gettext_noop("Sent"), "good", "check"),
    DeliveryState.GIVEN_UP: (gettext_noop("Given up"), "bad", "failed"),
}
# A worker and its beat look every minute.
_MOMENT = timedelta(seconds=70)
_AGAIN = (gettext_noop("Will be tried again"), "caution", "clock")
_READ = (gettext_noop("Read"), "good", "check")
_UNREAD = (gettext_noop("Unread"), "caution", "noted")
# What another try cannot mend.
_HOPELESS = frozenset({Failure.BRIEFING_GONE, Failure.CHANNEL_GONE, Failure.NOT_OPENED})


@dataclass(frozen=True, slots=True)
class ChannelCard:
    """A way to be briefed as its page shows it; `channel` is None while it is off, `example` "" for no address."""

    kind: str
    name: str
    means: str
    example: str
    channel: UUID | None


@dataclass(frozen=True, slots=True)
class DeliveryTold:
    """A delivery as a page tells it; `notes` are whole sentences.

    `sent_at` is when it left for good and `next_at` when it is tried next, each None where it does not; `is_stuck`
    says that its owner may send it again.
    """

    delivery: Delivery
    name: str
    word: str
    tone: str
    icon: str
    notes: tuple[str, ...]
    sent_at: datetime | None
    next_at: datetime | None
    is_stuck: bool


def card_of(kind: Kind, *, channel: UUID | None) -> ChannelCard:
    """Return how a way to be briefed is shown."""
    return ChannelCard(
        kind=kind.value,
        name=gettext(NAMES[kind]),
        means=gettext(_MEANS[kind]),
        example=_EXAMPLES[kind],
        channel=channel,
    )


def tell_delivery(delivery: Delivery, *, ways: Collection[Kind]) -> DeliveryTold:
    """Return what became of a delivery; `ways` are those that its schedule is told by now, beside the inbox."""
    is_waiting = delivery.state == DeliveryState.DUE
    is_again = is_waiting and delivery.attempts > 0
    word, tone, icon = _AGAIN if is_again else _word_of(delivery)
    return DeliveryTold(
        delivery=delivery,
        name=gettext(NAMES[delivery.kind]),
        word=gettext(word),
        tone=tone,
        icon=icon,
        notes=(failure_of(delivery.error),) if delivery.error else (),
        sent_at=delivery.ended_at if delivery.state == DeliveryState.DELIVERED else None,
        next_at=delivery.next_try_at if is_waiting else None,
        # The inbox has everything; where a channel was removed there is no way to send by.
        is_stuck=delivery.kind in ways
        and (is_again or (delivery.state == DeliveryState.GIVEN_UP and delivery.error not in _HOPELESS)),
    )


def is_on_its_way(occurrence: Occurrence, *, deliveries: Collection[Delivery], now: datetime) -> bool:
    """Tell whether what an open page shows of a briefing's deliveries changes in a moment."""
    soon = now + _MOMENT
    if not deliveries:
        return bool(occurrence.is_told and occurrence.ended_at and occurrence.ended_at > now - _MOMENT)
    return any(
        one.state == DeliveryState.SENDING or (one.state == DeliveryState.DUE and one.next_try_at < soon)
        for one in deliveries
    )


def _word_of(delivery: Delivery) -> tuple[str, str, str]:
    if delivery.kind is Kind.INBOX and delivery.state == DeliveryState.DELIVERED:
        return _READ if delivery.seen_at else _UNREAD
    return _STATES[delivery.state]


def failure_of(code: str) -> str:
    """Return why something did not get through, as a sentence."""
    return gettext(FAILURES[code]) if code in FAILURES else gettext(FAILURES[Failure.UNREACHABLE])


def inbox_entry(delivery: Delivery, *, name: str) -> dict[str, Any]:
    """Return one of the inbox for its template; a briefing without a run is told here alone."""
    return {
        "id": delivery.id,
        "name": name,
        "due_at": delivery.due_at,
        "is_unread": delivery.seen_at is None,
        "notice": notice_of(
            state=delivery.outcome, reason=delivery.reason, is_late=delivery.is_late, missed=delivery.missed
        ),
        "changes": changes_of(delivery.changes),
        "has_run": delivery.run is not None,
    }
