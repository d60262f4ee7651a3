"""Several processes of one vault, on SQLite and on PostgreSQL, with strict providers on this machine.

`FAULTS=full`, as `./dev faults` sets it, runs every proof at its whole size, `FAULTS=20` at a fifth; else each runs
shortened.
"""

import os
from collections.abc import Iterator

import pytest

from devcontext.local_postgres import serve_postgres
from tests.faults.processes import Databases, Installation, PostgreSQL, SQLite
from tests.faults.proxy import Proxy
from tests.vault.upstream import Upstream, serve

_ASKED = os.environ.get("FAULTS", "0")
_PERCENT = 100 if _ASKED == "full" else int(_ASKED)


def size(short: int, full: int) -> int:
    """Return how often to do something: `full` times in `./dev faults`, `short` times elsewhere."""
    return max(short, full * _PERCENT // 100)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    """Each kind of database in turn."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        yield SQLite(folder)
        return
    with serve_postgres() as url:
        yield PostgreSQL(folder, url=url)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """Return the providers."""
    with serve(Upstream()) as upstream:
        yield upstream


@pytest.fixture
def proxy(upstream: Upstream) -> Iterator[Proxy]:
    """Return what stands between the processes and the providers."""
    with Proxy(upstream.url) as proxy:
        yield proxy


@pytest.fixture
def installation(databases: Databases, upstream: Upstream, proxy: Proxy) -> Iterator[Installation]:
    """Return an installation without users; what still runs of it at the end is ended."""
    environment = {**databases.make(), "UPSTREAM_URL": proxy.url}
    made = Installation(database=databases.name, environment=environment, upstream=upstream)
    try:
        yield made
        for process in made.processes:
            process.close()
    finally:
        for process in made.processes:
            process.abandon()
