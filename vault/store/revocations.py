"""Tokens of erased connections in the tables, sealed at a place of their own until their provider took them back.

How it ended is kept for a while without the token, for the user to see.
"""

import json
import secrets as random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import uniform

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from vault import models
from vault.database import ALIAS
from vault.errors import SealBrokenError
from vault.store import secrets
from vault.types import Revocation, RevocationState

# After a day the provider's own expiry has taken the access token back (its longest life is Slack's 12 hours).
LIFE = timedelta(days=1)
# The first retry waits about this long, each further one twice as long, so that an outage is not hammered.
FIRST_RETRY = timedelta(minutes=1)
# The user sees for a week how it ended; the timeline keeps it for good.
SHOWN = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """Tokens whose connection is gone, or never came to be, with "" for what nobody said of it.

    `token_ends_at` is when the access token ends by itself, None for never. An unknown account may be any.
    """

    connection: str
    user: str
    provider: str
    account_id: str
    account: str
    token_ends_at: datetime | None
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


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


def add(orphan: Orphan) -> None:
    """Keep tokens until they are revoked, at a place that no exchange reads."""
    revocation_id = f"rev_{random.token_urlsafe(16)}"
    now = timezone.now()
    models.Revocation.objects.using(ALIAS).create(
        id=revocation_id,
        connection=orphan.connection,
        subject=orphan.user,
        provider=orphan.provider,
        account_id=orphan.account_id,
        account=orphan.account,
        token_ends_at=orphan.token_ends_at,
        sealed=_seal(
            revocation_id,
            user=orphan.user,
            provider=orphan.provider,
            tokens=(orphan.access_token, orphan.refresh_token),
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
    if not access_token:
        # Ended before, so that the connection could be made again with less.
        return
    add(
        Orphan(
            connection=row.id,
            user=row.subject,
            provider=row.provider,
            account_id=row.account_id,
            account=row.account,
            token_ends_at=row.access_expires_at,
            access_token=access_token,
            refresh_token=refresh_token,
        )
    )


def find_next_due() -> datetime | None:
    """Return when the next revocation is to be tried, None when none waits."""
    return _claimable().order_by("due_at").values_list("due_at", flat=True).first()


def claim_due() -> Claimed | None:
    """Return one revocation that is due, put off for whoever else looks; None when none is due.

    Raises:
        vault.errors.SealBrokenError: Its tokens do not open; it is ended.
    """
    now = timezone.now()
    with transaction.atomic(using=ALIAS):
        row = _claimable().filter(due_at__lte=now).select_for_update().first()
        if row is None:
            return None
        # Not all at the same moment after an outage.
        row.due_at = now + FIRST_RETRY * 2**row.attempts * uniform(0.75, 1.25)  # noqa: S311  (no secret)
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


def renew(revocation: str, *, access_token: str, refresh_token: str) -> None:
    """Keep the tokens that a try of the revocation got in place of its own, for the next try."""
    with transaction.atomic(using=ALIAS):
        row = models.Revocation.objects.using(ALIAS).filter(id=revocation).select_for_update().first()
        if row is None:
            return
        row.sealed = _seal(row.id, user=row.subject, provider=row.provider, tokens=(access_token, refresh_token))
        row.save(using=ALIAS, update_fields=["sealed"])


def end(revocation: str, *, is_confirmed: bool) -> None:
    """Erase the tokens of a revocation that is done or given up, and keep how it ended."""
    with transaction.atomic(using=ALIAS):
        row = models.Revocation.objects.using(ALIAS).filter(id=revocation).select_for_update().first()
        if row is None:
            # Connected again meanwhile: what waited for the old tokens is of no concern any more.
            return
        models.EndedRevocation.objects.using(ALIAS).create(
            id=row.id,
            subject=row.subject,
            provider=row.provider,
            account=row.account,
            is_confirmed=is_confirmed,
            token_ends_at=row.token_ends_at,
            ended_at=timezone.now(),
        )
        row.delete(using=ALIAS)


def drop_for(row: models.Connection) -> list[tuple[str, str, str]]:
    """Erase what waits to end the account that the caller's connection is to, or may do so, whoever asked for it.

    Returns:
        User, connection and account of each that was erased; the account is "" where nobody was told whose it is.
    """
    waiting = models.Revocation.objects.using(ALIAS).filter(provider=row.provider, account_id__in=[row.account_id, ""])
    dropped = [(one.subject, one.connection, one.account) for one in waiting.order_by("id").select_for_update()]
    waiting.delete()
    return dropped


def list_shown(*, user: str) -> tuple[Revocation, ...]:
    """Return the user's revocations, newest first: those that wait, and those that ended within `SHOWN`."""
    waiting = models.Revocation.objects.using(ALIAS).filter(subject=user).order_by("-expires_at")
    ended = models.EndedRevocation.objects.using(ALIAS).filter(subject=user, ended_at__gt=timezone.now() - SHOWN)
    return (
        *(_value(row, state=RevocationState.WAITING) for row in waiting),
        *(
            _value(row, state=RevocationState.REVOKED if row.is_confirmed else RevocationState.UNCONFIRMED)
            for row in ended.order_by("-ended_at")
        ),
    )


def sweep() -> None:
    """Delete what is not shown any more."""
    models.EndedRevocation.objects.using(ALIAS).filter(ended_at__lte=timezone.now() - SHOWN).delete()


def _value(row: models.Revocation | models.EndedRevocation, *, state: RevocationState) -> Revocation:
    return Revocation(
        id=row.id,
        provider=row.provider,
        account=row.account,
        state=state,
        ended_at=row.ended_at if isinstance(row, models.EndedRevocation) else None,
        token_ends_at=row.token_ends_at,
    )


def _claimable() -> QuerySet[models.Revocation]:
    """Return what may be tried: not of an account that somebody is connecting, whose new tokens it could end."""
    begun = models.Connection.objects.using(ALIAS).filter(
        provider=OuterRef("provider"), pending_until__gt=timezone.now()
    )
    is_of_it = Exists(begun.filter(account_id=OuterRef("account_id")))
    may_be_of_it = Q(account_id="") & Exists(begun)
    return models.Revocation.objects.using(ALIAS).filter(~is_of_it, ~may_be_of_it)


def _seal(revocation: str, *, user: str, provider: str, tokens: tuple[str, str]) -> bytes:
    return secrets.seal(
        json.dumps(tokens), binding=secrets.place_of_revocation(revocation, user=user, provider=provider)
    )


def _open(row: models.Revocation) -> tuple[str, str]:
    binding = secrets.place_of_revocation(row.id, user=row.subject, provider=row.provider)
    try:
        access_token, refresh_token = json.loads(secrets.unseal(row.sealed, binding=binding))
    except SealBrokenError:
        # A record that does not open will not open later either, and must not stand in the way of the next.
        end(row.id, is_confirmed=False)
        raise
    return access_token, refresh_token
