"""What makes the audit's tables append-only: triggers that refuse every change of a row, whoever asks.

They stop an application's mistake or injected SQL. Who may drop triggers may drop these too: the check finds their
absence, and `audit.verify` what was rewritten meanwhile. Each table's migration installs its triggers: a change of the
statements needs a migration that installs them again.
"""

from collections.abc import Mapping

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

TABLE = "audit_event"

# What is unique in each table, as SQLite's REPLACE finds the row that it would delete.
_UNIQUE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    TABLE: (("id",), ("actor_jti",)),
    "audit_leaf": (("position",), ("event_id",)),
    "audit_node": (("id",), ("level", "position")),
    "audit_checkpoint": (("size",),),
}

_REFUSE_ON_SQLITE = "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END"
_SQLITE_INSTALLED = "SELECT name FROM sqlite_master WHERE type = 'trigger'"

_POSTGRESQL_FUNCTION = """
    CREATE OR REPLACE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'audit events are append-only' USING ERRCODE = 'insufficient_privilege'; END $$
"""
_POSTGRESQL_INSTALLED = "SELECT tgname FROM pg_trigger WHERE tgrelid = ANY (%s::regclass[]) AND tgenabled = 'A'"


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the triggers that are missing on the tables that are there.

    Raises:
        NotImplementedError: The database is neither SQLite nor PostgreSQL, so the tables would be unprotected.
    """
    statements = _triggers(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL_FUNCTION)
        for name in list_missing(connection):
            table, statement = statements[name]
            _drop(cursor, name=name, table=table, vendor=connection.vendor)
            cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop the triggers: only to undo the migrations, and to empty a test's database."""
    with connection.cursor() as cursor:
        for name, (table, _) in _triggers(connection).items():
            _drop(cursor, name=name, table=table, vendor=connection.vendor)


def list_missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Return the names of the triggers that do not guard a table of this database."""
    triggers = _triggers(connection)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_POSTGRESQL_INSTALLED, [sorted({table for table, _ in triggers.values()})])
        else:
            cursor.execute(_SQLITE_INSTALLED)
        installed = {name for (name,) in cursor.fetchall()}
    return [name for name in triggers if name not in installed]


def _triggers(connection: BaseDatabaseWrapper) -> dict[str, tuple[str, str]]:
    """Return table and statement by the trigger's name, of the tables that are there."""
    make = {"sqlite": _sqlite, "postgresql": _postgresql}.get(connection.vendor)
    if make is None:
        raise NotImplementedError("The audit tables can be protected on SQLite and PostgreSQL only.")
    there = connection.introspection.table_names()
    return {name: (table, statement) for table in _UNIQUE if table in there for name, statement in make(table).items()}


def _sqlite(table: str) -> dict[str, str]:
    taken = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {_is_new(key)})" for key in _UNIQUE[table])  # noqa: S608
    refuse = _REFUSE_ON_SQLITE
    return {
        f"{table}_no_update": f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
        f"{table}_no_delete": f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
        # SECURITY: without `recursive_triggers` INSERT OR REPLACE deletes the old row and fires no DELETE trigger.
        # Source: https://www.sqlite.org/lang_conflict.html ("REPLACE").
        f"{table}_no_replace": f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {taken} {refuse}",
    }


def _is_new(key: tuple[str, ...]) -> str:
    return " AND ".join(f"{column} = NEW.{column}" for column in key)


def _postgresql(table: str) -> dict[str, str]:
    """One trigger per statement, not per row: it also refuses an UPDATE that would match no row.

    ALWAYS keeps it firing when `session_replication_role` is `replica`. Source:
    https://www.postgresql.org/docs/current/sql-altertable.html.
    """
    name = f"{table}_append_only"
    return {
        name: f"""
            CREATE TRIGGER {name} BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse();
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}
        """
    }


def _drop(cursor: CursorWrapper, *, name: str, table: str, vendor: str) -> None:
    on_table = f" ON {table}" if vendor == "postgresql" else ""
    cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table}")
