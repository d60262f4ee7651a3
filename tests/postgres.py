"""A PostgreSQL server of one's own: in a temporary folder, on a Unix socket that nobody else reaches, gone at the end.

As a command it runs another command with the three databases there:
`python -m tests.postgres pytest tests/vault/test_client.py`.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

# Where Debian puts the server's programs, which are not on the path there.
_DEBIAN = Path("/usr/lib/postgresql")
_VARIABLES = {"DATABASE_URL": "main", "VAULT_DATABASE_URL": "vault", "AUDIT_DATABASE_URL": "audit"}


@contextmanager
def serve_postgres(*, is_durable: bool = True) -> Iterator[str]:
    """Start a server, yield the URL that a database's name is appended to, and stop it.

    Without `is_durable` it never waits for the disk: for tests in which no machine loses its power.
    """
    programs = _find_programs()
    folder = Path(tempfile.mkdtemp(prefix="devcontext-postgres-"))
    # With its parent dies the server, also when the parent is killed.
    prefix = ["setpriv", "--pdeathsig=INT", *_as_other_user(folder)]
    data = folder / "data"
    options = ["-c", "listen_addresses=", "-c", "max_connections=200", "-k", folder]
    if not is_durable:
        options += ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
    try:
        with (folder / "log").open("wb") as log:
            initdb = [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
            subprocess.run([*prefix, *initdb], cwd="/", stdout=log, stderr=log, check=True)
            server = subprocess.Popen(
                [*prefix, programs / "postgres", "-D", data, *options], cwd="/", stdout=log, stderr=log
            )
        try:
            _wait_for(programs / "pg_isready", folder=folder, server=server)
            yield f"postgresql://postgres@{quote(str(folder), safe='')}/"
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait()
    finally:
        shutil.rmtree(folder)


def _wait_for(program: Path, *, folder: Path, server: subprocess.Popen[bytes]) -> None:
    while subprocess.run([program, "-q", "-h", folder], check=False).returncode:
        if server.poll() is not None:
            raise RuntimeError((folder / "log").read_text(errors="replace"))
        time.sleep(0.05)


def _find_programs() -> Path:
    installed = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not installed and not on_path:
        raise RuntimeError("These tests need PostgreSQL. On Debian: apt-get install postgresql")
    # A link on the path leads to where the other programs are.
    return (installed[-1] if installed else Path(on_path or "").resolve()).parent


def _as_other_user(folder: Path) -> list[str]:
    """Return how `setpriv` runs a program that refuses to run as root, and let its user into `folder`."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def main(command: list[str]) -> int:
    """Run `command` on a server of its own and return its exit code."""
    with serve_postgres() as url:
        environment = os.environ | {variable: f"{url}{name}" for variable, name in _VARIABLES.items()}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
