"""What `./dev up --full` started for the tests, and all that lies in it: its databases, its Redis, what it printed."""

import base64
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from redis import Redis

from devcontext import local_note
from tests.devcontext.test_launch import ROOT, free_ports

_START_SECONDS = 180
# What a task of Celery is asked with, in the message that waits for a worker.
_TASK = re.compile(rb'"body": ?"([A-Za-z0-9+/=]+)"')
_TABLES = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"


@dataclass(frozen=True, slots=True)
class FullShape:
    """Where it is; `log` holds what its processes print, of which none has a file of its own."""

    folder: Path
    log: Path
    url: str
    sandbox_url: str

    def manage(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a Django command as `./dev manage --full` does."""
        return manage(self.folder, *command)

    def database_bytes(self, variable: str) -> bytes:
        """Return every value of every table of the database that `variable` names to the app, what is binary as it is.

        It is read by the server's superuser: what the app's own role may not see is in it too.
        """
        url = self._environment[variable].partition("//")
        with psycopg.connect(f"{url[0]}//postgres@{url[2].partition('@')[2]}") as connection:
            tables = connection.execute(_TABLES).fetchall()
            assert tables
            rows = (row for table in tables for row in connection.execute(_select(*table)))
            return b"\n".join(_bytes_of(value) for row in rows for value in row if value is not None)

    def redis_bytes(self) -> bytes:
        """Return every key of Redis, with what is in it."""
        with Redis.from_url(self._environment["REDIS_URL"]) as redis:
            # What expired between the two, and streams, which nothing here uses, would be dumped as nothing.
            dumped = {key: redis.type(key) for key in redis.scan_iter()}
            assert set(dumped.values()) <= {b"string", b"list", b"set", b"zset", b"hash", b"none"}
            found = b"\n".join(part for key, kind in dumped.items() for part in (key, _content(redis, key, kind)))
        return b"\n".join([found, *map(base64.b64decode, _TASK.findall(found))])

    @property
    def _environment(self) -> dict[str, str]:
        found = local_note.find(self.folder)
        assert found, "it runs"
        return dict(found)


@contextmanager
def running_full(folder: Path, **variables: str) -> Iterator[FullShape]:
    """Start the whole shape in `folder`, and end it with the context."""
    ports = free_ports() | {"REDIS_PORT": free_ports()["PORT"]}
    log = folder / "printed.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "devcontext.launch", "up", "--full"],
            cwd=ROOT,
            env={**os.environ, "DATA_DIR": str(folder), **ports, **variables},
            # A file and no pipe: one that nobody reads would be full some day, and stop who writes to it.
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_until_up(process, log=log)
        yield FullShape(folder, log, f"http://localhost:{ports['PORT']}", f"http://127.0.0.1:{ports['SANDBOX_PORT']}")
    finally:
        process.terminate()
        process.wait(timeout=60)


def manage(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a Django command beside what runs in `folder`, as `./dev manage --full` does."""
    return subprocess.run(
        [sys.executable, "-m", "devcontext.launch", "manage", "--full", *command],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "DATA_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _wait_until_up(process: subprocess.Popen[bytes], *, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while b"Stop with" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)


def _select(schema: str, table: str) -> sql.Composed:
    return sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, table))


def _bytes_of(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return (json.dumps(value) if isinstance(value, dict | list) else str(value)).encode()


def _content(redis: Redis, key: bytes, kind: bytes) -> bytes:
    match kind:
        case b"string":
            return redis.get(key) or b""
        case b"list":
            return b"\n".join(redis.lrange(key, 0, -1))
        case b"set":
            return b"\n".join(redis.smembers(key))
        case b"zset":
            return b"\n".join(redis.zrange(key, 0, -1))
        case _:
            return b"\n".join(part for pair in redis.hgetall(key).items() for part in pair)
