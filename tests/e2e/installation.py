"""A whole installation as `./dev up` starts it: app and sandbox as processes of their own, in a fresh folder."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Installation:
    """Where it runs, and where everything that it wrote lies."""

    app_url: str
    sandbox_url: str
    data: Path

    def written_bytes(self, *names: str) -> bytes:
        """Return all bytes of the files whose names start with `names`, journals included; all files without names."""
        files = [path for path in self.data.rglob("*") if path.is_file() and path.name.startswith(names or ("",))]
        return b"".join(path.read_bytes() for path in files)


@contextmanager
def running(data: Path) -> Iterator[Installation]:
    """Start an installation in `data` and end it with the context; its output goes to files there."""
    app_port, sandbox_port = _free_port(), _free_port()
    found = Installation(f"http://localhost:{app_port}", f"http://127.0.0.1:{sandbox_port}", data)
    environment = {
        **os.environ,
        "DATA_DIR": str(data),
        "PORT": str(app_port),
        "SANDBOX_URL": found.sandbox_url,
        "DJANGO_SETTINGS_MODULE": "devcontext.settings.web",
        "SANDBOX_CLAUDE_DELAY_MS": "5",
        "LOG_LEVEL": "DEBUG",
    }
    subprocess.run([sys.executable, "manage.py", "migrate_all"], cwd=ROOT, env=environment, check=True)
    sandbox = ["-m", "devcontext.sandbox", "--port", str(sandbox_port), "--data", str(data / "sandbox.sqlite3")]
    app = [
        "-m",
        "uvicorn",
        "devcontext.asgi:application",
        "--port",
        str(app_port),
        "--ws",
        "websockets-sansio",
        "--no-access-log",
    ]
    with (data / "sandbox.log").open("wb") as sandbox_log, (data / "app.log").open("wb") as app_log:
        processes = [
            subprocess.Popen(
                [sys.executable, *sandbox], cwd=ROOT, env=environment, stdout=sandbox_log, stderr=sandbox_log
            ),
            subprocess.Popen([sys.executable, *app], cwd=ROOT, env=environment, stdout=app_log, stderr=app_log),
        ]
        try:
            _wait_for(f"{found.sandbox_url}/health")
            _wait_for(f"http://127.0.0.1:{app_port}/accounts/login/")
            yield found
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(timeout=20)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"nothing answers at {url}")
