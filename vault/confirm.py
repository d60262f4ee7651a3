"""What becomes of a connection that a callback brought: its session confirms it, gives it up, or lets its time pass.

Only the user and session that began the flow, with the nonce of its callback, can do either. Whatever is not
confirmed is revoked at the provider, unless that would end another connection of the same account.
"""

from dataclasses import replace

from django.db import transaction

from audit.events import Entry, Event
from vault import disconnect, ledger, leftover
from vault.database import ALIAS, run
from vault.errors import ConnectStateError
from vault.store import flows, pending, revocations
from vault.store.pending import Activated
from vault.tokens import Subject
from vault.types import AccountChoice, Connection, PendingConnection


async def confirm(
    subject: Subject, *, connection: str, nonce: str, choice: AccountChoice = AccountChoice.ASK
) -> Connection:
    """Activate a pending connection; an account that is connected already keeps its connection and gets new tokens.

    Raises:
        ConnectStateError: No pending connection of this user and session has this nonce.
        OtherAccountError: It was to replace another account's tokens, and `choice` does not say what to do.
        VaultUnavailableError: It could not be stored or recorded.
    """
    activated = await run(_confirm, subject, connection=connection, nonce=nonce, choice=choice)
    if activated.replaced_account:
        disconnect.revoke_soon()
    return activated.connection


async def load_pending(subject: Subject, *, connection: str, nonce: str) -> PendingConnection:
    """Return who signed in, for the user to decide on.

    Raises:
        ConnectStateError: No pending connection of this user and session has this nonce.
    """
    return await run(_load_pending, subject, connection=connection, nonce=nonce)


async def discard(subject: Subject, *, connection: str, nonce: str) -> None:
    """Erase a pending connection and revoke its grant; what it was to replace stays as it is.

    Raises:
        ConnectStateError: No pending connection of this user and session has this nonce.
    """
    await run(_discard, subject, connection=connection, nonce=nonce)
    disconnect.revoke_soon()


def sweep() -> None:
    """Drop flows that nobody came back from, and connections that nobody confirmed, when their time is over."""
    flows.sweep()
    while _drop_one():
        pass
    ledger.drain()


def _confirm(subject: Subject, *, connection: str, nonce: str, choice: AccountChoice) -> Activated:
    try:
        with transaction.atomic(using=ALIAS):
            row = pending.load(user=subject.user, sid=subject.sid, connection=connection, nonce=nonce)
            # A revocation that waits for this account would end the new connection, whoever it was of.
            dropped = revocations.drop_for(row) if _ends_whole_account(row) else []
            activated = pending.activate(row, choice=choice, ends_whole_account=_ends_whole_account)
            entry = _entry(activated.connection, user=subject.user)
            ledger.require(entry)
            if activated.replaced_account:
                gone = replace(entry, account=activated.replaced_account, scope_asked="", scope_granted="")
                ledger.note(replace(gone, event=Event.VAULT_CONNECTION_DISCONNECTED, reason="replaced"))
            for user, erased, account in dropped:
                # SECURITY: its own account: who asked for it may be somebody else, who must not learn of this one.
                left = replace(entry, user=user, connection=erased, account=account, scope_asked="", scope_granted="")
                ledger.note(replace(left, event=Event.VAULT_REVOCATION_FAILED, reason="connected_again"))
    except ConnectStateError:
        _record_unknown(subject)
        raise
    ledger.drain()
    return activated


def _load_pending(subject: Subject, *, connection: str, nonce: str) -> PendingConnection:
    with transaction.atomic(using=ALIAS):
        row = pending.load(user=subject.user, sid=subject.sid, connection=connection, nonce=nonce)
        replaced = pending.find_replaced(row)
    return PendingConnection(
        id=row.id, provider=row.provider, account=row.account, replaces_account=replaced.account if replaced else ""
    )


def _discard(subject: Subject, *, connection: str, nonce: str) -> None:
    with transaction.atomic(using=ALIAS):
        row = pending.load(user=subject.user, sid=subject.sid, connection=connection, nonce=nonce)
        ledger.note(_end_entry(row, event=Event.VAULT_CONNECTION_DENIED, reason="cancelled"))
        pending.drop(row, ends_whole_account=_ends_whole_account(row))
    ledger.drain()


def _drop_one() -> bool:
    with transaction.atomic(using=ALIAS):
        row = pending.find_expired()
        if row is None:
            return False
        ledger.note(_end_entry(row, event=Event.VAULT_CONNECTION_FAILED, reason="abandoned"))
        pending.drop(row, ends_whole_account=_ends_whole_account(row))
    return True


def _ends_whole_account(row: pending.Row) -> bool:
    return leftover.ends_whole_account(row.provider, expires_at=row.access_expires_at)


def _entry(connection: Connection, *, user: str) -> Entry:
    return Entry(
        event=Event.VAULT_CONNECTION_CONNECTED,
        user=user,
        provider=connection.provider,
        connection=connection.id,
        account=connection.account,
        scope_asked=connection.asked_scope,
        scope_granted=connection.granted_scope,
    )


def _end_entry(row: pending.Row, *, event: Event, reason: str) -> Entry:
    return Entry(
        event=event, user=row.subject, provider=row.provider, connection=row.id, account=row.account, reason=reason
    )


def _record_unknown(subject: Subject) -> None:
    ledger.require(Entry(event=Event.VAULT_CONNECTION_FAILED, user=subject.user, reason="invalid_state"))
