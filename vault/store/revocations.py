"""Tokens of erased connections in the tables, sealed at a place of their own until their provider took them back."""

import json
import secrets as random
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from vault import models
from vault.database import ALIAS
from vault.errors import SealBrokenError
from vault.store import secrets

# After a day the provider's own expiry has taken the access token back (its longest life is Slack's 12 hours).
LIFE = timedelta(days=1)
# The first retry waits this long, each further one twice as long, so that an outage is not hammered.
FIRST_RETRY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A revocation that the caller is to try now. `is_last` when it will not be tried again."""

    id: str
    connection: str
    user: str
    provider: str
    account: str
    is_last: bool
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


def add(*, connection: str, user: str, provider: str, account: str, access_token: str, refresh_token: str) -> None:
    """Keep the tokens of an erased connection until they are revoked, at a place that no exchange reads."""
    revocation_id = f"rev_{random.token_urlsafe(16)}"
    now = timezone.now()
    models.Revocation.objects.using(ALIAS).create(
        id=revocation_id,
        connection=connection,
        subject=user,
        provider=provider,
        account=account,
        sealed=secrets.seal(
            json.dumps([access_token, refresh_token]),
            binding=secrets.place_of_revocation(revocation_id, user=user, provider=provider),
        ),
        due_at=now,
        expires_at=now + LIFE,
    )


def add_for(row: models.Connection) -> None:
    """Keep the tokens of a connection that the caller is about to erase; tokens that do not open are let go."""
    try:
        access_token = secrets.find_token(row, field=secrets.ACCESS)
        refresh_token = secrets.find_token(row, field=secrets.REFRESH)
    except SealBrokenError:
        # The user's wish to erase is never refused; what nobody can open, nobody can use.
        return
    add(
        connection=row.id,
        user=row.subject,
        provider=row.provider,
        account=row.account,
        access_token=access_token,
        refresh_token=refresh_token,
    )


def claim_due() -> Claimed | None:
    """Return one revocation that is due, put off for whoever else looks; None when none is due.

    Raises:
        vault.errors.SealBrokenError: Its tokens do not open; it is deleted.
    """
    now = timezone.now()
    with transaction.atomic(using=ALIAS):
        row = models.Revocation.objects.using(ALIAS).filter(due_at__lte=now).select_for_update().first()
        if row is None:
            return None
        row.due_at = now + FIRST_RETRY * 2**row.attempts
        row.attempts += 1
        row.save(using=ALIAS)
    access_token, refresh_token = _open(row)
    return Claimed(
        id=row.id,
        connection=row.connection,
        user=row.subject,
        provider=row.provider,
        account=row.account,
        is_last=row.due_at >= row.expires_at,
        access_token=access_token,
        refresh_token=refresh_token,
    )


def drop_for(row: models.Connection) -> bool:
    """Erase what waits to revoke the grant that the caller's connection renews; tell whether there was any."""
    waiting = models.Revocation.objects.using(ALIAS).filter(subject=row.subject, provider=row.provider)
    deleted, _ = waiting.filter(account=row.account).delete()
    return bool(deleted)


def _open(row: models.Revocation) -> tuple[str, str]:
    binding = secrets.place_of_revocation(row.id, user=row.subject, provider=row.provider)
    try:
        access_token, refresh_token = json.loads(secrets.unseal(row.sealed, binding=binding))
    except SealBrokenError:
        # A record that does not open will not open later either, and must not stand in the way of the next.
        delete(row.id)
        raise
    return access_token, refresh_token


def delete(revocation: str) -> None:
    """Erase a revocation that is done or given up."""
    models.Revocation.objects.using(ALIAS).filter(id=revocation).delete()
