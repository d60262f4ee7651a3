"""A whole installation as `./dev up` starts it, its vault embedded or apart: processes in a fresh folder."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from devcontext.local_processes import LocalInstallation, Program, local_vault_url

ROOT = Path(__file__).resolve().parents[2]


@dataclass(slots=True)
class Installation:
    """Where it runs, and where everything that it wrote lies."""

    plan: LocalInstallation
    programs: dict[str, Program] = field(default_factory=dict)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def app_url(self) -> str:
        """The address that people use."""
        return f"http://localhost:{self.plan.port}"

    @property
    def sandbox_url(self) -> str:
        """The stand-ins' address."""
        return self.plan.sandbox_url

    @property
    def web_folder(self) -> Path:
        """Where the web process and the sandbox write, their logs included."""
        return self.plan.web_folder

    @property
    def vault_folder(self) -> Path:
        """Where a vault apart writes, its log included."""
        return self.plan.folder / "vault"

    def written_bytes(self, *names: str, folder: Path | None = None) -> bytes:
        """Return all bytes of the files whose names start with `names`, journals included; all files without names."""
        files = [path for path in (folder or self.plan.folder).rglob("*") if path.is_file()]
        # Journals first: what SQLite moves from one into its database meanwhile is then seen in one of the two.
        files.sort(key=lambda path: not path.name.endswith("-wal"))
        return b"".join(_read(path) for path in files if path.name.startswith(names or ("",)))

    def start(self, name: str) -> None:
        """Start a process, and wait until it answers, if it does."""
        program = self.programs[name]
        folder = self.vault_folder if name == "vault" else self.web_folder
        with (folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                program.command, cwd=ROOT, env=program.environment, stdout=log, stderr=log
            )
        if program.ready_url:
            _wait_for(program.ready_url)

    def kill(self, name: str) -> None:
        """End a process as a power cut would."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait(timeout=20)

    def manage(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a Django command in the place of a process."""
        return subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=self.programs[name].environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def run_code(self, code: str) -> None:
        """Run Python in the place of the app."""
        done = self.manage("app", "shell", "--no-imports", "-v0", "-c", code)
        assert done.returncode == 0, done.stderr

    def connect_demo_user(self) -> None:
        """Connect all services of the demo user, as `manage.py brief` does."""
        connect = "async_to_sync(demo.connect_services)(connected=set())"
        self.run_code(f"from asgiref.sync import async_to_sync; from devcontext import demo; {connect}")


@contextmanager
def running(
    folder: Path,
    *,
    is_vault_apart: bool = False,
    claude_delay_ms: int = 5,
    variables: Mapping[str, str] | None = None,
    web_settings: str = "devcontext.settings.web",
) -> Iterator[Installation]:
    """Start an installation in `folder` and end it with the context; its output goes to files there.

    `variables` are further settings of its processes, `web_settings` the module of those of the web process.
    """
    port, sandbox_port, vault_port = free_ports(3)
    vault_url = local_vault_url(vault_port) if is_vault_apart else ""
    found = Installation(LocalInstallation(folder, port=port, sandbox_port=sandbox_port, vault_url=vault_url))
    environment = {
        **os.environ,
        "SANDBOX_URL": found.sandbox_url,
        "SANDBOX_CLAUDE_DELAY_MS": str(claude_delay_ms),
        "LOG_LEVEL": "DEBUG",
        **(variables or {}),
    }
    found.web_folder.mkdir(exist_ok=True)
    vaults = [found.plan.vault(environment)] if is_vault_apart else []
    web = found.plan.web(environment)
    web = replace(web, environment={**web.environment, "DJANGO_SETTINGS_MODULE": web_settings})
    programs = [found.plan.sandbox(environment), *vaults, web]
    found.programs = {program.name: program for program in programs}
    try:
        found.start("sandbox")
        for program in programs[1:]:
            migrated = found.manage(program.name, "migrate_all")
            assert migrated.returncode == 0, migrated.stderr
            found.start(program.name)
        yield found
    finally:
        for process in found.processes.values():
            process.terminate()
        for process in found.processes.values():
            process.wait(timeout=30)


def _read(path: Path) -> bytes:
    """Return a file's bytes; none of a journal that SQLite has just done with."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nothing listens on."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"nothing answers at {url}")
