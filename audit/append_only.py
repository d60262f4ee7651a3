"""What makes the table append-only: triggers that refuse every change of a row, whoever asks.

They stop an application's mistake or injected SQL. Who may drop triggers may drop these too, so the check finds their
absence. The statements are part of migration 0001: a change of them needs a migration that installs them again.
"""

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

TABLE = "audit_event"

_SQLITE = {
    "audit_event_no_update": """
        CREATE TRIGGER audit_event_no_update BEFORE UPDATE ON audit_event
        BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END
    """,
    "audit_event_no_delete": """
        CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event
        BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END
    """,
    # SECURITY: without `recursive_triggers` INSERT OR REPLACE deletes the old row and fires no DELETE trigger.
    # Source: https://www.sqlite.org/lang_conflict.html ("REPLACE").
    "audit_event_no_replace": """
        CREATE TRIGGER audit_event_no_replace BEFORE INSERT ON audit_event
        WHEN EXISTS (SELECT 1 FROM audit_event WHERE id = NEW.id)
            OR EXISTS (SELECT 1 FROM audit_event WHERE actor_jti = NEW.actor_jti)
        BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END
    """,
}
_SQLITE_INSTALLED = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_event'"

# One trigger per statement, not per row: it also refuses an UPDATE that would match no row. ALWAYS keeps it firing when
# `session_replication_role` is `replica`. Source: https://www.postgresql.org/docs/current/sql-altertable.html.
_POSTGRESQL_FUNCTION = """
    CREATE OR REPLACE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'audit events are append-only' USING ERRCODE = 'insufficient_privilege'; END $$
"""
_POSTGRESQL = {
    "audit_event_append_only": """
        CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event
        FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse();
        ALTER TABLE audit_event ENABLE ALWAYS TRIGGER audit_event_append_only
    """,
}
_POSTGRESQL_INSTALLED = "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_event'::regclass AND tgenabled = 'A'"


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the triggers that are missing.

    Raises:
        NotImplementedError: The database is neither SQLite nor PostgreSQL, so the table would be unprotected.
    """
    statements = _triggers(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL_FUNCTION)
        for name in list_missing(connection):
            _drop(cursor, name=name, vendor=connection.vendor)
            cursor.execute(statements[name])


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop the triggers: only to undo the migration, and to empty a test's database."""
    with connection.cursor() as cursor:
        for name in _triggers(connection):
            _drop(cursor, name=name, vendor=connection.vendor)


def list_missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the triggers that do not guard the table of this database."""
    query = _POSTGRESQL_INSTALLED if connection.vendor == "postgresql" else _SQLITE_INSTALLED
    with connection.cursor() as cursor:
        cursor.execute(query)
        installed = {name for (name,) in cursor.fetchall()}
    return [name for name in _triggers(connection) if name not in installed]


def _triggers(connection: BaseDatabaseWrapper) -> dict[str, str]:
    statements = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}.get(connection.vendor)
    if statements is None:
        raise NotImplementedError("The audit table can be protected on SQLite and PostgreSQL only.")
    return statements


def _drop(cursor: CursorWrapper, *, name: str, vendor: str) -> None:
    table = " ON audit_event" if vendor == "postgresql" else ""
    cursor.execute(f"DROP TRIGGER IF EXISTS {name}{table}")
