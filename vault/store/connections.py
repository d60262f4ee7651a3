"""Active connections in the tables: read, locked for a decision, switched, erased. Policy is decided by the caller."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from vault import models
from vault.database import ALIAS
from vault.errors import NotConnectedError
from vault.store import secrets, statements
from vault.types import Connection

# What a connection without a refresh token is marked with once its access token has ended; never stored.
EXPIRED = "expired"
# What a connection is marked with whose tokens were ended so that it can be made again with less.
REDUCED = "reduced"


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
    """Return the user's active connections by provider, the default one first."""
    return tuple(to_value(row) for row in _active(user=user).order_by("provider", "-is_default", "account"))


def list_allowed() -> list[tuple[str, str]]:
    """Return user and id of every active connection whose switch is on."""
    rows = models.Connection.objects.using(ALIAS).filter(activated_at__isnull=False, is_access_allowed=True)
    return list(rows.order_by("id").values_list("subject", "id"))


def load_active(*, user: str, connection: str) -> Connection:
    """Return the user's active connection with this id.

    Raises:
        NotConnectedError: The user has none.
    """
    row = _active(user=user).filter(id=connection).first()
    if row is None:
        raise NotConnectedError
    return to_value(row)


def find_default(*, user: str, provider: str) -> str | None:
    """Return the id of the user's active connection that the provider's name stands for, None where none does."""
    return _active(user=user).filter(provider=provider, is_default=True).values_list("id", flat=True).first()


@contextmanager
def lock_for_decision(*, user: str, audience: str, login_hint: str = "") -> Iterator[Decidable]:
    """Hold the user's connection `audience`, a provider or connection id, unchanged until the block ends.

    A provider id stands for its default connection, or for the one whose account id, e-mail address or name is
    `login_hint`. Switching access, disconnecting and reconnecting wait for the block, or the block for them: that is
    what makes a revoke linearizable. On SQLite the transaction is the only writer; on PostgreSQL `FOR SHARE` lets
    exchanges of one connection run side by side.

    Raises:
        NotConnectedError: The user has no such active connection, or several fit.
    """
    # Inside `vault.sessions.hold` this joins its transaction; a savepoint would cost two statements for nothing.
    with transaction.atomic(using=ALIAS, savepoint=False):
        yield Decidable(_lock_one(user=user, audience=audience, login_hint=login_hint))


@contextmanager
def lock_for_change(*, user: str, connection: str) -> Iterator[models.Connection]:
    """Hold the user's connection, named by its id or as its provider's default, alone until the block ends.

    The user's other connections to the provider are held too, since one of them may become the default.

    Raises:
        NotConnectedError: The user has no such active connection.
    """
    with transaction.atomic(using=ALIAS):
        provider = _active(user=user).filter(id=connection).values_list("provider", flat=True).first() or connection
        yield _pick(lock_all(user=user, provider=provider), audience=connection)


def lock_all(*, user: str, provider: str) -> list[models.Connection]:
    """Hold the user's active connections to `provider` until the caller's transaction ends; oldest first."""
    # Always in the same order, so that two changes wait for each other and never both.
    rows = _active(user=user).filter(provider=provider).order_by("id").select_for_update()
    return sorted(rows, key=lambda row: row.activated_at or timezone.now())


def set_access(row: models.Connection, *, is_allowed: bool) -> Connection:
    """Write the switch of a connection that the caller holds, and return it; a restore ends a pause as well."""
    row.is_access_allowed = is_allowed
    if is_allowed:
        row.paused_until = None
    row.save(using=ALIAS, update_fields=["is_access_allowed", "paused_until"])
    return to_value(row)


def set_default(row: models.Connection) -> Connection:
    """Make a connection, which the caller holds with its user's others to the provider, the one its name stands for."""
    _active(user=row.subject).filter(provider=row.provider, is_default=True).exclude(id=row.id).update(is_default=False)
    row.is_default = True
    row.save(using=ALIAS, update_fields=["is_default"])
    return to_value(row)


def set_pause(row: models.Connection, *, until: datetime | None) -> Connection:
    """Pause a connection that the caller holds until an instant, or end its pause, and return it."""
    row.paused_until = until
    row.save(using=ALIAS, update_fields=["paused_until"])
    return to_value(row)


