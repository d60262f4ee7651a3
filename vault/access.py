"""The user's switch on a connection. No exchange that starts after a revoke was answered gets a token, anywhere."""

from audit.events import Entry, Event
from vault import ledger
from vault.database import run
from vault.store import connections
from vault.tokens import Subject
from vault.types import Connection


async def set_access(subject: Subject, *, provider: str, is_allowed: bool) -> Connection:
    """Let the agent use the user's connection to `provider`, or stop it; the provider is not told.

    Raises:
        NotConnectedError: The user has no such connection.
        VaultUnavailableError: The database failed, or a restore could not be recorded. A revoke never waits for that.
    """
    return await run(_set_access, subject, provider=provider, is_allowed=is_allowed)


def _set_access(subject: Subject, *, provider: str, is_allowed: bool) -> Connection:
    with connections.lock_for_change(user=subject.user, provider=provider) as row:
        entry = Entry(
            event=Event.PERMISSION_ACCESS_RESTORED if is_allowed else Event.PERMISSION_ACCESS_REVOKED,
            user=subject.user,
            provider=provider,
            connection=row.id,
            account=row.account,
        )
        (ledger.require if is_allowed else ledger.note)(entry)
        connection = connections.set_access(row, is_allowed=is_allowed)
    ledger.drain()
    return connection
