"""The servers beside the processes of `./dev up --full`: PostgreSQL with the roles of `deploy/`, and Redis.

Both are this installation's own and forget everything when it ends. Each process gets the addresses that are its own,
with its own role, as docs/deployment.md has it.
"""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from devcontext.local_postgres import serve_postgres
from devcontext.local_processes import Program

_ROOT = Path(__file__).resolve().parent.parent
# Each with a password of its own; the last one owns no database.
_ROLES = ("web", "vault", "audit", "retention")
_DATABASES = {"web": "devcontext", "vault": "devcontext_vault", "audit": "devcontext_audit"}
# Programs and the Debian packages that bring them.
_PACKAGES = {"redis-server": "redis-server", "psql": "postgresql-client", "setpriv": "util-linux"}
_START_SECONDS = 30


class LocalServerError(Exception):
    """A server does not run, or its databases could not be made; the sentence says why."""


@dataclass(frozen=True, slots=True)
class LocalServers:
    """The variables that lead a process to the servers."""

    web: Mapping[str, str] = field(repr=False)
    vault: Mapping[str, str] = field(repr=False)
    audit_owner_url: str = field(repr=False)

    def migrate_audit(self, vault: Program) -> None:
        """Make the audit's tables as their owner, and let web and vault append to them.

        Raises:
            LocalServerError: It did not work; the reason stands above.
        """
        command = [sys.executable, "manage.py", "migrate", "audit", "--database", "audit", "-v0"]
        environment = {**vault.environment, "AUDIT_DATABASE_URL": self.audit_owner_url}
        if subprocess.run(command, cwd=_ROOT, env=environment, check=False).returncode:  # noqa: S603  (ours)
            raise LocalServerError("The audit's database could not be brought up to date; the reason stands above.")
        _run_sql("postgresql-audit.sql", url=self.audit_owner_url)


@contextmanager
def serve(folder: Path, *, redis_port: int) -> Iterator[LocalServers]:
    """Start PostgreSQL and Redis, whose settings lie in `folder`, and stop both at the end.

    Raises:
        LocalServerError: One of them is not installed or does not start, or the roles could not be made.
        PostgresError: Likewise.
    """
    for program in _PACKAGES:
        _find(program)
    with serve_postgres() as url, _serve_redis(folder, port=redis_port) as redis_url:
        _run_sql("postgresql.sql", url=f"{url}postgres", passwords={role: secrets.token_hex(16) for role in _ROLES})
        yield LocalServers(
            web={
                "DATABASE_URL": _url_of(url, role="web", database="web"),
                "AUDIT_DATABASE_URL": _url_of(url, role="web", database="audit"),
                "REDIS_URL": redis_url,
            },
            vault={
                "VAULT_DATABASE_URL": _url_of(url, role="vault", database="vault"),
                "AUDIT_DATABASE_URL": _url_of(url, role="vault", database="audit"),
            },
            audit_owner_url=_url_of(url, role="audit", database="audit"),
        )


def _url_of(url: str, *, role: str, database: str) -> str:
    """Return an address without a password: the server's Unix socket lies where nobody else reaches it."""
    return f"{url}{_DATABASES[database]}".replace("//postgres@", f"//devcontext_{role}@")


def _run_sql(name: str, *, url: str, passwords: Mapping[str, str] | None = None) -> None:
    command = [_find("psql"), url, "-q"]
    # They are asked for on no address here, and die with the server.
    command += [f"-v{role}_password={password}" for role, password in (passwords or {}).items()]
    # What is dropped before it is made is not there yet, and nobody wants to read so.
    environment = {**os.environ, "PGOPTIONS": "-c client_min_messages=warning"}
    file = str(_ROOT / "deploy" / name)
    if subprocess.run([*command, "-f", file], env=environment, check=False).returncode:  # noqa: S603  (ours)
        raise LocalServerError(f"deploy/{name} did not run through; the reason stands above.")


@contextmanager
def _serve_redis(folder: Path, *, port: int) -> Iterator[str]:
    """Start Redis on loopback, yield its address, and stop it.

    SECURITY: with a password, in a file and not on the command line: who writes to it gives the worker its tasks, and
    other users of this machine reach the port.
    """
    program, password = _find("redis-server"), secrets.token_hex(16)
    settings = folder / "redis.conf"
    settings.touch(mode=0o600)
    lines = [f"port {port}", "bind 127.0.0.1", f"requirepass {password}", 'save ""', f'dir "{folder}"']
    settings.write_text("\n".join([*lines, "loglevel warning", ""]), encoding="utf-8")
    # A session of its own: Ctrl-C must not end it before those that need it.
    server = subprocess.Popen([program, str(settings)], stdout=subprocess.DEVNULL, start_new_session=True)  # noqa: S603  (ours)
    try:
        _wait_for(server, port=port)
        yield f"redis://:{password}@127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


def _wait_for(server: subprocess.Popen[bytes], *, port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while server.poll() is None and time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise LocalServerError(f"Redis did not start on port {port}.")


def _find(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        raise LocalServerError(f"{program} is not installed here. On Debian: apt-get install {_PACKAGES[program]}")
    return found
