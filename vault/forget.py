"""Forgets a user for good: every connection and its tokens, every session and grant. It never waits for the audit."""

import asyncio
import time

from audit.events import Entry, Event
from vault import disconnect, ledger
from vault.database import run
from vault.store import sessions, subjects
from vault.tokens import Subject

# The user waits this long for the providers' answers; the revocations go on without them.
_PATIENCE_SECONDS = 3


async def forget(subject: Subject) -> None:
    """Erase what the vault holds of the user at once, and have their tokens revoked, now or by later tries.

    Safe to repeat; who is forgotten and signs in anew under the same id begins with nothing.

    Raises:
        VaultUnavailableError: The database failed.
    """
    if await run(_forget, subject):
        await asyncio.wait({disconnect.revoke_soon()}, timeout=_PATIENCE_SECONDS)


def _forget(subject: Subject) -> int:
    """Return how many connections were erased."""
    with sessions.hold_alone(subject.user):
        erased = subjects.erase(subject.user)
        sessions.end_all(user=subject.user, signed_in_through=time.time())
        for connection in erased:
            ledger.note(
                Entry(
                    event=Event.VAULT_CONNECTION_DISCONNECTED,
                    user=subject.user,
                    provider=connection.provider,
                    reason="account_deleted",
                    connection=connection.id,
                    account=connection.account,
                )
            )
    ledger.drain()
    return len(erased)
