"""Revoked subject and actor tokens in the tables, each until it would have ended by itself."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from vault import models
from vault.database import ALIAS

# The clocks of two vault processes may differ: what one sweeps away as ended, the other must not still believe.
_MARGIN = timedelta(minutes=1)


def add(jti: str, *, expires_at: datetime) -> bool:
    """Remember that the token `jti` is revoked, and tell whether that is new; forget those that ended."""
    with transaction.atomic(using=ALIAS):
        rows = models.RevokedToken.objects.using(ALIAS)
        rows.filter(expires_at__lte=timezone.now()).delete()
        _, is_new = rows.get_or_create(jti=jti, defaults={"expires_at": expires_at + _MARGIN})
    return is_new
