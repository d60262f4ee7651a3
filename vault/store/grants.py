"""Grants in the tables: a user's leave to be read for in their absence. Policy is decided by the caller."""

import secrets as random
from collections.abc import Iterable
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from vault import models
from vault.database import ALIAS
from vault.types import Grant


def create(*, user: str, providers: Iterable[str], expires_at: datetime) -> Grant:
    """Store a grant of `user` and return it."""
    row = models.Grant.objects.using(ALIAS).create(
        id=f"grant_{random.token_urlsafe(16)}",
        subject=user,
        providers=" ".join(sorted(set(providers))),
        granted_at=timezone.now(),
        expires_at=expires_at,
    )
    return _value(row)


def find_living(grant: str, *, user: str) -> Grant | None:
    """Return a grant of `user` that neither ended nor expired, or None."""
    row = _living(user).filter(id=grant).first()
    return _value(row) if row else None


def end(grant: str, *, user: str) -> bool:
    """End one grant of `user`; False when there is no such living one."""
    return bool(_living(user).filter(id=grant).update(ended_at=timezone.now()))


def end_all(*, user: str) -> None:
    """End every grant of `user`."""
    _living(user).update(ended_at=timezone.now())


def _living(user: str) -> QuerySet[models.Grant]:
    return models.Grant.objects.using(ALIAS).filter(subject=user, ended_at__isnull=True, expires_at__gt=timezone.now())


def _value(row: models.Grant) -> Grant:
    return Grant(
        id=row.id,
        providers=tuple(row.providers.split()),
        granted_at=row.granted_at,
        expires_at=row.expires_at,
    )
