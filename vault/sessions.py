"""Which sessions the vault honours, and how they end. No exchange that starts after an end was answered gets a token.

A `sid` is a browser's session (no colon), a command's (`cli:<id>`) or an absent user's grant (`grant:<id>`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from audit.events import Entry, Event
from vault import ledger, tokens
from vault.errors import AccessRevokedError, InvalidTargetError, SessionEndedError
from vault.store import connections, grants, sessions, statements
from vault.store.connections import Decidable
from vault.tokens import ActingAgent, Subject
from vault.types import Grant

_COMMAND, _GRANT = "cli", "grant"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a living session may reach: all of the user's, or while they are away what `grant` holds."""

    grant: Grant | None

    def require(self, connection: Decidable, *, actor: ActingAgent | None) -> None:
        """Refuse a connection that this session may not use now, or not by this agent.

        Raises:
            AccessRevokedError: The user revoked or paused it.
            InvalidTargetError: The user is away, and did not allow this connection for that or grant its provider to
                this agent and its tool; or the agent is a schedule's, and acts by anything but its grant.
        """
        row = connection.row
        if not row.is_access_allowed or connections.is_paused(row):
            raise AccessRevokedError
        if self.grant is not None:
            _require_granted(self.grant, actor=actor, provider=row.provider)
            if not row.is_away_allowed:
                raise InvalidTargetError
        elif actor is not None and actor.agent.startswith(tokens.SCHEDULE_PREFIX):
            # SECURITY: a schedule runs while nobody looks; a session that somebody left open is no leave for that.
            raise InvalidTargetError


@contextmanager
def hold(subject: Subject) -> Iterator[Standing]:
    """Keep the living session of `subject` from ending until the block ends; all in it is one transaction.

    Ending waits for the block, or the block for it: that is what makes an end linearizable.

    Raises:
        SessionEndedError: It ended, or its grant did.
    """
    with sessions.hold(subject.user):
        yield find_standing(subject)


def find_standing(subject: Subject) -> Standing:
    """Return what the session of `subject` may reach.

    Raises:
        SessionEndedError: It ended, or its grant did, or it is of no kind that is known.
    """
    if statements.has_session_ended(user=subject.user, sid=subject.sid, auth_time=subject.auth_time):
        raise SessionEndedError
    kind, colon, name = subject.sid.partition(":")
    if not colon or kind == _COMMAND:
        return Standing(grant=None)
    grant = grants.find_living(name, user=subject.user) if kind == _GRANT else None
    if grant is None:
        raise SessionEndedError
    return Standing(grant=grant)


def require_attended(subject: Subject) -> None:
    """Refuse a session that ended, and a grant's: nobody changes anything in a user's absence.

    Raises:
        SessionEndedError: The session ended.
        InvalidTargetError: It is a grant's.
    """
    if find_standing(subject).grant is not None:
        raise InvalidTargetError


def end_session(subject: Subject) -> None:
    """End the session or grant that `subject` names; what ended before stays ended. Never waits for the audit.

    Raises:
        VaultUnavailableError: The database failed.
    """
    with sessions.hold_alone(subject.user):
        if _end(subject):
            ledger.note(Entry(event=Event.VAULT_SESSION_ENDED, user=subject.user, client=subject.client))
    ledger.drain()


def end_subject(subject: Subject) -> None:
    """End every session of the user that began at or before the `auth_time` of `subject`, and every grant.

    Raises:
        VaultUnavailableError: The database failed.
    """
    with sessions.hold_alone(subject.user):
        if sessions.end_all(user=subject.user, signed_in_through=subject.auth_time):
            grants.end_all(user=subject.user)
            ledger.note(Entry(event=Event.VAULT_SUBJECT_ENDED, user=subject.user, client=subject.client))
    ledger.drain()


def _require_granted(grant: Grant, *, actor: ActingAgent | None, provider: str) -> None:
    is_granted = (
        actor is not None and actor.agent == grant.agent and actor.tool in grant.tools and provider in grant.providers
    )
    if not is_granted:
        raise InvalidTargetError


def _end(subject: Subject) -> bool:
    """Write that the session ended; False when it had before."""
    kind, _, name = subject.sid.partition(":")
    if kind == _GRANT:
        # SECURITY: a grant may live for a year, and the end of a session is remembered for a month.
        return grants.end(name, user=subject.user)
    return sessions.end(user=subject.user, sid=subject.sid)
