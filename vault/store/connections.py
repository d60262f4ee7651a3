"""Active connections in the tables: read, locked for a decision, switched, erased. Policy is decided by the caller."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import connections as databases
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from vault import models
from vault.database import ALIAS
from vault.errors import NotConnectedError
from vault.store import secrets
from vault.types import Connection

# What a connection without a refresh token is marked with once its access token has ended; never stored.
EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Decidable:
    """What an exchange is decided on, read under the lock; `row` opens the token while the lock is held."""

    row: models.Connection

    @property
    def is_refresh_held(self) -> bool:
        """Whether somebody refreshes it now."""
        return self.row.lease_until is not None and self.row.lease_until > timezone.now()

    @property
    def is_in_doubt(self) -> bool:
        """Whether a refresh of these very tokens was begun and never answered."""
        return self.row.intent_generation == self.row.generation

    def open_access_token(self) -> str:
        """Return the access token.

        Raises:
            vault.errors.SealBrokenError: Its record does not belong here.
        """
        return secrets.find_token(self.row, field=secrets.ACCESS)


def list_active(*, user: str) -> tuple[Connection, ...]:
    """Return the user's active connections by provider."""
    return tuple(to_value(row) for row in _active(user=user).order_by("provider"))


@contextmanager
def lock_for_decision(*, user: str, audience: str) -> Iterator[Decidable]:
    """Hold the user's connection `audience`, a provider or connection id, unchanged until the block ends.

    Switching access, disconnecting and replacing wait for the block, or the block for them: that is what makes a
    revoke linearizable. On SQLite the transaction is the only writer; on PostgreSQL `FOR SHARE` lets exchanges of one
    connection run side by side.

    Raises:
        NotConnectedError: The user has no such active connection.
    """
    with transaction.atomic(using=ALIAS):
        matches = _active(user=user).filter(Q(provider=audience) | Q(id=audience))
        row = (_share_lock(matches) if databases[ALIAS].vendor == "postgresql" else matches).first()
        if row is None:
            raise NotConnectedError
        yield Decidable(row)


@contextmanager
def lock_for_change(*, user: str, provider: str) -> Iterator[models.Connection]:
    """Hold the user's connection to `provider` alone until the block ends.

    Raises:
        NotConnectedError: The user has no such active connection.
    """
    with transaction.atomic(using=ALIAS):
        row = _active(user=user).filter(provider=provider).select_for_update().first()
        if row is None:
            raise NotConnectedError
        yield row


def set_access(row: models.Connection, *, is_allowed: bool) -> Connection:
    """Write the switch of a connection that the caller holds, and return it."""
    row.is_access_allowed = is_allowed
    row.save(using=ALIAS, update_fields=["is_access_allowed"])
    return to_value(row)


def erase(row: models.Connection) -> None:
    """Delete a connection that the caller holds, and its sealed tokens with it."""
    row.delete(using=ALIAS)


def to_value(row: models.Connection) -> Connection:
    """Return an active connection as others see it."""
    assert row.activated_at is not None
    return Connection(
        id=row.id,
        provider=row.provider,
        account=row.account,
        granted_scope=row.granted_scope,
        is_access_allowed=row.is_access_allowed,
        reconnect_reason=row.reconnect_reason or (EXPIRED if _has_ended(row, now=timezone.now()) else ""),
        connected_at=row.activated_at,
    )


def _has_ended(row: models.Connection, *, now: datetime) -> bool:
    return not row.has_refresh_token and row.access_expires_at is not None and row.access_expires_at <= now


def _active(*, user: str) -> QuerySet[models.Connection]:
    return models.Connection.objects.using(ALIAS).filter(subject=user, activated_at__isnull=False)


def _share_lock(matches: QuerySet[models.Connection]) -> QuerySet[models.Connection]:
    """Lock the matching rows in share mode, which the ORM has no word for, and return them as they are then."""
    # A reconnect may replace the row while the lock is waited for; its successor is not locked, so it is asked again.
    while ids := list(matches.values_list("id", flat=True)):
        with databases[ALIAS].cursor() as cursor:
            cursor.execute("SELECT id FROM vault_connection WHERE id = ANY(%s) FOR SHARE", [ids])
            locked = [row_id for (row_id,) in cursor.fetchall()]
        if locked:
            return matches.filter(id__in=locked)
    return matches.none()
