"""The one writer of audit events. Committed when it returns; when it raises, the action must not happen."""

from audit.events import Entry


def record(entry: Entry) -> int:
    """Append `entry` and return the id of its row; sync and short, committed on return.

    Raises:
        ActorTokenReplayedError: `entry.actor_jti` was recorded before.
        AuditUnavailableError: The audit database did not take the row.
    """
    raise NotImplementedError
