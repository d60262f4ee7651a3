"""Starts an installation on this machine and ends it as one: `python -m devcontext.launch`, called by `./dev`.

up [--vault | --full] [--git PATH] [--ics FILE] [--slack-export ZIP] [--me E-MAIL]
                                        sandbox and app; the vault apart with --vault, or the one that VAULT_URL names;
                                        with --full also PostgreSQL, Redis, worker and beat, and nothing stays
vault [COMMAND …]                       that vault alone, or a Django command in its place
manage [--full] COMMAND …               a Django command in the place of the app whose vault is apart, or of the one
                                        that `up --full` runs at the moment
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from devcontext import env, local_note, local_servers, own_data
from devcontext.local_postgres import PostgresError
from devcontext.local_processes import LocalInstallation, Program, local_vault_url, separate_folder
from devcontext.local_servers import LocalServerError, LocalServers
from devcontext.providers import PLACES

_ROOT = Path(__file__).resolve().parent.parent
# The first start after an installation compiles nothing but reads everything: 20 s on two busy cores.
_START_SECONDS = 60
# Longer than a process gives its last requests, see `local_processes`.
_END_SECONDS = 30

Running = dict[Program, subprocess.Popen[bytes]]


class LaunchError(Exception):
    """The installation does not run; the sentence says why."""


def main(arguments: Sequence[str]) -> int:
    """Do what the first argument says and return the exit code."""
    _end_in_order()
    action, *rest = arguments
    try:
        match action:
            case "up":
                _up(rest)
            case "vault" if not rest:
                _serve_vault()
            case "manage" if rest[:1] == ["--full"]:
                _manage_full(rest[1:])
            case "vault" | "manage":
                installation = _configured(is_vault_apart=True)
                place = installation.vault if action == "vault" else installation.web
                _become(place(_environment(installation)), rest)
    except (LaunchError, LocalServerError, PostgresError, own_data.OwnDataError, ImproperlyConfigured) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


def _end_in_order() -> None:
    """Let signals that would end this process at once end what it started first."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        # Under nohup the terminal's end is not to be heard.
        if signal.getsignal(ending) != signal.SIG_IGN:
            signal.signal(ending, lambda received, _: sys.exit(128 + received))


def _up(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="./dev up")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--vault", action="store_true", help="start the vault as a process of its own")
    shape.add_argument("--full", action="store_true", help="the vault apart, PostgreSQL, Redis, worker and beat")
    own_data.add_options(parser)
    options = parser.parse_args(arguments)
    filling = own_data.sandbox_arguments(vars(options))
    if filling and not _is_sandbox_needed():
        raise LaunchError("Your own data fill the sandbox, and nothing is simulated here: every service is configured.")
    if options.full:
        _up_full(filling)
        return
    installation = _configured(is_vault_apart=options.vault)
    environment = _environment(installation)
    servers = [installation.web(environment)]
    if options.vault:
        servers.insert(0, installation.vault(environment))
    _run(installation, filling=filling, servers=servers)


def _up_full(filling: Sequence[str]) -> None:
    """Run the shape of a deployment; its folder and its databases go with it, so that keys and rows stay together."""
    folder = _data_folder()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    redis_port = env.integer("REDIS_PORT", env.integer("PORT", 8000) + 3)
    _require_free_port(redis_port)
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="full-", dir=folder)))
        installation = _configured(is_vault_apart=True, folder=scratch)
        local = stack.enter_context(local_servers.serve(scratch, redis_port=redis_port))
        environment = _environment(installation)
        for_web = {**environment, **local.web}
        servers = [installation.vault({**environment, **local.vault}), installation.web(for_web)]
        celery = [installation.worker(for_web), installation.beat(for_web)]
        stack.enter_context(local_note.noted(servers[-1], folder=folder))
        _run(installation, filling=filling, servers=servers, celery=celery, local=local)


def _manage_full(arguments: Sequence[str]) -> NoReturn:
    """Run a Django command with the databases of the `./dev up --full` that goes on."""
    added = local_note.find(_data_folder())
    if added is None:
        raise LaunchError("No ./dev up --full runs here. Start it in another terminal, with the same DATA_DIR.")
    _run_instead(arguments, environment={**os.environ, **added})


def _data_folder() -> Path:
    return Path(env.text("DATA_DIR", ".data")).absolute()


def _run(
    installation: LocalInstallation,
    *,
    filling: Sequence[str],
    servers: Sequence[Program],
    celery: Sequence[Program] = (),
    local: LocalServers | None = None,
) -> NoReturn:
    """Start everything, the last of `servers` being the app, say where it is, and wait until one process ends."""
    sandbox = [installation.sandbox(_environment(installation), arguments=filling)] if _is_sandbox_needed() else []
    with _together(*sandbox, *servers) as running, _noted(installation, is_noted=bool(sandbox)):
        # Side by side: the sandbox may have a long history to read.
        _start(running, *sandbox)
        if local:
            local.migrate_audit(servers[0])
        _migrate(*servers)
        _start(running, *servers, *celery)
        _wait_until_up(running)
        if celery:
            sys.stdout.write(
                "\nPostgreSQL, Redis, a separate vault, Celery's worker and beat run beside the app."
                "\nThey are for trying out the shape of a deployment: everything in them goes when they end.\n"
            )
            sys.stdout.flush()
        _run_command(servers[-1], "installation").wait()
        _wait_for_an_end(running)


