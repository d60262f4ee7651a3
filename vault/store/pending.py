"""Connections that a callback brought and their session has not confirmed yet; confirming makes one the user's own."""

import secrets as random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from vault import models
from vault.database import ALIAS
from vault.errors import ConnectStateError, OtherAccountError
from vault.store import connections, revocations, secrets
from vault.store.flows import Flow, digest
from vault.store.revocations import Orphan
from vault.types import AccountChoice, Connection

# For the annotations of those who hold a row between two calls; they read it and do not ask the table.
Row = models.Connection
# The browser comes back from the callback at once; this leaves time to sign in again on the way.
PENDING_TTL = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewGrant:
    """What a finished flow brings: the account, its scopes and its tokens, which without a life never end.

    `account_id` and `account` are "" as long as nobody said whose the tokens are.
    """

    account_id: str
    account: str
    granted_scope: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    life_seconds: int | None
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Activated:
    """A connection that was confirmed; `replaced_account` is the account whose place it took, "" for none."""

    connection: Connection
    replaced_account: str = ""


def save(flow: Flow, *, grant: NewGrant, nonce: str) -> str:
    """Store the connection that `flow` ended in, pending until `nonce` is shown, and return its id."""
    with transaction.atomic(using=ALIAS):
        row = models.Connection.objects.using(ALIAS).create(
            id=f"con_{random.token_urlsafe(16)}",
            subject=flow.user,
            provider=flow.provider,
            account_id=grant.account_id,
            account=grant.account,
            asked_scope=flow.asked_scope,
            granted_scope=grant.granted_scope,
            access_expires_at=grant.expires_at,
            access_life_seconds=grant.life_seconds,
            has_refresh_token=bool(grant.refresh_token),
            pending_sid=flow.sid,
            pending_nonce_hash=digest(nonce),
            pending_until=timezone.now() + PENDING_TTL,
            reconnects=flow.reconnects,
        )
        secrets.put_tokens(row, access_token=grant.access_token, refresh_token=grant.refresh_token)
    return row.id


def let_go(flow: Flow, *, grant: NewGrant, ends_whole_account: bool) -> bool:
    """Have tokens revoked that `flow` brought and no connection keeps, and tell whether they will be.

    They are not where revoking them would end another connection to the account, whosever it is; of an unknown account
    that is any connection to the provider.
    """
    with transaction.atomic(using=ALIAS):
        others = _living(provider=flow.provider)
        if grant.account_id:
            others = others.filter(account_id=grant.account_id)
        if ends_whole_account and others.exists():
            return False
        orphan = Orphan(
            connection="",
            user=flow.user,
            provider=flow.provider,
            account_id=grant.account_id,
            account=grant.account,
            token_ends_at=grant.expires_at,
            access_token=grant.access_token,
            refresh_token=grant.refresh_token,
        )
        revocations.add(orphan)
    return True


def load(*, user: str, sid: str, connection: str, nonce: str) -> models.Connection:
    """Return the pending connection, held until the caller's transaction ends.

    Raises:
        ConnectStateError: There is none of this user and session with this nonce.
    """
    row = (
        models.Connection.objects.using(ALIAS)
        .filter(id=connection, subject=user, activated_at__isnull=True, pending_until__gt=timezone.now())
        .select_for_update()
        .first()
    )
    if row is None:
        raise ConnectStateError
    is_sid, is_nonce = (
        constant_time_compare(row.pending_sid, sid),
        constant_time_compare(row.pending_nonce_hash, digest(nonce)),
    )
    if not (is_sid and is_nonce):
        raise ConnectStateError
    return row


def find_expired() -> models.Connection | None:
    """Return a pending connection whose time is over, held until the caller's transaction ends."""
    rows = models.Connection.objects.using(ALIAS).filter(activated_at__isnull=True, pending_until__lte=timezone.now())
    return rows.order_by("id").select_for_update().first()


def find_next_end() -> datetime | None:
    """Return when the next pending connection's time is over, None when there is none."""
    rows = models.Connection.objects.using(ALIAS).filter(activated_at__isnull=True, pending_until__isnull=False)
    return rows.order_by("pending_until").values_list("pending_until", flat=True).first()