def set_away(row: models.Connection, *, is_allowed: bool) -> Connection:
    """Write whether a connection that the caller holds may be read while its user is away, and return it."""
    row.is_away_allowed = is_allowed
    row.save(using=ALIAS, update_fields=["is_away_allowed"])
    return to_value(row)


def tell_switch(row: models.Connection) -> str:
    """Return where the switch of a connection stands, for the audit."""
    if not row.is_access_allowed:
        return "revoked"
    return f"paused until {row.paused_until:%Y-%m-%d %H:%M} UTC" if is_paused(row) else "allowed"


def is_paused(row: models.Connection) -> bool:
    """Tell whether a pause lasts now; one that is over needs nobody to lift it."""
    return row.paused_until is not None and row.paused_until > timezone.now()


def erase(row: models.Connection) -> None:
    """Delete a connection that the caller holds, and its sealed tokens; the oldest one left becomes the default."""
    was_default = row.is_default
    row.delete(using=ALIAS)
    if was_default and (left := lock_all(user=row.subject, provider=row.provider)):
        set_default(left[0])


def empty(row: models.Connection, *, asked_scope: str) -> None:
    """Delete the sealed tokens of a connection that the caller holds; it is to be made again, with `asked_scope`."""
    row.tokens.using(ALIAS).all().delete()
    row.asked_scope, row.granted_scope = asked_scope, ""
    row.has_refresh_token, row.access_expires_at, row.access_life_seconds = False, None, None
    row.reconnect_reason = REDUCED
    supersede(row)
    row.save(using=ALIAS)


def supersede(row: models.Connection) -> None:
    """Begin the next generation of a connection that the caller holds and saves.

    SECURITY: a refresh under way loses its lease and finds another generation, so what it brings is revoked and never
    written over what is there now.
    """
    row.generation += 1
    row.fence += 1
    row.lease_owner, row.lease_until = "", None
    row.intent_generation, row.intent_fingerprint, row.intent_at = None, "", None


def to_value(row: models.Connection) -> Connection:
    """Return an active connection as others see it."""
    assert row.activated_at is not None
    return Connection(
        id=row.id,
        provider=row.provider,
        account=row.account,
        is_default=row.is_default,
        asked_scope=row.asked_scope,
        granted_scope=row.granted_scope,
        is_access_allowed=row.is_access_allowed,
        reconnect_reason=row.reconnect_reason or (EXPIRED if _has_ended(row, now=timezone.now()) else ""),
        connected_at=row.activated_at,
        paused_until=row.paused_until if is_paused(row) else None,
        is_away_allowed=row.is_away_allowed,
    )


def _has_ended(row: models.Connection, *, now: datetime) -> bool:
    return not row.has_refresh_token and row.access_expires_at is not None and row.access_expires_at <= now


def _active(*, user: str) -> QuerySet[models.Connection]:
    return models.Connection.objects.using(ALIAS).filter(subject=user, activated_at__isnull=False)


def _pick(rows: list[models.Connection], *, audience: str, login_hint: str = "") -> models.Connection:
    """Return the one row that is meant.

    Raises:
        NotConnectedError: None is, or several: an account's name may be another one's id.
    """
    if login_hint:
        rows = [row for row in rows if login_hint in (row.account_id, row.account)]
    else:
        rows = [row for row in rows if row.id == audience or (row.is_default and row.provider == audience)]
    if len(rows) != 1:
        raise NotConnectedError
    return rows[0]


def _lock_one(*, user: str, audience: str, login_hint: str) -> models.Connection:
    """Lock what may be meant and return what is.

    Raises:
        NotConnectedError: There is none, or several fit.
    """
    seen: list[str] | None = None
    while True:
        rows = statements.lock_candidates(user=user, audience=audience)
        try:
            return _pick(rows, audience=audience, login_hint=login_hint)
        except NotConnectedError:
            # A reconnect may have put another row in place while the lock of this one was waited for.
            if seen == [row.id for row in rows]:
                raise
            seen = [row.id for row in rows]
