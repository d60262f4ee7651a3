"""Rows can be added and nothing else, whatever SQL is sent."""

import importlib
from collections.abc import Iterator

import pytest
from django.core.checks import Error
from django.db import DatabaseError, connections, transaction

from audit import append_only
from audit.checks import check_append_only
from audit.events import Entry, Event
from audit.models import AuditEvent
from audit.record import record
from tests.broken import table_away

pytestmark = pytest.mark.django_db(databases=["audit"])

REWRITES = {
    "update": "UPDATE audit_event SET reason = 'rewritten' WHERE id = %(id)s",
    "renumber": "UPDATE audit_event SET id = id + 1 WHERE id = %(id)s",
    "delete": "DELETE FROM audit_event WHERE id = %(id)s",
    "delete of all": "DELETE FROM audit_event",
}
UPSERT = """
    INSERT INTO audit_event SELECT * FROM audit_event WHERE id = %(id)s
    ON CONFLICT ({column}) DO UPDATE SET reason = 'rewritten'
"""
REPLACE = """
    INSERT OR REPLACE INTO audit_event ({columns})
    SELECT {values} FROM audit_event WHERE id = %(id)s
"""


@pytest.fixture
def row() -> AuditEvent:
    """Return a recorded event."""
    entry = Entry(event=Event.VAULT_EXCHANGE_GRANTED, user="user:1", reason="as recorded", actor_jti="jti-1")
    return AuditEvent.objects.get(pk=record(entry))


def refuse(statement: str, *, row: AuditEvent) -> None:
    """Assert that `statement` is refused and that the row and its number stay what they were."""
    before = list(AuditEvent.objects.values())
    with pytest.raises(DatabaseError), transaction.atomic(using="audit"), connections["audit"].cursor() as cursor:
        cursor.execute(statement, {"id": row.pk})
    assert list(AuditEvent.objects.values()) == before


@pytest.mark.parametrize("statement", REWRITES.values(), ids=REWRITES.keys())
def test_a_row_cannot_be_changed_or_removed(statement: str, row: AuditEvent) -> None:
    refuse(statement, row=row)


def test_the_orm_cannot_change_a_row_either(row: AuditEvent) -> None:
    row.reason = "rewritten"
    with pytest.raises(DatabaseError), transaction.atomic(using="audit"):
        row.save()
    with pytest.raises(DatabaseError), transaction.atomic(using="audit"):
        AuditEvent.objects.all().delete()
    assert AuditEvent.objects.get().reason == "as recorded"


@pytest.mark.parametrize("column", ["id", "actor_jti"])
def test_an_upsert_cannot_rewrite_a_row(column: str, row: AuditEvent) -> None:
    """SQLite's parser needs a WHERE before ON CONFLICT in INSERT … SELECT; the statement has one."""
    refuse(UPSERT.format(column=column), row=row)


@pytest.fixture(params=["ON", "OFF"])
def _recursive_triggers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run with and without the pragma: a tool that opens the file by itself does not set it."""
    with connections["audit"].cursor() as cursor:
        cursor.execute(f"PRAGMA recursive_triggers={request.param}")
        yield
        cursor.execute("PRAGMA recursive_triggers=ON")


@pytest.mark.skipif("connections['audit'].vendor != 'sqlite'", reason="REPLACE is SQLite's own")
@pytest.mark.usefixtures("_recursive_triggers")
@pytest.mark.parametrize("keyed_by", ["id", "actor_jti"])
def test_insert_or_replace_cannot_rewrite_a_row(keyed_by: str, row: AuditEvent) -> None:
    """REPLACE deletes the row in its way, by its id or by its unique `actor_jti`."""
    names = [field.column for field in AuditEvent._meta.fields if field.column == keyed_by or not field.unique]
    values = ["'rewritten'" if name == "reason" else name for name in names]
    refuse(REPLACE.format(columns=", ".join(names), values=", ".join(values)), row=row)


@pytest.mark.skipif("connections['audit'].vendor != 'postgresql'", reason="SQLite has no TRUNCATE")
@pytest.mark.parametrize("role", ["origin", "replica"])
def test_the_table_cannot_be_truncated(role: str, row: AuditEvent) -> None:
    """A session that calls itself a replica skips ordinary triggers."""
    with connections["audit"].cursor() as cursor:
        cursor.execute(f"SET LOCAL session_replication_role = {role}")
    refuse("TRUNCATE audit_event", row=row)
    refuse("UPDATE audit_event SET reason = 'rewritten' WHERE id = %(id)s", row=row)


def test_the_check_is_silent_while_the_triggers_stand() -> None:
    assert check_append_only(databases=["default", "audit"]) == []


def test_the_check_names_each_missing_trigger() -> None:
    connection = connections["audit"]
    append_only.remove(connection)
    names = append_only.list_missing(connection)
    (error,) = check_append_only(databases=["audit"])
    assert isinstance(error, Error)
    assert error.id == "audit.E001"
    assert names
    assert all(name in str(error.msg) for name in names)
    append_only.install(connection)
    assert check_append_only(databases=["audit"]) == []


def test_the_check_leaves_other_databases_and_a_new_one_alone() -> None:
    connection = connections["audit"]
    append_only.remove(connection)
    assert check_append_only(databases=["default"]) == []
    assert check_append_only(databases=None) == []
    with table_away("audit", table="audit_event"):
        assert check_append_only(databases=["audit"]) == []


def test_installing_again_changes_nothing(row: AuditEvent) -> None:
    append_only.install(connections["audit"])
    refuse("DELETE FROM audit_event", row=row)


def test_a_database_without_our_triggers_is_refused() -> None:
    """On any other database the migration stops, rather than make a table that can be rewritten."""

    class MySQL:
        vendor = "mysql"

    with pytest.raises(NotImplementedError):
        append_only.install(MySQL())  # type: ignore[arg-type]  # stands for any other vendor


def test_the_migration_makes_table_and_triggers_in_one_step() -> None:
    """Between two migrations the table would stand unguarded, and the check would stop the second."""
    migration = importlib.import_module("audit.migrations.0001_initial").Migration
    assert [type(operation).__name__ for operation in migration.operations] == ["CreateModel", "RunPython"]
