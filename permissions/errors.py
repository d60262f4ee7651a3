"""Errors of the permissions app.

NotPermittedError      the gate says no; `cause` is one of the vault's causes or one of its own
QuestionNotFoundError  nobody asked this user that
QuestionClosedError    the question was answered before, or it is too late
AllowanceNotFoundError nothing of that kind is allowed by this user
"""

from typing import Literal

from vault.client import Cause as VaultCause

# What only the gate refuses for; the vault knows no tools and no places.
Cause = (
    VaultCause
    | Literal[
        "access_paused",
        "away",
        "not_granted",
        "grant_ended",
        "tool_blocked",
        "ask_first",
        "answered_no",
        "not_answered",
        "nobody_to_ask",
        "excluded",
        "policy_unavailable",
    ]
)


class NotPermittedError(Exception):
    """The agent may not use this service now.

    Attributes:
        provider: Provider id.
        cause: `not_connected`, `revoked`, `reconnect_required`, `policy_denied`, `session_ended`,
            `vault_unavailable`, or one of the gate's own: `access_paused` (a pause of the service
            lasts, which to the vault is a revoke with an end), `away` (nobody is there, and the service may not be read
            meanwhile), `not_granted` (nor does the schedule's grant hold it), `grant_ended` (or expired),
            `tool_blocked`, `excluded`, `answered_no`, `not_answered`, `nobody_to_ask` (the tool asks first, and there
            is no page to ask on) and `policy_unavailable`. `ask_first` is the gate's word to itself.
    """

    def __init__(self, *, provider: str, cause: Cause) -> None:
        super().__init__(f"{provider}: {cause}")
        self.provider = provider
        self.cause = cause


class QuestionNotFoundError(Exception):
    """There is no such question of this user; somebody else's gives this same answer."""


class QuestionClosedError(Exception):
    """The question was answered before, or its time is over; nothing was changed."""


class AllowanceNotFoundError(Exception):
    """The user gave no such allowance, or it ended; somebody else's gives this same answer."""
