"""What a user sets for the time they are not there: pauses, connections that may be read meanwhile, and grants.

Narrowing never waits for the audit; widening is refused when it cannot be recorded.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from audit.events import Entry, Event
from vault import ledger, sessions
from vault.errors import InvalidRequestError
from vault.providers import registry
from vault.store import connections, grants
from vault.store import sessions as store
from vault.tokens import Subject
from vault.types import Connection, Grant

# Who forgot a schedule for a year is asked again.
MAX_GRANT_LIFE = timedelta(days=366)


def pause(subject: Subject, *, connection: str, until: datetime | None) -> Connection:
    """Pause the user's connection, an id or a provider's default, until an instant, or end its pause with None.

    Raises:
        NotConnectedError: The user has no such connection.
        VaultUnavailableError: The database failed, or a shorter pause could not be recorded.
    """
    with connections.lock_for_change(user=subject.user, connection=connection) as row:
        ends_sooner = until is None or (row.paused_until is not None and until < row.paused_until)
        entry = Entry(
            event=Event.PERMISSION_ACCESS_RESUMED if until is None else Event.PERMISSION_ACCESS_PAUSED,
            user=subject.user,
            provider=row.provider,
            connection=row.id,
            account=row.account,
        )
        (ledger.require if ends_sooner else ledger.note)(entry)
        changed = connections.set_pause(row, until=until)
    ledger.drain()
    return changed


def set_away(subject: Subject, *, connection: str, is_allowed: bool) -> Connection:
    """Let the agent read the user's connection, an id or a provider's default, in their absence, or not.

    Raises:
        NotConnectedError: The user has no such connection.
        VaultUnavailableError: The database failed, or what was allowed could not be recorded.
    """
    with connections.lock_for_change(user=subject.user, connection=connection) as row:
        entry = Entry(
            event=Event.PERMISSION_AWAY_ENABLED if is_allowed else Event.PERMISSION_AWAY_DISABLED,
            user=subject.user,
            provider=row.provider,
            connection=row.id,
            account=row.account,
        )
        (ledger.require if is_allowed else ledger.note)(entry)
        changed = connections.set_away(row, is_allowed=is_allowed)
    ledger.drain()
    return changed


def create_grant(subject: Subject, *, providers: Sequence[str], expires_at: datetime) -> Grant:
    """Return a new grant by which `providers` may be read in the user's absence.

    Raises:
        NotConnectedError: One of `providers` is unknown or not configured.
        InvalidRequestError: There are none, or it would not end in the future, or not within `MAX_GRANT_LIFE`.
        VaultUnavailableError: It could not be stored or recorded.
    """
    now = timezone.now()
    if not providers or not now < expires_at <= now + MAX_GRANT_LIFE:
        raise InvalidRequestError
    for provider in providers:
        registry.load(provider)
    # An end of all sessions ends the grants as well, and must not miss one that is being made.
    with sessions.hold(subject):
        ledger.require(_grant_entry(subject, event=Event.PERMISSION_GRANT_CREATED))
        return grants.create(user=subject.user, providers=providers, expires_at=expires_at)


def end_grant(subject: Subject, *, grant: str) -> None:
    """End a grant of the user; one that ended before, or that never was, stays as it is.

    Raises:
        VaultUnavailableError: The database failed.
    """
    with store.hold_alone(subject.user):
        if grants.end(grant, user=subject.user):
            ledger.note(_grant_entry(subject, event=Event.PERMISSION_GRANT_ENDED))
    ledger.drain()


def _grant_entry(subject: Subject, *, event: Event) -> Entry:
    return Entry(event=event, user=subject.user, client=subject.client)
