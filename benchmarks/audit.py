"""What the audit costs: appending, sealing and its lag, pages of the timeline, proofs, verifying and removing.

`./dev bench audit --rows 10000 1000000 5000000`: the table grows from size to size, and each line names its own. Users
and services are drawn at random. Before that, appending beside its floors (`benchmarks.audit_append`). On SQLite; on
PostgreSQL by `python -m tests.postgres python -m benchmarks.audit`. Run it on a quiet machine; it prints the load.
"""
# ruff: noqa: E402  (the settings are read where the folder is known)

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median, quantiles

os.environ["DATA_DIR"] = tempfile.mkdtemp(prefix="devcontext-bench-audit-")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "benchmarks.settings_web")

import django

django.setup()

from asgiref.sync import async_to_sync, sync_to_async
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connections

from audit import append_only, finding, log, log_keys, pin, proofs, record, retention, sealer, verify
from audit.encoding import COLUMNS
from audit.events import Entry, Event
from audit.models import AuditEvent
from audit.seal import Sealer
from audit.search import Part, Search
from benchmarks import audit_append

_USERS, _PROVIDERS, _OUTCOMES = 100, ("github", "google-calendar", "slack"), ("granted", "denied", "failed", "noted")
_RANDOM = random.Random(8)
_CALLS = 1000
_LAG_SECONDS, _LAG_PER_SECOND = 10, 100
_LAG = """
    SELECT {seconds} FROM audit_leaf JOIN audit_event ON audit_event.id = event_id WHERE audit_event.id > %s
"""
_SEALED_AT = "(SELECT sealed_at FROM audit_checkpoint WHERE size > position ORDER BY size LIMIT 1)"
# Rows as exchanges leave them, one a second: nine of ten are granted, and a run has twelve. The database writes them
# sooner than we can.
_COLUMNS = """
    occurred_at, event, outcome, "user", provider, reason, run, tool, tool_call, client, connection, account,
    scope_asked, scope_granted, exchange, token_fingerprint, method, path, provider_request_id, duration_ms
"""
_BEGAN_AT = 1_767_225_600
_SQL = {
    "sqlite": {
        "lag": _LAG.format(seconds=f"(julianday({_SEALED_AT}) - julianday(occurred_at)) * 86400"),
        "load": f"""
            WITH RECURSIVE number (n) AS (SELECT %s UNION ALL SELECT n + 1 FROM number WHERE n + 1 < %s)
            INSERT INTO audit_event ({_COLUMNS})
            SELECT strftime('%%Y-%%m-%%d %%H:%%M:%%S.000000', {_BEGAN_AT} + n, 'unixepoch'), 'vault:exchange:granted',
                CASE WHEN n %% 10 THEN 'granted'
                ELSE CASE abs(random() %% 13) WHEN 0 THEN 'denied' WHEN 1 THEN 'failed' ELSE 'noted' END END,
                'user:' || abs(random() %% 100), CASE abs(random() %% 3) WHEN 0 THEN 'github' WHEN 1 THEN 'slack'
                ELSE 'google-calendar' END, '', 'run-' || (n / 12), 'github_activity', '', '', '', '', '',
                'repo read:org read:user', 'ex_' || hex(randomblob(16)), hex(randomblob(16)), '', '', '', 3
            FROM number
        """,  # noqa: S608  (names of ours alone)
    },
    "postgresql": {
        "lag": _LAG.format(seconds=f"extract(epoch FROM {_SEALED_AT} - occurred_at)::float8"),
        "load": f"""
            INSERT INTO audit_event ({_COLUMNS})
            SELECT to_timestamp({_BEGAN_AT} + n), 'vault:exchange:granted',
                CASE WHEN n %% 10 > 0 THEN 'granted'
                ELSE (ARRAY['denied', 'failed', 'noted', 'noted', 'noted', 'noted'])[1 + floor(random() * 6)] END,
                'user:' || floor(random() * 100),
                (ARRAY['github', 'slack', 'google-calendar'])[1 + floor(random() * 3)], '',
                'run-' || (n / 12), 'github_activity', '', '', '', '', '', 'repo read:org read:user',
                'ex_' || md5(n::text), md5(n::text || 'x'), '', '', '', 3
            FROM generate_series(%s::bigint, %s::bigint - 1) AS n
        """,  # noqa: S608  (names of ours alone)
    },
}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--sealed-up-to", type=int, default=1_000_000, help="larger sizes are not sealed nor verified")
    parser.add_argument("--append-rounds", type=int, default=8, help="of appending beside its floors; 0 leaves it out")
    parser.add_argument("--append-seconds", type=float, default=1.5, help="of each of its lines in a round")
    parser.add_argument("--append-only", action="store_true", help="end after appending")
    options = parser.parse_args()
    if _vendor() == "postgresql":
        # A server of `tests.postgres` is empty.
        with connections["audit"]._nodb_cursor() as cursor:  # noqa: SLF001  (as Django's test runner does it)
            cursor.execute(f"CREATE DATABASE {connections['audit'].settings_dict['NAME']}")
    call_command("migrate", "audit", database="audit", verbosity=0)
    print(
        f"{time.strftime('%Y-%m-%d')}, load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors, {_vendor()}"
    )
    if options.append_rounds:
        audit_append.run(audit_append.Limits(options.append_rounds, options.append_seconds))
        _empty()
    if options.append_only:
        return
    _tell("append one event", _time(_append, calls=_CALLS))
    begun_after = log.find_newest_event()
    async_to_sync(_append_for_a_while)()
    _tell("lag from event to checkpoint", (_list_lags(begun_after), []))
    for rows in options.rows:
        is_sealed = rows <= options.sealed_up_to
        _grow(rows, is_sealed=is_sealed)
        _measure(rows)
        if is_sealed:
            _measure_log(rows)
    _measure_retention(max(options.rows))


