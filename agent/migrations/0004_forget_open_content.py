"""Writes the tables anew: what the columns held that are gone now would else stay in the database's unused pages."""

from typing import Any

from django.db import migrations

TABLES = ("conversation", "run", "event", "turn", "evidence")


def rewrite(apps: Any, schema_editor: Any) -> None:
    with schema_editor.connection.cursor() as cursor:
        if schema_editor.connection.vendor == "sqlite":
            # https://www.sqlite.org/lang_vacuum.html; the log holds the open pages as well, until it is emptied.
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return
        for table in TABLES:
            # https://www.postgresql.org/docs/current/sql-vacuum.html
            cursor.execute(f"VACUUM FULL agent_{table}")


class Migration(migrations.Migration):
    # VACUUM runs outside of transactions only.
    atomic = False
    dependencies = [("agent", "0003_drop_open_content")]

    operations = [migrations.RunPython(rewrite, elidable=True)]
