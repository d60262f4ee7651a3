"""Registered clients in the tables: added, found by id, given a new secret, switched on and off."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from vault import models
from vault.database import ALIAS


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A registered client. `allowed` maps provider ids to scopes, or to None for whatever the user granted."""

    id: str
    name: str
    allowed: Mapping[str, frozenset[str] | None]
    grant_types: frozenset[str]
    is_enabled: bool
    created_at: datetime
    rotated_at: datetime | None
    secret_hashes: tuple[str, ...] = field(repr=False)


def add(registration: Registration) -> None:
    """Store a new client."""
    (secret_hash,) = registration.secret_hashes
    models.Client.objects.using(ALIAS).create(
        id=registration.id,
        name=registration.name,
        secret_hash=secret_hash,
        allowed={
            provider: None if scopes is None else sorted(scopes) for provider, scopes in registration.allowed.items()
        },
        grant_types=sorted(registration.grant_types),
        created_at=registration.created_at,
    )


def find(client: str) -> Registration | None:
    """Return the client with this id, enabled or not."""
    row = models.Client.objects.using(ALIAS).filter(id=client).first()
    return None if row is None else _to_value(row)


def list_all() -> tuple[Registration, ...]:
    """Return every client, oldest first."""
    return tuple(_to_value(row) for row in models.Client.objects.using(ALIAS).order_by("created_at", "id"))


def rotate(client: str, *, secret_hash: str, overlap: timedelta) -> None:
    """Give the client a new secret; of the older ones, the last alone works on, until `overlap` is over."""
    with transaction.atomic(using=ALIAS):
        row = models.Client.objects.using(ALIAS).select_for_update().get(id=client)
        now = timezone.now()
        row.previous_secret_hash = row.secret_hash if overlap else ""
        row.previous_until = now + overlap if overlap else None
        row.secret_hash, row.rotated_at = secret_hash, now
        row.save(using=ALIAS, update_fields=["secret_hash", "previous_secret_hash", "previous_until", "rotated_at"])


def set_enabled(client: str, *, is_enabled: bool) -> None:
    """Switch the client on or off."""
    models.Client.objects.using(ALIAS).filter(id=client).update(is_enabled=is_enabled)


def _to_value(row: models.Client) -> Registration:
    is_previous_valid = row.previous_until is not None and row.previous_until > timezone.now()
    return Registration(
        id=row.id,
        name=row.name,
        allowed={provider: None if scopes is None else frozenset(scopes) for provider, scopes in row.allowed.items()},
        grant_types=frozenset(row.grant_types),
        is_enabled=row.is_enabled,
        created_at=row.created_at,
        rotated_at=row.rotated_at,
        secret_hashes=(row.secret_hash, row.previous_secret_hash) if is_previous_valid else (row.secret_hash,),
    )
