"""Processes of one vault on databases of their own, started, asked and killed by a test."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import IO, Any

import psycopg

from audit import personal_keys
from devcontext import local_keys
from tests.vault.upstream import Upstream
from vault.keys import local

ROOT = Path(__file__).resolve().parents[2]


class Process:
    """One vault process; its commands are the functions of `tests.faults.worker`."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.worker"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._is_ready = False

    @property
    def _input(self) -> IO[str]:
        assert self._popen.stdin
        return self._popen.stdin

    def begin(self, do: str, **arguments: Any) -> None:
        """Send a command without waiting for its answer."""
        if not self._is_ready:
            self._is_ready = bool(self.answer()["ready"])
        self._input.write(json.dumps({"do": do, **arguments}) + "\n")
        self._input.flush()

    def answer(self) -> Any:
        """Return the answer of the oldest command that was begun."""
        assert self._popen.stdout
        line = self._popen.stdout.readline()
        assert line, "the process ended; its reason stands above"
        return json.loads(line)

    def ask(self, do: str, **arguments: Any) -> Any:
        """Send a command and return its answer."""
        self.begin(do, **arguments)
        return self.answer()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._popen.send_signal(number)

    def kill(self) -> None:
        """End it as `kill -9` does: nothing of it runs any more."""
        self._popen.kill()
        self._popen.wait()
        self._close()

    def close(self) -> None:
        """Let it end by itself, and see that it did without an error."""
        if self._popen.poll() is None:
            self._input.close()
            assert self._popen.wait(timeout=60) == 0
        self._close()

    def _close(self) -> None:
        for pipe in (self._popen.stdin, self._popen.stdout):
            # What was still to be written to a process that is dead by now is of no interest.
            with contextlib.suppress(BrokenPipeError):
                if pipe:
                    pipe.close()

    def abandon(self) -> None:
        """Kill it if it still runs."""
        if self._popen.poll() is None:
            self.send(signal.SIGCONT)
            self._popen.kill()
            self._popen.wait()
        self._close()


@dataclass
class Installation:
    """Databases, keys and providers that any number of processes share."""

    database: str
    environment: dict[str, str]
    upstream: Upstream
    processes: list[Process] = field(default_factory=list)

    def start(self, number: int = 1, **environment: str) -> list[Process]:
        """Start processes side by side."""
        started = [Process({**self.environment, **environment}) for _ in range(number)]
        self.processes += started
        return started

    def connect(self, process: Process, *, user: str, provider: str = "github") -> str:
        """Connect a provider for a user, the whole way, and return the connection's id."""
        url = process.ask("start_connect", user=user, provider=provider)
        connection: str = process.ask("finish_connect", user=user, provider=provider, query=self.upstream.consent(url))
        return connection


class SQLite:
    """Databases in files of a folder each, copied from migrated ones."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder, self._numbers, self._keys = folder, count(), keys(folder)
        migrate(self._environment("template"))

    def make(self) -> dict[str, str]:
        """Return the environment of processes on two new databases."""
        name = str(next(self._numbers))
        shutil.copytree(self._folder / "template", self._folder / name)
        return self._environment(name)

    def _environment(self, name: str) -> dict[str, str]:
        return {**self._keys, "DATA_DIR": str(self._folder / name)}


class PostgreSQL:
    """Databases on a server at `url`, copied from migrated ones."""

    name = "postgresql"

    def __init__(self, folder: Path, *, url: str) -> None:
        self._folder, self._url, self._numbers, self._keys = folder, url, count(), keys(folder)
        self._execute("CREATE DATABASE vault_template", "CREATE DATABASE audit_template")
        migrate(self._environment("template"))

    def make(self) -> dict[str, str]:
        """Return the environment of processes on two new databases."""
        number = next(self._numbers)
        self._execute(
            *(
                f"CREATE DATABASE {name}_{number} TEMPLATE {name}_template STRATEGY FILE_COPY"
                for name in ("vault", "audit")
            )
        )
        return self._environment(str(number))

    def _execute(self, *statements: str) -> None:
        with psycopg.connect(f"{self._url}postgres", autocommit=True) as server:
            for statement in statements:
                server.execute(statement.encode())

    def _environment(self, name: str) -> dict[str, str]:
        return {
            **self._keys,
            "DATA_DIR": str(self._folder),
            "VAULT_DATABASE_URL": f"{self._url}vault_{name}",
            "AUDIT_DATABASE_URL": f"{self._url}audit_{name}",
        }


Databases = SQLite | PostgreSQL


def keys(folder: Path) -> dict[str, str]:
    """Return the variables with new keys of an installation. As in production, DEBUG is off."""
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
        "DEBUG": "0",
        "ASKING_KEY": local_keys.signing_key(folder),
        "VAULT_KEYS": local.new_entry(1),
        "AUDIT_PERSONAL_KEY": personal_keys.new_entry(),
    }


def migrate(environment: dict[str, str]) -> None:
    """Make the tables."""
    for database in ("vault", "audit"):
        # The checks of a deployment want addresses with TLS.
        command = [sys.executable, "manage.py", "migrate", f"--database={database}", "-v0", "--skip-checks"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True)
