"""The benchmark of appending measures what it says: each of its lines writes, and its chains are chains."""

import pytest
from django.db import connections

from audit.models import AuditEvent
from benchmarks import audit_append
from benchmarks.audit_append import Limits
from benchmarks.audit_designs import open_designs

pytestmark = pytest.mark.django_db(databases=["default", "audit"], transaction=True)
EVENTS, ROUNDS = 20, 2
# With one writer, and with eight of which each takes its part.
WRITTEN = ROUNDS * (20 + 24)
LINES = 8


def test_each_line_is_measured_in_each_round(capsys: pytest.CaptureFixture[str]) -> None:
    results = audit_append.run(Limits(rounds=ROUNDS, seconds=60, events=EVENTS))
    assert len(results) == LINES * len(audit_append.WRITERS)
    assert all(len(rates) == ROUNDS and min(rates) > 0 for rates in results.values())
    # The row that is copied, and those of `record` and `group_commit`, with and without the sealer.
    assert AuditEvent.objects.count() == 1 + 4 * WRITTEN
    assert not [name for name in connections["audit"].introspection.table_names() if name.startswith("bench_")]
    told = capsys.readouterr().out
    assert "8 at once" in told
    assert "floor: bare row, no index, no trigger" in told


@pytest.mark.parametrize("name", ["chain", "user_chain"])
def test_a_chain_with_a_row_that_was_changed_is_refused(name: str) -> None:
    with open_designs() as designs, connections["audit"].cursor() as cursor:
        for _ in range(EVENTS):
            designs.writers[name]()
        designs.require_chains()
        cursor.execute(f"UPDATE bench_{name} SET provider = 'slack' WHERE rowid = 7")  # noqa: S608  (a name of the test's)
        with pytest.raises(RuntimeError, match="no chain"):
            designs.require_chains()


@pytest.mark.parametrize(("name", "table"), [("floor", "bench_floor"), ("sealed_floor", "bench_hashed")])
def test_a_floor_writes_the_bytes_of_an_event(name: str, table: str) -> None:
    with open_designs() as designs, connections["audit"].cursor() as cursor:
        designs.writers[name]()
        designs.sign()
        same = "provider, run, tool, tool_call, client, connection, scope_granted, exchange, length(actor_jti)"
        rows = []
        for source in ("audit_event", table):
            cursor.execute(f"SELECT {same} FROM {source}")  # noqa: S608  (names of the test's)
            rows.append(cursor.fetchone())
        assert rows[0] == rows[1]