def _serve_vault() -> None:
    installation = _configured(is_vault_apart=True)
    vault = installation.vault(_environment(installation))
    with _together(vault) as running:
        _migrate(vault)
        _start(running, vault)
        _wait_until_up(running)
        sys.stdout.write(
            f"\nThe token vault is at {installation.vault_url}; its keys and tokens lie in its own folder,\n"
            f"{vault.environment['DATA_DIR']}. Start the app beside it, in another terminal:\n\n"
            f"  VAULT_URL={installation.vault_url} ./dev up\n\nStop with Ctrl-C.\n"
        )
        sys.stdout.flush()
        _wait_for_an_end(running)


def _configured(*, is_vault_apart: bool, folder: Path | None = None) -> LocalInstallation:
    """Return the installation that the environment describes; `is_vault_apart` puts its vault on this machine."""
    port, folder = env.integer("PORT", 8000), folder or Path(env.text("DATA_DIR", ".data"))
    vault_url = local_vault_url(env.integer("VAULT_PORT", port + 2)) if is_vault_apart else env.url("VAULT_URL")
    installation = LocalInstallation(
        folder=(separate_folder(folder) if vault_url else folder).absolute(),
        port=port,
        sandbox_port=env.integer("SANDBOX_PORT", port + 1),
        vault_url=vault_url,
    )
    for made in (installation.folder, installation.web_folder):
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
    return installation


def _is_sandbox_needed() -> bool:
    are_all_real = all(env.text(place.client_id_variable) for place in PLACES.values())
    is_model_settled = env.is_set("ANTHROPIC_API_KEY") or env.text("CLAUDE") == "none"
    return not (are_all_real and is_model_settled)


def _environment(installation: LocalInstallation) -> Mapping[str, str]:
    return {**os.environ, **({"SANDBOX_URL": installation.sandbox_url} if _is_sandbox_needed() else {})}


def _become(program: Program, arguments: Sequence[str]) -> NoReturn:
    _run_instead(arguments, environment=program.environment)


def _run_instead(arguments: Sequence[str], *, environment: Mapping[str, str]) -> NoReturn:
    command = [sys.executable, str(_ROOT / "manage.py"), *arguments]
    os.execve(sys.executable, command, dict(environment))  # noqa: S606  (our own command, without a shell)


@contextmanager
def _together(*programs: Program) -> Iterator[Running]:
    """Yield a place for these programs' processes; when the block ends, for whatever reason, all of them end."""
    for program in programs:
        _require_free_port(urlsplit(program.ready_url).port or 0)
    running: Running = {}
    try:
        yield running
    finally:
        try:
            for process in running.values():
                process.terminate()
            for process in running.values():
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=_END_SECONDS)
        finally:
            # Also at a second Ctrl-C, of somebody who does not want to wait.
            for process in running.values():
                process.kill()


def _require_free_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise LaunchError(f"Port {port} is taken. Choose another one: PORT=9000 ./dev up") from None


@contextmanager
def _noted(installation: LocalInstallation, *, is_noted: bool) -> Iterator[None]:
    """Leave a note of where the sandbox is, for commands in another terminal, as long as it is there."""
    note = installation.web_folder / "sandbox.url"
    if is_noted:
        note.write_text(installation.sandbox_url, encoding="utf-8")
    try:
        yield
    finally:
        note.unlink(missing_ok=True)


def _start(running: Running, *programs: Program) -> None:
    for program in programs:
        # A group of its own: Ctrl-C reaches it once, through us. Celery's beat prints a traceback at a second signal.
        command, environment = program.command, program.environment
        running[program] = subprocess.Popen(command, cwd=_ROOT, env=environment, process_group=0)  # noqa: S603  (ours)


def _migrate(*programs: Program) -> None:
    """Bring the databases of these programs up to date, side by side."""
    migrating = [_run_command(program, "migrate_all") for program in programs]
    ended = [process.wait() for process in migrating]
    if any(ended):
        raise LaunchError("The databases could not be brought up to date; the reason stands above.")


def _run_command(program: Program, command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "manage.py", command], cwd=_ROOT, env=program.environment)  # noqa: S603


def _wait_until_up(running: Running) -> None:
    deadline = time.monotonic() + _START_SECONDS
    for program, process in running.items():
        while program.ready_url and not _answers(program.ready_url):
            if process.poll() is not None:
                raise LaunchError(f"The {program.name} did not start; its reason stands above.")
            if time.monotonic() > deadline:
                raise LaunchError(f"The {program.name} did not start within a minute.")
            time.sleep(0.1)


def _answers(url: str) -> bool:
    # An address of this machine is never asked for through a proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2):
            return True
    except (OSError, HTTPException):
        return False


def _wait_for_an_end(running: Running) -> NoReturn:
    while True:
        for program, process in running.items():
            if process.poll() is not None:
                raise LaunchError(f"The {program.name} ended, so everything else was stopped too.")
        time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
