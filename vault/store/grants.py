"""Grants in the tables: a user's leave to be read for in their absence. Policy is decided by the caller."""

import secrets as random
from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from vault import models
from vault.database import ALIAS
from vault.types import Grant


def create(*, user: str, agent: str, providers: Iterable[str], tools: Iterable[str], expires_at: datetime) -> Grant:
    """Store a grant of `user` and return it."""
    row = models.Grant.objects.using(ALIAS).create(
        id=f"grant_{random.token_urlsafe(16)}",
        subject=user,
        agent=agent,
        providers=_joined(providers),
        tools=_joined(tools),
        granted_at=timezone.now(),
        expires_at=expires_at,
    )
    return _value(row)


def find_living(grant: str, *, user: str) -> Grant | None:
    """Return a grant of `user` that neither ended nor expired, or None."""
    row = _living(user).filter(id=grant).first()
    return _value(row) if row else None


def lock(grant: str, *, user: str) -> Grant | None:
    """Return a grant of `user` that was not ended, expired or not, kept from others' changes; None if there is none.

    For callers in a transaction of theirs.
    """
    rows = models.Grant.objects.using(ALIAS).select_for_update()
    row = rows.filter(id=grant, subject=user, ended_at__isnull=True).first()
    return _value(row) if row else None


def lock_all(*, agent: str, user: str) -> tuple[Grant, ...]:
    """Return, locked likewise, the grants of `user` to an agent that were not ended, the oldest first."""
    rows = models.Grant.objects.using(ALIAS).select_for_update()
    held = rows.filter(agent=agent, subject=user, ended_at__isnull=True)
    return tuple(_value(row) for row in held.order_by("granted_at", "id"))


def change(grant: str, *, providers: Iterable[str], tools: Iterable[str], expires_at: datetime) -> Grant:
    """Replace what a grant holds, and return it; for the holder of its lock."""
    rows = models.Grant.objects.using(ALIAS).filter(id=grant)
    rows.update(providers=_joined(providers), tools=_joined(tools), expires_at=expires_at)
    return _value(rows.get())


def list_unended(*, user: str) -> tuple[Grant, ...]:
    """Return the grants of `user` that were not ended, those that expired among them, the oldest first."""
    rows = models.Grant.objects.using(ALIAS).filter(subject=user, ended_at__isnull=True)
    return tuple(_value(row) for row in rows.order_by("granted_at", "id"))


def end(grant: str, *, user: str) -> bool:
    """End one grant of `user`, also one that expired; False when there is no such one, or it was ended before."""
    rows = models.Grant.objects.using(ALIAS).filter(id=grant, subject=user, ended_at__isnull=True)
    return bool(rows.update(ended_at=timezone.now()))


def end_all(*, user: str) -> None:
    """End every grant of `user`, those that expired among them, so that none is renewed."""
    models.Grant.objects.using(ALIAS).filter(subject=user, ended_at__isnull=True).update(ended_at=timezone.now())


def _living(user: str) -> QuerySet[models.Grant]:
    return models.Grant.objects.using(ALIAS).filter(subject=user, ended_at__isnull=True, expires_at__gt=timezone.now())


def _joined(names: Iterable[str]) -> str:
    return " ".join(sorted(set(names)))


def _value(row: models.Grant) -> Grant:
    return Grant(
        id=row.id,
        agent=row.agent,
        providers=tuple(row.providers.split()),
        tools=tuple(row.tools.split()),
        granted_at=row.granted_at,
        expires_at=row.expires_at,
    )
