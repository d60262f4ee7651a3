"""The processes of one benchmark: workers, servers, and how they are started, asked and ended."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
# As `./dev up` starts the web process: an access log would cost more than some answers.
_UVICORN = ["--host", "127.0.0.1", "--log-level", "warning", "--no-access-log", "--no-server-header", "--ws", "none"]


@dataclass(frozen=True, slots=True)
class Worker:
    """A process of `benchmarks.worker`."""

    process: subprocess.Popen[str]

    def ask(self, command: str, **arguments: Any) -> Any:
        """Send a command and return its answer."""
        self.send(command, **arguments)
        return self.receive()

    def send(self, command: str, **arguments: Any) -> None:
        """Send a command whose answer is fetched later."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self.process.stdin.flush()

    def receive(self) -> Any:
        """Return the answer to the command sent before."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("A worker ended; its reason stands above.")
        return json.loads(line)


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers HTTP."""

    url: str
    process: subprocess.Popen[str]

    def cpu_seconds(self) -> float:
        """Return the processor time it has used, in user and system mode."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / _CLOCK_TICKS


@contextmanager
def work(environment: Mapping[str, str]) -> Iterator[Worker]:
    """Start a worker."""
    with _process([sys.executable, "-m", "benchmarks.worker"], environment, is_asked=True) as process:
        yield Worker(process)


@contextmanager
def serve_app(application: str, environment: Mapping[str, str], *, path: str) -> Iterator[Server]:
    """Serve an ASGI application with uvicorn, one process, as the vault is served, once it answers at `path`."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", application, "--port", str(port), *_UVICORN]
    with _process(command, environment) as process:
        yield _answering(port, process, path=path)


@contextmanager
def serve_secrets_manager() -> Iterator[Server]:
    """Serve moto's Secrets Manager."""
    port = free_port()
    # Its server logs each request to stderr, which would count as its work.
    code = "import logging, moto.server as s; logging.getLogger('werkzeug').disabled = True; s.main()"
    with _process([sys.executable, "-c", code, "-H", "127.0.0.1", "-p", str(port)], {}) as process:
        yield _answering(port, process, path="/")


@contextmanager
def serve_command(command: list[str], environment: Mapping[str, str], *, folder: str) -> Iterator[Server]:
    """Serve with a program of another environment, which runs in `folder`; its last argument is to be its port."""
    port = free_port()
    with _process([*command, str(port)], environment, folder=folder) as process:
        yield _answering(port, process, path="/")


@contextmanager
def _process(
    command: list[str], environment: Mapping[str, str], *, is_asked: bool = False, folder: str | Path = ROOT
) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE if is_asked else None
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        text=True,
        stdin=pipe,
        stdout=pipe or subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answering(port: int, process: subprocess.Popen[str], *, path: str) -> Server:
    """Return the server once it answers anything at all."""
    url = f"http://127.0.0.1:{port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    # Chainlit imports for 7 s of processor; on a busy machine that is a minute.
    for _ in range(1200):
        if process.poll() is not None:
            break
        try:
            opener.open(f"{url}{path}", timeout=2).close()
        except urllib.request.HTTPError:
            return Server(url, process)
        except OSError:
            time.sleep(0.1)
        else:
            return Server(url, process)
    raise SystemExit("A server did not start; its reason stands above.")
