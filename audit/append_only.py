"""What makes the audit's tables append-only: triggers that refuse every change of a row, whoever asks.

They stop an application's mistake or injected SQL. Who may drop triggers may drop these too: the check finds their
absence, and `audit.verify` what was rewritten meanwhile. Each table's migration installs its triggers: a change of the
statements needs a migration that installs them again.

Rows leave by one way: `audit.retention` adds a row to `audit_removal`, which is taken only for whole sealed segments at
the log's beginning and with the hashes of their leaves, and what it names can then be deleted, in the same transaction.
"""

from collections.abc import Mapping

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

TABLE = "audit_event"
_REMOVALS = "audit_removal"

# What is unique in each table, as SQLite's REPLACE finds the row that it would delete.
_UNIQUE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    TABLE: (("id",), ("actor_jti",)),
    "audit_leaf": (("position",), ("event_id",)),
    "audit_node": (("id",), ("level", "position")),
    "audit_checkpoint": (("size",),),
    _REMOVALS: (("size",),),
}
# Which rows of a table were removed, by the newest row of `audit_removal`. No other row ever goes.
_REMOVED: Mapping[str, str] = {
    TABLE: "{row}.id <= (SELECT last_event FROM audit_removal ORDER BY size DESC LIMIT 1)",
    "audit_leaf": "{row}.position < (SELECT max(size) FROM audit_removal)",
}
# What a removal has to be: it goes on where the one before ended, and ends at a checkpoint that is not the newest, with
# the last event and the hashes of the very leaves. {hashes} and {own} are both sides of that comparison.
_FITS = """
    NEW.start = (SELECT coalesce(max(size), 0) FROM audit_removal) AND NEW.size > NEW.start
    AND EXISTS (SELECT 1 FROM audit_checkpoint WHERE size = NEW.size)
    AND EXISTS (SELECT 1 FROM audit_leaf WHERE position = NEW.size)
    AND NEW.last_event = (SELECT event_id FROM audit_leaf WHERE position = NEW.size - 1)
    AND length(NEW.hashes) = 32 * (NEW.size - NEW.start)
    AND {own} = (SELECT {hashes} FROM (
        SELECT position, hash FROM audit_leaf WHERE position >= NEW.start AND position < NEW.size ORDER BY position
    ) leaves)
"""
_FITS_ON_SQLITE = _FITS.format(own="hex(NEW.hashes)", hashes="group_concat(hex(hash), '')")
_FITS_ON_POSTGRESQL = _FITS.format(own="NEW.hashes", hashes="string_agg(hash, ''::bytea ORDER BY position)")

_REFUSE_ON_SQLITE = "BEGIN SELECT RAISE(ABORT, 'audit events are append-only'); END"
_SQLITE_INSTALLED = "SELECT name FROM sqlite_master WHERE type = 'trigger'"

_POSTGRESQL_FUNCTION = """
    CREATE OR REPLACE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'audit events are append-only' USING ERRCODE = 'insufficient_privilege'; END $$
"""
_POSTGRESQL_REMOVING = """
    CREATE OR REPLACE FUNCTION {table}_refuse_delete() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT 1 FROM gone WHERE ({removed}) IS NOT TRUE) THEN
            RAISE EXCEPTION 'audit events are append-only' USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NULL;
    END $$;
    CREATE TRIGGER {table}_no_delete AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION {table}_refuse_delete();
    ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_delete
"""
_POSTGRESQL_FITTING = f"""
    CREATE OR REPLACE FUNCTION audit_removal_refuse_unfit() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF ({_FITS_ON_POSTGRESQL}) IS NOT TRUE THEN
            RAISE EXCEPTION 'audit events are append-only' USING ERRCODE = 'insufficient_privilege';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER audit_removal_fits BEFORE INSERT ON audit_removal
    FOR EACH ROW EXECUTE FUNCTION audit_removal_refuse_unfit();
    ALTER TABLE audit_removal ENABLE ALWAYS TRIGGER audit_removal_fits
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
    # Before the migration that makes the table of removals, nothing is ever removed.
    removed = _REMOVED if _REMOVALS in there else {}
    return {
        name: (table, statement)
        for table in _UNIQUE
        if table in there
        for name, statement in make(table, removed.get(table, "")).items()
    }


def _sqlite(table: str, removed: str) -> dict[str, str]:
    taken = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {_is_new(key)})" for key in _UNIQUE[table])  # noqa: S608
    stays = f"WHEN NOT coalesce({removed.format(row='OLD')}, FALSE)" if removed else ""
    refuse = _REFUSE_ON_SQLITE
    triggers = {
        f"{table}_no_update": f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}",
        f"{table}_no_delete": f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {stays} {refuse}",
        # SECURITY: without `recursive_triggers` INSERT OR REPLACE deletes the old row and fires no DELETE trigger.
        # Source: https://www.sqlite.org/lang_conflict.html ("REPLACE").
        f"{table}_no_replace": f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {taken} {refuse}",
    }
    if table == _REMOVALS:
        unfit = f"WHEN NOT coalesce({_FITS_ON_SQLITE}, FALSE)"
        triggers |= {f"{table}_fits": f"CREATE TRIGGER {table}_fits BEFORE INSERT ON {table} {unfit} {refuse}"}
    return triggers


def _is_new(key: tuple[str, ...]) -> str:
    return " AND ".join(f"{column} = NEW.{column}" for column in key)


def _postgresql(table: str, removed: str) -> dict[str, str]:
    """One trigger per statement, not per row: it also refuses an UPDATE that would match no row.

    ALWAYS keeps it firing when `session_replication_role` is `replica`. Source:
    https://www.postgresql.org/docs/current/sql-altertable.html.
    """
    name = f"{table}_append_only"
    changes = "UPDATE OR TRUNCATE" if removed else "UPDATE OR DELETE OR TRUNCATE"
    triggers = {
        name: f"""
            CREATE TRIGGER {name} BEFORE {changes} ON {table}
            FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse();
            ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}
        """
    }
    if removed:
        statement = _POSTGRESQL_REMOVING.format(table=table, removed=removed.format(row="gone"))
        triggers |= {f"{table}_no_delete": statement}
    if table == _REMOVALS:
        triggers |= {f"{table}_fits": _POSTGRESQL_FITTING}
    return triggers


def _drop(cursor: CursorWrapper, *, name: str, table: str, vendor: str) -> None:
    on_table = f" ON {table}" if vendor == "postgresql" else ""
    cursor.execute(f"DROP TRIGGER IF EXISTS {name}{on_table}")
