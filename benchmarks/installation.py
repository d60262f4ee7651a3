"""An installation as `./dev up` starts it, but with DEBUG off in what is measured; it goes with its folder."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmarks.processes import free_port
from devcontext.local_processes import LocalInstallation
from tests.e2e.installation import Installation

_WITHOUT_DEBUG = {"DJANGO_SETTINGS_MODULE": "benchmarks.settings_web"}


@contextmanager
def prepared(**variables: str) -> Iterator[Installation]:
    """Yield an installation with its tables and its sandbox, whose other processes are still to be started.

    `variables` are of the environment of all of them.
    """
    with tempfile.TemporaryDirectory(prefix="devcontext-bench-") as folder:
        plan = LocalInstallation(Path(folder), port=free_port(), sandbox_port=free_port())
        allowed = {"SANDBOX_URL": plan.sandbox_url, "ALLOWED_HOSTS": "localhost,127.0.0.1"}
        environment = {**os.environ, **allowed, **variables}
        made = (plan.sandbox(environment), plan.web(environment), plan.worker(environment), plan.beat(environment))
        found = Installation(plan)
        found.programs = {program.name: program for program in made}
        try:
            found.start("sandbox")
            manage(found, "migrate_all")
            yield found
        finally:
            for process in found.processes.values():
                process.terminate()
            for process in found.processes.values():
                process.wait(timeout=60)


def manage(found: Installation, *command: str) -> None:
    """Run a Django command in the place of the web process, or end with what it said."""
    done = found.manage("app", *command)
    if done.returncode:
        raise SystemExit(done.stderr)


def run_code(found: Installation, code: str) -> None:
    """Run Python in the place of the web process, likewise."""
    manage(found, "shell", "--no-imports", "-v0", "-c", code)


def start(found: Installation, *names: str) -> None:
    """Start processes as they are measured; what is prepared is prepared before."""
    for name in names:
        program = found.programs[name]
        found.programs[name] = replace(program, environment={**program.environment, **_WITHOUT_DEBUG})
        found.start(name)