def _vendor() -> str:
    return connections["audit"].vendor


def _empty() -> None:
    """Take what appending left out of the log, so that the sizes below are those that are named."""
    connection = connections["audit"]
    append_only.remove(connection)
    tables = [model._meta.db_table for model in apps.get_app_config("audit").get_models()]
    connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), tables, reset_sequences=True))
    append_only.install(connection)
    settings.AUDIT_PIN_FILE.unlink(missing_ok=True)


def _append() -> None:
    user = f"user:{_RANDOM.randrange(_USERS)}"
    record.record(Entry(event=Event.VAULT_EXCHANGE_GRANTED, user=user, provider=_RANDOM.choice(_PROVIDERS)))


async def _append_for_a_while() -> None:
    async with sealer.running():
        for _ in range(_LAG_SECONDS * _LAG_PER_SECOND):
            await sync_to_async(_append)()
            await asyncio.sleep(1 / _LAG_PER_SECOND)


def _list_lags(after: int) -> list[float]:
    with connections["audit"].cursor() as cursor:
        cursor.execute(_SQL[_vendor()]["lag"], [after])
        return [1000 * seconds for (seconds,) in cursor.fetchall()]


def _grow(rows: int, *, is_sealed: bool) -> None:
    """Load what is missing, without triggers and with its indexes made at the end: millions would take hours else."""
    connection = connections["audit"]
    missing = rows - log.find_newest_event()
    append_only.remove(connection)
    with connection.schema_editor() as editor:
        for index in AuditEvent._meta.indexes:
            editor.remove_index(AuditEvent, index)
    if missing > 0:
        with connection.cursor() as cursor:
            cursor.execute(_SQL[_vendor()]["load"], [rows - missing, rows])
    with connection.schema_editor() as editor:
        for index in AuditEvent._meta.indexes:
            editor.add_index(AuditEvent, index)
    append_only.install(connection)
    with connection.cursor() as cursor:
        # As autovacuum, or a connection's end on SQLite, does by itself after a while.
        cursor.execute("ANALYZE" if _vendor() == "sqlite" else "VACUUM ANALYZE")
    if is_sealed:
        _seal(rows)


def _seal(rows: int) -> None:
    own = Sealer(log_keys.current(), pin_file=settings.AUDIT_PIN_FILE)
    begun, sealed = _now(), 0
    while count := own.seal_next():
        sealed += count
    _tell_rate("sealed", sealed, begun=begun, rows=rows)


