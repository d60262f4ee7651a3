"""Errors of the audit app.

AuditError
├── AuditUnavailableError    the event could not be committed: the action must not happen
└── ActorTokenReplayedError  this actor token was recorded before
"""


class AuditError(Exception):
    """Base of the audit errors; never raised itself."""


class AuditUnavailableError(AuditError):
    """The event could not be committed, so the action it describes must not happen."""


class ActorTokenReplayedError(AuditError):
    """An event with this `actor_jti` exists: the actor token was used before."""
