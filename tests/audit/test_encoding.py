"""What the database writes by itself is what we write: else each event would be read twice when it is verified."""

import pytest
from django.db import connections

from audit import encoding, log
from audit.events import Entry, Event
from audit.record import record

pytestmark = pytest.mark.django_db(databases=["audit"])


@pytest.mark.parametrize(
    "text", ["", '"quoted" \\ back/slash', "Grüße, 世界 🦀", "</script>", "e\u0301", "\u2028\u2029", "],[", "a" * 500]
)
def test_the_database_writes_an_event_as_we_do(text: str) -> None:
    connection = connections["audit"]
    event = record(Entry(event=Event.AGENT_CALL_FAILED, user="user:1", reason=text, status=404, size_bytes=2**40))
    (values,) = log.list_events(after=event - 1, up_to=event, limit=1)
    with connection.cursor() as cursor:
        text_of = encoding.select_text(connection, table="audit_event")
        cursor.execute(f"SELECT {text_of} FROM audit_event WHERE id = %s", [event])  # noqa: S608  (names of ours alone)
        assert cursor.fetchone()[0].encode() == encoding.encode(values)


@pytest.mark.skipif("connections['audit'].vendor != 'sqlite'", reason="PostgreSQL's columns take their own type only")
@pytest.mark.parametrize("name", encoding.COLUMNS)
def test_an_event_with_a_blob_is_not_written_wherever_that_stands(name: str) -> None:
    """JSONB for "a", which SQLite from 3.45 on would write as that; the other columns may be missing."""
    columns = ", ".join(f"x'1761' AS \"{one}\"" if one == name else f'NULL AS "{one}"' for one in encoding.COLUMNS)
    connection = connections["audit"]
    text_of = encoding.select_text(connection, table="event")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {text_of} FROM (SELECT {columns}) AS event")  # noqa: S608  (the test's own)
        assert cursor.fetchone() == ("",)
