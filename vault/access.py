"""The user's switch on a connection, and which of several is meant by its provider's name.

No exchange that starts after a revoke was answered gets a token, anywhere.
"""

import contextlib

from audit.events import Entry, Event
from vault import ledger
from vault.database import run
from vault.errors import NotConnectedError
from vault.store import connections
from vault.tokens import Subject
from vault.types import Connection


async def set_access(subject: Subject, *, connection: str, is_allowed: bool) -> Connection:
    """Let the agent use the user's connection, an id or a provider's default, or stop it; the provider is not told.

    Raises:
        NotConnectedError: The user has no such connection.
        VaultUnavailableError: The database failed, or a restore could not be recorded. A revoke never waits for that.
    """
    return await run(_set_access, subject, connection=connection, is_allowed=is_allowed)


async def set_default(subject: Subject, *, connection: str) -> Connection:
    """Make the user's connection with this id the one that its provider's name stands for.

    Raises:
        NotConnectedError: The user has no such connection.
        VaultUnavailableError: The database failed, or the change could not be recorded.
    """
    return await run(_set_default, subject, connection=connection)


def withdraw_all() -> int:
    """Turn the agent's access to every connection off, for an operator, and return how many were on. Sync.

    Each is its own transaction, so that nobody's exchange waits for all of them; run again, it goes on.
    """
    withdrawn = 0
    for user, connection in connections.list_allowed():
        # Its user may disconnect it meanwhile.
        with contextlib.suppress(NotConnectedError):
            _withdraw(user, connection=connection)
            withdrawn += 1
    ledger.drain()
    return withdrawn


def _withdraw(user: str, *, connection: str) -> None:
    with connections.lock_for_change(user=user, connection=connection) as row:
        before = connections.tell_switch(row)
        changed = connections.set_access(row, is_allowed=False)
        told = f"{before} → {connections.tell_switch(row)}"
        ledger.note(_entry(changed, user=user, event=Event.PERMISSION_ACCESS_WITHDRAWN, reason=told))


def _set_access(subject: Subject, *, connection: str, is_allowed: bool) -> Connection:
    with connections.lock_for_change(user=subject.user, connection=connection) as row:
        before = connections.tell_switch(row)
        changed = connections.set_access(row, is_allowed=is_allowed)
        event = Event.PERMISSION_ACCESS_RESTORED if is_allowed else Event.PERMISSION_ACCESS_REVOKED
        told = f"{before} → {connections.tell_switch(row)}"
        (ledger.require if is_allowed else ledger.note)(_entry(changed, user=subject.user, event=event, reason=told))
    ledger.drain()
    return changed


def _set_default(subject: Subject, *, connection: str) -> Connection:
    with connections.lock_for_change(user=subject.user, connection=connection) as row:
        # By ids: the names of accounts are personal, and sealed in a column of their own.
        before = connections.find_default(user=subject.user, provider=row.provider) or "none"
        changed = connections.set_default(row)
        told = f"{before} → {row.id}"
        ledger.require(_entry(changed, user=subject.user, event=Event.PERMISSION_DEFAULT_CHANGED, reason=told))
    ledger.drain()
    return changed


def _entry(connection: Connection, *, user: str, event: Event, reason: str = "") -> Entry:
    return Entry(
        event=event,
        user=user,
        provider=connection.provider,
        connection=connection.id,
        account=connection.account,
        reason=reason,
    )
