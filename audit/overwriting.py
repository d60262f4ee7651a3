"""Lets what is removed from SQLite be gone from its files too; PostgreSQL keeps old rows until it vacuums."""

from django.db.backends.base.base import BaseDatabaseWrapper


def overwrite_what_goes(connection: BaseDatabaseWrapper) -> None:
    """From now on, overwrite old bytes: else they would stay in the file until something is written over them."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA secure_delete = ON")


def cut_write_ahead_log(connection: BaseDatabaseWrapper) -> None:
    """Drop the old pages that the write-ahead log keeps; where somebody reads just now, the next cut does."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
