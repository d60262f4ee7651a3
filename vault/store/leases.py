"""The refresh lease in the tables: one refresher at a time over all processes, and no write by one that lost it.

A lease is taken by a conditional UPDATE that raises the connection's fence, and lives as long as its holder puts its
end off; the database's clock decides, so that hosts need not agree on the time. Only the holder of the newest fence
can judge the grant; no lock and no database connection is held while the provider is asked.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from vault import models
from vault.database import ALIAS
from vault.store import fingerprints, revocations, secrets
from vault.store.connections import REDUCED
from vault.store.revocations import Orphan


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to refresh one generation of a connection's tokens, until it expires or is taken over."""

    connection: str
    provider: str
    user: str
    account_id: str
    account: str
    generation: int
    fence: int
    is_in_doubt: bool
    failures: int
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTokens:
    """What a refresh brought. Empty `refresh_token` and `granted_scope` mean: as before."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    granted_scope: str
    life_seconds: int | None
    expires_at: datetime | None


def take(*, connection: str, generation: int, owner: str, ttl: timedelta) -> Lease | Literal["held", "over"]:
    """Take the lease for `ttl` and commit the intent to refresh `generation`.

    Returns:
        The lease; "held" when somebody else has it; "over" when there is nothing to refresh any more.
    """
    with transaction.atomic(using=ALIAS):
        row = _find(connection)
        if row is None or row.generation != generation or row.reconnect_reason or not row.has_refresh_token:
            return "over"
        if row.retry_at is not None and row.retry_at > timezone.now():
            # Somebody else's try failed while the caller waited for it.
            return "over"
        taken = (
            _rows(connection)
            .filter(Q(lease_until__isnull=True) | Q(lease_until__lte=Now()), generation=generation, fence=row.fence)
            .update(fence=F("fence") + 1, lease_owner=owner, lease_until=Now() + ttl)
        )
        return _begin(row) if taken else "held"


def extend(lease: Lease, *, ttl: timedelta) -> bool:
    """Let the lease end `ttl` from now; False when it was lost, or is over."""
    # A beat that comes late must not wake a lease that its holder has ended.
    return bool(_held(lease).filter(lease_until__isnull=False).update(lease_until=Now() + ttl))


def save(lease: Lease, tokens: NewTokens) -> Literal["saved", "saved late", "lost"]:
    """Store the new tokens as the next generation and end the lease.

    Returns:
        "saved late" when somebody else took the lease over meanwhile and has no tokens yet; "lost" when the tokens are
        another generation's by now. When the connection was erased and not made anew, the new ones are kept to be
        revoked.
    """
    with transaction.atomic(using=ALIAS):
        row = _rows(lease.connection).filter(generation=lease.generation).select_for_update().first()
        if row is None:
            _revoke_orphan(lease, tokens)
            return "lost"
        refresh_token = tokens.refresh_token or secrets.find_token(row, field=secrets.REFRESH)
        row.generation += 1
        row.granted_scope = tokens.granted_scope or row.granted_scope
        row.access_expires_at, row.access_life_seconds = tokens.expires_at, tokens.life_seconds
        row.failures, row.retry_at, row.reconnect_reason = 0, None, ""
        is_late = row.fence != lease.fence
        if is_late:
            # Who took over has shown the old refresh token once more, for which a provider may end the whole grant.
            # These tokens are the only ones that can be alive: kept, but proven by a refresh before one is given. The
            # lease stays with whoever has it, so that this proof comes after their answer.
            row.access_expires_at = timezone.now()
            row.save(using=ALIAS)
        else:
            _end(row)
        secrets.put_tokens(row, access_token=tokens.access_token, refresh_token=refresh_token)
    return "saved late" if is_late else "saved"


def give_up(lease: Lease, *, reason: str) -> bool:
    """End the lease and mark that the connection must be made anew, unless there are new tokens meanwhile.

    Returns:
        Whether it was marked: False when the lease was lost, or its holder's answer was not about these tokens.
    """
    with transaction.atomic(using=ALIAS):
        row = _held(lease).select_for_update().first()
        if row is None:
            return False
        is_proof = row.generation == lease.generation
        if is_proof:
            row.reconnect_reason = reason
        _end(row)
    return is_proof


def postpone(lease: Lease, *, delay: timedelta, is_in_doubt: bool) -> None:
    """End the lease after a passing failure; nobody tries again before `delay` is over."""
    with transaction.atomic(using=ALIAS):
        row = _held(lease).select_for_update().first()
        if row is None:
            return
        if row.generation == lease.generation:
            row.failures += 1
            row.retry_at = timezone.now() + delay
        _end(row, is_in_doubt=is_in_doubt)


def _begin(row: models.Connection) -> Lease:
    """Write the intent into the row whose lease was just taken: whoever finds it later knows a request went out."""
    is_in_doubt = row.intent_generation == row.generation
    refresh_token = secrets.find_token(row, field=secrets.REFRESH)
    _rows(row.id).update(
        intent_generation=row.generation,
        intent_fingerprint=fingerprints.of(refresh_token),
        intent_at=timezone.now(),
    )
    return Lease(
        connection=row.id,
        provider=row.provider,
        user=row.subject,
        account_id=row.account_id,
        account=row.account,
        generation=row.generation,
        fence=row.fence + 1,
        is_in_doubt=is_in_doubt,
        failures=row.failures,
        refresh_token=refresh_token,
    )


def _end(row: models.Connection, *, is_in_doubt: bool = False) -> None:
    row.lease_owner, row.lease_until = "", None
    if not is_in_doubt:
        row.intent_generation, row.intent_fingerprint, row.intent_at = None, "", None
    row.save(using=ALIAS)


def _revoke_orphan(lease: Lease, tokens: NewTokens) -> None:
    """Revoke what a refresh brought for a connection that its user erased; a lost race needs no revocation."""
    # One whose tokens were ended so that it is made again with less is as good as erased.
    active = models.Connection.objects.using(ALIAS).filter(activated_at__isnull=False).exclude(reconnect_reason=REDUCED)
    if active.filter(subject=lease.user, provider=lease.provider, account_id=lease.account_id).exists():
        return
    revocations.add(
        Orphan(
            connection=lease.connection,
            user=lease.user,
            provider=lease.provider,
            account_id=lease.account_id,
            account=lease.account,
            token_ends_at=tokens.expires_at,
            access_token=tokens.access_token,
            refresh_token=tokens.refresh_token or lease.refresh_token,
        )
    )


def _rows(connection: str) -> QuerySet[models.Connection]:
    return models.Connection.objects.using(ALIAS).filter(id=connection)


def _held(lease: Lease) -> QuerySet[models.Connection]:
    return _rows(lease.connection).filter(fence=lease.fence)


def _find(connection: str) -> models.Connection | None:
    return _rows(connection).first()
