"""Errors of delivery.

DeliveryError
├── ChannelNotFoundError      no such channel or delivery of this user
├── NotSentAgainError         a delivery is on its way, or arrived, or its channel was removed
├── BadAddressError           what was pasted is no address that a briefing may be sent to; `reason` says why
├── TestedTooSoonError        a test of this channel went out a moment ago
└── SendError                 the briefing did not get through; `failure` says why
    ├── TryAgainError         it may get through later; `after_seconds` where the receiver says when
    ├── UnknownOutcomeError   nobody can say whether it got through
    └── NeverError            it will not get through
"""

from agent.delivery.types import Failure


class DeliveryError(Exception):
    """Base of the errors of delivery; never raised itself."""


class ChannelNotFoundError(DeliveryError):
    """There is no such channel or delivery of this user; somebody else's gives this same answer."""


class NotSentAgainError(DeliveryError):
    """This delivery is on its way or has arrived, or its channel was removed: there is nothing to send again."""


class BadAddressError(DeliveryError):
    """What was pasted is no address that a briefing may be sent to; `reason` is a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class TestedTooSoonError(DeliveryError):
    """A test of this channel went out a moment ago."""

    # Pytest takes a class of this name for a test.
    __test__ = False


class SendError(DeliveryError):
    """Base of how a try fails; it holds a code and nothing that the receiver said."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class TryAgainError(SendError):
    """It did not get through and may later; `after_seconds` is 0 where the receiver does not say when."""

    def __init__(self, failure: Failure, *, after_seconds: float = 0.0) -> None:
        super().__init__(failure)
        self.after_seconds = after_seconds


class UnknownOutcomeError(SendError):
    """It was sent, and the answer never came: it may have got through."""

    def __init__(self) -> None:
        super().__init__(Failure.UNKNOWN)


class NeverError(SendError):
    """It did not get through, and trying again changes nothing."""