def find_replaced(row: models.Connection) -> models.Connection | None:
    """Return the connection whose tokens the pending one is to replace, if it is still there."""
    active = models.Connection.objects.using(ALIAS).filter(activated_at__isnull=False)
    return active.filter(id=row.reconnects, subject=row.subject, provider=row.provider).first()


def activate(row: Row, *, choice: AccountChoice, ends_whole_account: Callable[[Row], bool]) -> Activated:
    """Make a pending connection that the caller holds one of its user's.

    An account that is connected already keeps its connection, with id, switch and default, and gets the new tokens.
    The first account of a provider is its default.

    Raises:
        OtherAccountError: It was to replace the tokens of another account, and `choice` does not say what to do.
    """
    others = connections.lock_all(user=row.subject, provider=row.provider)
    same = next((other for other in others if other.account_id == row.account_id), None)
    replaced = next((other for other in others if other.id == row.reconnects and other is not same), None)
    if replaced is not None and choice is AccountChoice.ASK:
        raise OtherAccountError
    if replaced is None or choice is AccountChoice.KEEP_BOTH:
        return Activated(_renew(same, pending=row) if same else _begin(row, is_default=not others))
    # The old account's grant is of no more use here; its tokens are kept to be revoked before they are written over.
    _revoke(replaced, ends_whole_account=ends_whole_account(replaced))
    account = replaced.account
    if same is None:
        return Activated(_renew(replaced, pending=row), replaced_account=account)
    renewed = _renew(same, pending=row)
    if replaced.is_default:
        renewed = connections.set_default(same)
    connections.erase(replaced)
    return Activated(renewed, replaced_account=account)


def drop(row: models.Connection, *, ends_whole_account: bool) -> None:
    """Erase a pending connection that the caller holds, and have its tokens revoked."""
    _revoke(row, ends_whole_account=ends_whole_account)
    row.delete(using=ALIAS)


def _revoke(row: models.Connection, *, ends_whole_account: bool) -> None:
    """Keep the tokens to be revoked, of a connection that the caller holds and is about to erase or write over.

    They are let go instead when revoking them would end another connection to the account, whosever it is, or one that
    is about to be made.
    """
    others = _living(provider=row.provider).filter(account_id=row.account_id).exclude(id=row.id)
    if not (ends_whole_account and others.exists()):
        revocations.add_for(row)


def _living(*, provider: str) -> QuerySet[models.Connection]:
    """Return everybody's connections to a provider, those included that are about to be made."""
    living = Q(activated_at__isnull=False) | Q(pending_until__gt=timezone.now())
    return models.Connection.objects.using(ALIAS).filter(living, provider=provider)


def _begin(row: models.Connection, *, is_default: bool) -> Connection:
    row.is_default = is_default
    row.activated_at, row.pending_until, row.pending_sid, row.pending_nonce_hash = timezone.now(), None, "", ""
    row.reconnects = ""
    row.save(using=ALIAS)
    return connections.to_value(row)


def _renew(row: models.Connection, *, pending: models.Connection) -> Connection:
    """Give `row` the account and tokens of the pending connection, as its next generation; the pending one goes."""
    access_token = secrets.find_token(pending, field=secrets.ACCESS)
    refresh_token = secrets.find_token(pending, field=secrets.REFRESH)
    # What was allowed for the user's absence was allowed for the account that was there.
    row.is_away_allowed = row.is_away_allowed and row.account_id == pending.account_id
    row.account_id, row.account = pending.account_id, pending.account
    row.asked_scope, row.granted_scope = pending.asked_scope, pending.granted_scope
    row.access_expires_at, row.access_life_seconds = pending.access_expires_at, pending.access_life_seconds
    row.has_refresh_token = pending.has_refresh_token
    connections.supersede(row)
    row.failures, row.retry_at, row.reconnect_reason = 0, None, ""
    pending.delete(using=ALIAS)
    row.save(using=ALIAS)
    secrets.put_tokens(row, access_token=access_token, refresh_token=refresh_token)
    return connections.to_value(row)
