"""A PostgreSQL server of one's own: in a temporary folder, on a Unix socket that nobody else reaches, gone at the end.

For `./dev up --full` and for tests; it is no place for data that are to stay.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

# Where Debian puts the server's programs, which are not on the path there.
_DEBIAN = Path("/usr/lib/postgresql")


class PostgresError(Exception):
    """The server does not run; the sentence says why."""


@contextmanager
def serve_postgres(*, is_durable: bool = True) -> Iterator[str]:
    """Start a server, yield the URL that a database's name is appended to, and stop it.

    Without `is_durable` it never waits for the disk: for tests in which no machine loses its power.

    Raises:
        PostgresError: It is not installed, or does not start.
    """
    programs = _find_programs()
    folder = Path(tempfile.mkdtemp(prefix="devcontext-postgres-"))
    # With its parent dies the server, also when the parent is killed.
    prefix: list[str | Path] = ["setpriv", "--pdeathsig=INT", *_as_other_user(folder)]
    data = folder / "data"
    options: list[str | Path] = ["-c", "listen_addresses=", "-c", "max_connections=200", "-k", folder]
    if not is_durable:
        options += ["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]
    try:
        with (folder / "log").open("wb") as log:
            flags = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]
            initdb: list[str | Path] = [*prefix, programs / "initdb", "-D", data, *flags]
            if subprocess.run(initdb, cwd="/", stdout=log, stderr=log, check=False).returncode:  # noqa: S603  (ours)
                raise PostgresError((folder / "log").read_text(errors="replace"))
            # Ctrl-C reaches all processes of a terminal's group: this one is still needed by those that end.
            command: list[str | Path] = [*prefix, programs / "postgres", "-D", data, *options]
            server = subprocess.Popen(command, cwd="/", stdout=log, stderr=log, start_new_session=True)  # noqa: S603  (ours)
        try:
            _wait_for(programs / "pg_isready", folder=folder, server=server)
            yield f"postgresql://postgres@{quote(str(folder), safe='')}/"
        finally:
            server.send_signal(signal.SIGQUIT)
            server.wait()
    finally:
        shutil.rmtree(folder)


def _wait_for(program: Path, *, folder: Path, server: subprocess.Popen[bytes]) -> None:
    while subprocess.run([program, "-q", "-h", folder], check=False).returncode:  # noqa: S603  (ours)
        if server.poll() is not None:
            raise PostgresError((folder / "log").read_text(errors="replace"))
        time.sleep(0.05)


def _find_programs() -> Path:
    installed = sorted(_DEBIAN.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    if not installed and not on_path:
        raise PostgresError("PostgreSQL is not installed here. On Debian: apt-get install postgresql")
    # A link on the path leads to where the other programs are.
    return (installed[-1] if installed else Path(on_path or "").resolve()).parent


def _as_other_user(folder: Path) -> list[str]:
    """Return how `setpriv` runs a program that refuses to run as root, and let its user into `folder`."""
    if os.geteuid() != 0:
        return []
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        raise PostgresError("PostgreSQL does not run as root, and there is no user named postgres here.") from None
    os.chown(folder, user.pw_uid, user.pw_gid)
    return [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
