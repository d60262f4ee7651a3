"""Remembers who is busy: while Claude or a service wants to be left alone, no briefing begins that nobody waits for.

What people ask for themselves is never held back. Sync and short; a hold that is noted twice holds until the later end.
"""

import logging
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from django.db import Error
from django.db.models import Max, Q
from django.utils import timezone

from agent.briefing.types import Reading
from agent.errors import ModelError
from agent.models import Hold as Row

# Who does not say for how long is asked again after this; an overload of the Messages API passes in minutes or so.
_SHORTEST = timedelta(minutes=1)
# GitHub's limits begin anew within the hour. Whoever asks for more is asked again all the same.
_LONGEST = timedelta(hours=1)
_CLAUDE = "claude"
_MODEL_IS_BUSY = frozenset({"overloaded", "rate_limited", "unreachable"})
_SERVICE_IS_BUSY = frozenset({"rate_limited", "upstream_unavailable"})

logger = logging.getLogger(__name__)


def note(user: int, *, error: ModelError | None, readings: Iterable[Reading]) -> None:
    """Note who was busy in a run of `user` that ends now: the model, for everybody, and services, for this user."""
    now = timezone.now()
    rows = [
        Row(name=reading.provider, user_id=user, until=_until(reading.retry_after_seconds, now=now))
        for reading in readings
        if reading.error in _SERVICE_IS_BUSY
    ]
    if error and error.code in _MODEL_IS_BUSY:
        rows.append(Row(name=_CLAUDE, until=_until(error.retry_after_seconds, now=now)))
    try:
        Row.objects.bulk_create(rows)
    except Error:
        # It spares others a wait; no run's last event depends on it.
        logger.exception("agent.hold_not_noted")


def find_model(*, now: datetime) -> datetime | None:
    """Return until when the model is busy, None if it is not known to be."""
    return _find(Q(name=_CLAUDE), now=now)


def find_service(user: int, *, providers: Collection[str], now: datetime) -> datetime | None:
    """Return until when one of the user's services is busy, None if none is known to be."""
    return _find(Q(user_id=user, name__in=providers), now=now)


def forget(*, before: datetime) -> None:
    """Delete what held until then."""
    Row.objects.filter(until__lt=before).delete()


def _find(which: Q, *, now: datetime) -> datetime | None:
    until: datetime | None = Row.objects.filter(which, until__gt=now).aggregate(until=Max("until"))["until"]
    return until


def _until(asked_seconds: float | None, *, now: datetime) -> datetime:
    asked = timedelta(seconds=min(asked_seconds or 0.0, _LONGEST.total_seconds()))
    return now + max(asked, _SHORTEST)
