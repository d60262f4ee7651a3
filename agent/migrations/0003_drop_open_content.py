"""Drops the columns that held content in the open; PostgreSQL does not do so in the transaction that read them."""

from django.db import migrations

COLUMNS = (
    ("conversation", "title"),
    ("run", "question"),
    ("run", "answer"),
    ("event", "frame"),
    ("turn", "content"),
    ("evidence", "title"),
    ("evidence", "url"),
)


class Migration(migrations.Migration):
    dependencies = [("agent", "0002_seal_content")]

    operations = [migrations.RemoveField(model, column) for model, column in COLUMNS]