def _measure(rows: int) -> None:
    filters: dict[str, Callable[[], dict[str, str]]] = {
        "page": dict,
        "page of a service": lambda: {"service": _RANDOM.choice(_PROVIDERS)},
        "page of an outcome": lambda: {"outcome": _RANDOM.choice(_OUTCOMES)},
        "page of a run": lambda: {"run": f"run-{_RANDOM.randrange(rows // 12)}"},
        "page of a service and an outcome": lambda: {
            "service": _RANDOM.choice(_PROVIDERS),
            "outcome": _RANDOM.choice(_OUTCOMES),
        },
    }
    for name, choose in filters.items():
        _tell(name, _time(lambda choose=choose: _list(rows, choose()), calls=_CALLS), rows=rows)
    size = _stored_bytes()
    print(f"{rows:>9} rows  {'stored, indexes included, log if sealed':32} {size / rows:>9.0f} bytes an event")


def _stored_bytes() -> int:
    if _vendor() == "sqlite":
        return sum(path.stat().st_size for path in Path(settings.DATA_DIR).glob("audit.sqlite3*"))
    with connections["audit"].cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _measure_retention(rows: int) -> None:
    """Remove what was sealed, a fifth of it at most, from the table as it has grown, and append meanwhile."""
    sealed = (log.find_last_leaf() or log.Leaf(0, 0, 0, b"", b"")).position
    # `_append` left events of today at the beginning: all that is sealed is older than tomorrow.
    steps: list[float] = []
    last = [time.perf_counter()]

    def is_over() -> bool:
        steps.append(1000 * (time.perf_counter() - last[0]))
        last[0] = time.perf_counter()
        return len(steps) > sealed // 5000

    begun = _now()
    removed = retention.remove_older(log_keys.current(), days=-1, is_over=is_over)
    _tell_rate("removed", removed.events, begun=begun, rows=rows)
    _tell("a segment of at most 1000 events", (steps[1:], []), rows=rows)


def _measure_log(rows: int) -> None:
    _tell("proof of an event", _time(lambda: _prove(rows), calls=200), rows=rows)
    begun = _now()
    report = verify.verify(log_keys.current(), pinned=[pin.find(settings.AUDIT_PIN_FILE) or ""])
    assert not report.findings, report.findings
    _tell_rate("verified", report.leaves, begun=begun, rows=rows)


def _list(rows: int, qualifiers: dict[str, str]) -> None:
    user = f"user:{_RANDOM.randrange(_USERS)}"
    search = Search(tuple(Part(name, value) for name, value in qualifiers.items()))
    finding.list_page(search, user=user, before=_RANDOM.randrange(1, rows + 1))


def _prove(rows: int) -> None:
    event_id = _RANDOM.randrange(1, rows + 1)
    user = log.list_events(after=event_id - 1, up_to=event_id, limit=1)[0][COLUMNS.index("user")]
    assert proofs.find_proof(event_id, user=user)


def _time(work: Callable[[], None], *, calls: int) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each call, and those of processor time: a busy machine slows the first alone."""
    taken, processor = [], []
    for _ in range(calls):
        begun = time.perf_counter(), time.thread_time()
        work()
        taken.append(1000 * (time.perf_counter() - begun[0]))
        processor.append(1000 * (time.thread_time() - begun[1]))
    return taken, processor


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _tell_rate(name: str, count: int, *, begun: tuple[float, float], rows: int) -> None:
    """A busy machine slows the first rate and hardly the second."""
    wall, cpu = (count / (now - then) for now, then in zip(_now(), begun, strict=True))
    print(f"{rows:>9} rows  {name:32} {wall:>9.0f} a second, {cpu:.0f} a second of processor")


def _tell(name: str, measured: tuple[list[float], list[float]], *, rows: int | None = None) -> None:
    """Tell the clock and, on SQLite, where nobody else works for us, the processor: p50, p99 and the longest."""
    size = f"{rows:>9} rows" if rows else " " * 14
    clock, processor = _summary(measured[0]), _summary(measured[1] if _vendor() == "sqlite" else [])
    print(f"{size}  {name:36} clock {clock}   processor {processor}", flush=True)


def _summary(ms: list[float]) -> str:
    if not ms:
        return " " * 23
    # A small table has a single segment to remove.
    p99 = quantiles(ms, n=100)[98] if len(ms) > 1 else ms[0]
    return f"{median(ms):7.2f} {p99:7.2f} {max(ms):7.2f}"


if __name__ == "__main__":
    main()
