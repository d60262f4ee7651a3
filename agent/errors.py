"""Errors of the agent app.

AgentError
├── ToolFailedError       a tool call that did not work; its sentence is for the model and the user
├── ArgumentsError        the model sent arguments that do not fit the tool; it may try again
├── ModelError            Claude could not be asked or did not answer well; `code` says why
├── SessionEndedError     the session that asked for a run ended before its answer
├── ContentClosedError    a stored text does not open: its key is missing, or it was changed
├── RunNotFoundError      no such run or conversation of this user
├── ConversationBusyError another run of this conversation is going on
├── NotLastRunError       only the last run of a conversation can be replaced
└── TooManyRunsError      the user has as many runs going on as one person may
"""

from typing import Literal

ToolErrorCode = Literal[
    "not_connected",
    "revoked",
    "access_paused",
    "reconnect_required",
    "missing_scope",
    "rate_limited",
    "upstream_unavailable",
    "vault_unavailable",
    "policy_denied",
    "away",
    "not_granted",
    "declined",
    "not_answered",
    "undeclared_request",
    "session_ended",
    "not_found",
    "bad_arguments",
    "unknown_tool",
    "budget_spent",
    "internal",
]


class AgentError(Exception):
    """Base of the agent's errors; never raised itself."""


class ToolFailedError(AgentError):
    """A tool call that did not work.

    Attributes:
        code: Why, in one word.
        message: One fixed sentence for the model and the user; it never holds text from outside.
        retry_after_seconds: How long the provider asks to wait, if it does.
        status: HTTP status of the provider's answer, None when there was none.
    """

    def __init__(
        self,
        code: ToolErrorCode,
        message: str,
        *,
        retry_after_seconds: int | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after_seconds = retry_after_seconds
        self.status = status


class ArgumentsError(AgentError):
    """The arguments do not fit the tool's schema; the text names fields and rules, not values."""


class ModelError(AgentError):
    """Claude could not be asked, or its answer cannot be used.

    Attributes:
        code: `unreachable`, `overloaded`, `rate_limited`, `unauthorized`, `bad_request`, `refusal`, `cut_short`,
            `max_tokens`, `context_full`, `no_reading`, `no_model` or `budget_spent`.
        message: One fixed sentence for the user.
        retry_after_seconds: How long the API asks to wait, if it does.
    """

    def __init__(self, code: str, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retry_after_seconds = retry_after_seconds


class SessionEndedError(AgentError):
    """The session that asked for a run ended; nothing more is read for it."""


class ContentClosedError(AgentError):
    """A stored text does not open: the key that sealed it is not at hand, or the record was changed or moved."""


class RunNotFoundError(AgentError):
    """There is no such run or conversation of this user; somebody else's gives this same answer."""


class ConversationBusyError(AgentError):
    """Another run of this conversation is going on; the model signs the order of turns, so they cannot overlap."""


class NotLastRunError(AgentError):
    """The run to replace is not the last of its conversation."""


class TooManyRunsError(AgentError):
    """The user has as many runs going on as one person may; each costs money and a share of this process."""
