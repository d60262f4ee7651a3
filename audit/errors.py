"""Errors of the audit app.

AuditError
├── AuditUnavailableError    the event could not be committed: the action must not happen
├── ActorTokenReplayedError  this actor token was recorded before
├── BrokenProofError         a proof, or the stored tree that it is made of, does not show what it should
├── BrokenNoteError          a text is no checkpoint that a known key signed
├── LogBrokenError           the stored log is not the one that was signed: nothing is signed after it
└── RemovedMeanwhileError    events were removed for their age while they were read: read again
"""


class AuditError(Exception):
    """Base of the audit errors; never raised itself."""


class AuditUnavailableError(AuditError):
    """The event could not be committed, so the action it describes must not happen."""


class ActorTokenReplayedError(AuditError):
    """An event with this `actor_jti` exists: the actor token was used before."""


class BrokenProofError(AuditError):
    """A proof does not show what it should, or the stored tree lacks the hashes to make one."""


class BrokenNoteError(AuditError):
    """A text is no checkpoint, or no key that is known signed it."""


class LogBrokenError(AuditError):
    """The stored log is not the one that was signed; its text says where, in words of ours."""


class RemovedMeanwhileError(AuditError):
    """Events were removed for their age while they were read; what was read so far does not hold together."""
