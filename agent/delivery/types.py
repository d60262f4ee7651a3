"""Frozen values of delivery; no model instance leaves `agent.delivery.store`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from agent.briefing.document import Document


class Kind(StrEnum):
    """A way by which a briefing is told."""

    INBOX = "inbox"
    EMAIL = "email"
    WEBHOOK = "webhook"
    SLACK = "slack_hook"


class DeliveryState(StrEnum):
    """Where a delivery is in its life; the last two are final."""

    DUE = "due"
    SENDING = "sending"
    DELIVERED = "delivered"
    GIVEN_UP = "given_up"


class Failure(StrEnum):
    """Why a delivery failed, as its page and the audit tell it. Never an answer's own words."""

    ADDRESS_REFUSED = "address_refused"
    AUDIT_UNAVAILABLE = "audit_unavailable"
    BRIEFING_GONE = "briefing_gone"
    CHANNEL_GONE = "channel_gone"
    GONE = "gone"
    INTERRUPTED = "interrupted"
    NO_ADDRESS = "no_address"
    NOT_OPENED = "not_opened"
    RATE_LIMITED = "rate_limited"
    REDIRECTED = "redirected"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A way by which the briefings of `schedule` leave; `address` and `secret` are what it was given, in the open."""

    id: UUID
    schedule: UUID
    user: int
    kind: Kind
    address: str = field(default="", repr=False)
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A briefing as every channel tells it.

    `id` is the same at each try, so that a receiver can drop a double. `document` is None where there is no briefing
    but only what became of it, `notice`. `page` is its address here; `is_simulated` tells that nothing in it is real.
    """

    id: UUID
    user: int
    title: str
    at: datetime
    state: str
    reason: str
    notice: str
    document: Document | None
    page: str
    is_simulated: bool
    is_test: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to try a delivery; `owner` is this claim's own. `was_interrupted` tells of one that was never ended."""

    id: UUID
    occurrence: UUID
    user: int
    kind: Kind
    attempts: int
    was_interrupted: bool
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery as pages tell it; `run` is None where no briefing was made."""

    id: UUID
    schedule: UUID
    occurrence: UUID
    kind: Kind
    state: DeliveryState
    attempts: int
    next_try_at: datetime
    error: str
    ended_at: datetime | None
    seen_at: datetime | None
    due_at: datetime
    outcome: str
    reason: str
    is_late: bool
    missed: int
    changes: Mapping[str, int]
    run: UUID | None
