"""Ended sessions in the tables, and the lock by which an end waits for the decisions that did not see it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import connections as databases
from django.db import transaction
from django.utils import timezone

from vault import models
from vault.database import ALIAS

# Nobody mints for a session whose cookie ended (two weeks); twice that leaves room for another choice of its life.
KEPT = timedelta(days=30)


@contextmanager
def hold(user: str) -> Iterator[None]:
    """Keep the sessions of `user` from ending until the block ends, without keeping others from doing the same.

    Everything in the block is one transaction. On SQLite it is the only writer; on PostgreSQL the lock is advisory,
    since there is no row to lock of what has not ended.
    """
    with transaction.atomic(using=ALIAS):
        _lock(user, function="pg_advisory_xact_lock_shared")
        yield


@contextmanager
def hold_alone(user: str) -> Iterator[None]:
    """Wait for every `hold` of `user` that has begun, and let none begin until the block ends."""
    with transaction.atomic(using=ALIAS):
        _lock(user, function="pg_advisory_xact_lock")
        yield


def end(*, user: str, sid: str) -> bool:
    """Write that a session ended; False when it had before. For callers that hold the user's sessions alone."""
    _, is_new = models.EndedSession.objects.using(ALIAS).get_or_create(
        subject=user, sid=sid, defaults={"ended_at": timezone.now()}
    )
    _sweep()
    return is_new


def end_all(*, user: str, signed_in_through: float) -> bool:
    """Write that every session begun by then ended; False when they all had. For callers that hold them alone."""
    rows = models.EndedSession.objects.using(ALIAS)
    row, _ = rows.get_or_create(subject=user, sid="", defaults={"ended_at": timezone.now()})
    if row.signed_in_through is not None and row.signed_in_through >= signed_in_through:
        return False
    row.signed_in_through, row.ended_at = signed_in_through, timezone.now()
    row.save(using=ALIAS)
    return True


def _sweep() -> None:
    """Delete ends that no token can name any more; the one of all sessions stays, so that nothing old ever counts."""
    old = models.EndedSession.objects.using(ALIAS).filter(ended_at__lt=timezone.now() - KEPT)
    old.exclude(sid="").delete()


def _lock(user: str, *, function: str) -> None:
    if databases[ALIAS].vendor == "postgresql":
        with databases[ALIAS].cursor() as cursor:
            # Two users whose hashes are equal wait for each other now and then, and nothing else happens.
            cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [f"vault.sessions:{user}"])
