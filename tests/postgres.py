"""A PostgreSQL server of one's own: in a temporary folder, on a Unix socket that nobody else reaches, gone at the end.

As a command it runs another command with the three databases there:
`python -m tests.postgres pytest tests/vault/test_client.py`.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
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
    prefix = _as_other_user(folder)
    data, options = folder / "data", f"-c listen_addresses= -c max_connections=200 -k {folder}"
    if not is_durable:
        options += " -c fsync=off -c synchronous_commit=off -c full_page_writes=off"
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
    control = [*prefix, programs / "pg_ctl", "-D", data, "-w"]
    try:
        _run([*prefix, *initdb])
        _run([*control, "-o", options, "-l", folder / "log", "start"])
        try:
            yield f"postgresql://postgres@{quote(str(folder), safe='')}/"
        finally:
            _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder)


def _find_programs() -> Path:
    found = shutil.which("initdb")
    if found:
        return Path(found).parent
    installed = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not installed:
        raise RuntimeError("These tests need PostgreSQL. On Debian: apt-get install postgresql")
    return installed[-1].parent


def _as_other_user(folder: Path) -> list[str]:
    """Return how to run a program that refuses to run as root, and let its user into `folder`."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def _run(command: list[str | Path]) -> None:
    # A server started here inherits its output: a pipe would be waited for until the server ends.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(command, cwd="/", stdout=output, stderr=output, check=False)
        if done.returncode:
            output.seek(0)
            raise RuntimeError(output.read().decode(errors="replace"))


def main(command: list[str]) -> int:
    """Run `command` on a server of its own and return its exit code."""
    with serve_postgres() as url:
        environment = os.environ | {variable: f"{url}{name}" for variable, name in _VARIABLES.items()}
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
