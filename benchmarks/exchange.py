"""What an exchange costs, beside its own floors and the two usual alternatives: `./dev bench`.

Everything is measured in one interleaved run, in rounds whose order is drawn anew each time, so that a machine that is
busy for a while is busy for all alike. README.md beside this file says what each line means.
"""

import argparse
import json
import os
import platform
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from benchmarks import processes, race, report
from benchmarks.processes import Server, Worker
from benchmarks.report import Measured, Results
from devcontext.local_postgres import serve_postgres
from tests.vault.upstream import Upstream, serve

USERS = [f"user:{number}" for number in range(1, 21)]
_DATABASES = {"DATABASE_URL": "main", "VAULT_DATABASE_URL": "vault", "AUDIT_DATABASE_URL": "audit"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One measured line: `subject` called in `worker`, `at_once` side by side; `server` is who works for it besides."""

    name: str
    subject: str
    worker: Worker = field(repr=False)
    at_once: int = 1
    server: Server | None = None


@dataclass(frozen=True, slots=True)
class Flavour:
    """The same processes on one kind of database."""

    database: str
    embedded: Worker
    # Of its own: boto3's service models make each garbage collection of their process longer.
    manager_client: Worker
    separate: Worker
    vault: Server
    racers: list[Worker]


def main() -> None:
    """Run the benchmark."""
    options = _options()
    load_before = os.getloadavg()
    with ExitStack() as stack:
        upstream = stack.enter_context(serve(Upstream(delay_seconds=0.0)))
        secrets_manager = stack.enter_context(processes.serve_secrets_manager())
        hello = stack.enter_context(processes.serve_app("benchmarks.hello:application", {}, path="/hello"))
        common = {
            "SANDBOX_URL": upstream.url,
            "BENCHMARK_SECRETS_MANAGER": secrets_manager.url,
            "BENCHMARK_HELLO": hello.url,
        }
        flavours = [
            stack.enter_context(_flavour(database, environment=common, upstream=upstream))
            for database in options.databases
        ]
        lines = [line for flavour in flavours for line in _lines(flavour, hello=hello, moto=secrets_manager)]
        _warm_up(lines, calls=options.warm_up)
        results = _measure(lines, rounds=options.rounds, calls=options.calls)
        races = {
            flavour.database: race.run(flavour.racers, upstream=upstream, repetitions=options.races)
            for flavour in flavours
        }
    about = {
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load_before": [round(load, 2) for load in load_before],
        "load_after": [round(load, 2) for load in os.getloadavg()],
        "rounds": options.rounds,
        "calls": options.calls,
        "warm_up": options.warm_up,
    }
    print(report.write(results, races=races, about=about))
    if options.json:
        options.json.write_text(json.dumps(report.to_json(results, races=races, about=about), indent=1), "utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="rounds, in random order (default 15)")
    parser.add_argument("--calls", type=int, default=40, help="calls of each line in a round (default 40)")
    parser.add_argument(
        "--warm-up", type=int, default=150, help="calls of each line before the first round (default 150)"
    )
    parser.add_argument("--races", type=int, default=10, help="repetitions of the refresh race (default 10)")
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    parser.add_argument("--json", type=Path, help="write everything measured to this file as well")
    return parser.parse_args()


@contextmanager
def _flavour(database: str, *, environment: dict[str, str], upstream: Upstream) -> Iterator[Flavour]:
    with ExitStack() as stack:
        environment = environment | {"DATA_DIR": stack.enter_context(tempfile.TemporaryDirectory())}
        if database == "postgresql":
            url = stack.enter_context(serve_postgres())
            environment |= _databases(url)
        web = environment | {"DJANGO_SETTINGS_MODULE": "benchmarks.settings_web"}
        embedded = stack.enter_context(processes.work(web))
        embedded.ask("migrate")
        for user in USERS:
            _connect(embedded, user=user, provider="slack", upstream=upstream)
        _connect(embedded, user=race.USER, provider="github", upstream=upstream)
        vault = stack.enter_context(
            processes.serve_app(
                "vault.asgi:application",
                environment | {"DJANGO_SETTINGS_MODULE": "benchmarks.settings_vault"},
                path="/.well-known/oauth-authorization-server",
            )
        )
        manager_client = stack.enter_context(processes.work(web))
        separate = stack.enter_context(processes.work(web | {"VAULT_URL": vault.url}))
        racers = [stack.enter_context(processes.work(web)) for _ in range(race.PROCESSES)]
        yield Flavour(database, embedded, manager_client, separate, vault, racers)


def _databases(url: str) -> dict[str, str]:
    """Make the three databases on the server at `url`, and return the variables that name them."""
    with psycopg.connect(f"{url}postgres", autocommit=True) as connection:
        for name in _DATABASES.values():
            connection.execute(f"CREATE DATABASE {name}")
    return {variable: f"{url}{name}" for variable, name in _DATABASES.items()}


def _connect(worker: Worker, *, user: str, provider: str, upstream: Upstream) -> None:
    """Take a user through a whole connect flow."""
    url = worker.ask("start_connect", user=user, provider=provider)
    worker.ask("finish_connect", user=user, provider=provider, query=upstream.consent(url))


def _lines(flavour: Flavour, *, hello: Server, moto: Server) -> list[Line]:
    database = flavour.database
    in_process = ["exchange", "answer", "encrypted_column", "raw_encrypted_column", "insert", "verify_and_insert"]
    return [
        *(Line(name=f"{name} {database}", subject=name, worker=flavour.embedded) for name in in_process),
        Line(name=f"secrets_manager {database}", subject="secrets_manager", worker=flavour.manager_client, server=moto),
        Line(name=f"http {database}", subject="exchange", worker=flavour.separate, server=flavour.vault),
        Line(name=f"http8 {database}", subject="exchange", worker=flavour.separate, server=flavour.vault, at_once=8),
        Line(name=f"hello {database}", subject="hello", worker=flavour.separate, server=hello),
        Line(name=f"bare_hello {database}", subject="bare_hello", worker=flavour.separate, server=hello),
    ]


def _warm_up(lines: list[Line], *, calls: int) -> None:
    for line in lines:
        line.worker.ask("measure", subject=line.subject, calls=calls, at_once=line.at_once)


def _measure(lines: list[Line], *, rounds: int, calls: int) -> Results:
    results: Results = {line.name: [] for line in lines}
    for _ in range(rounds):
        for line in random.sample(lines, len(lines)):
            results[line.name].append(_measure_one(line, calls=calls))
    return results


def _measure_one(line: Line, *, calls: int) -> Measured:
    served = line.server.cpu_seconds() if line.server else 0.0
    answer = line.worker.ask("measure", subject=line.subject, calls=calls, at_once=line.at_once)
    return Measured(
        ms=answer["ms"],
        wall_seconds=answer["wall_seconds"],
        client_cpu_seconds=answer["cpu_seconds"],
        server_cpu_seconds=line.server.cpu_seconds() - served if line.server else 0.0,
    )


if __name__ == "__main__":
    main()
