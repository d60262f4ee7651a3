"""`./dev up --vault`: three processes that start together, answer, and end together with a sentence."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]


def free_ports() -> dict[str, str]:
    """Return three ports of this machine that nothing listens on, by the variables that choose them."""
    probes = [socket.socket() for _ in range(3)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [str(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return dict(zip(("PORT", "SANDBOX_PORT", "VAULT_PORT"), ports, strict=True))


@contextmanager
def launched(data: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Launch, and end it whatever happens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "devcontext.launch", *arguments],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(data)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=60)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Return what it prints up to a line with these words, or up to its end."""
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if words in line:
            break
    return printed


def children(process: subprocess.Popen[str]) -> dict[str, int]:
    """Return the ids of its child processes by what they run."""
    ids = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    lines = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in ids}
    marks = ("devcontext.sandbox", "vault.asgi", "devcontext.asgi")
    return {mark: int(pid) for mark in marks for pid, line in lines.items() if mark in line}


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_end_of_one_process_ends_all_with_a_sentence(tmp_path: Path) -> None:
    ports = free_ports()
    with launched(tmp_path, "up", "--vault", **ports) as process:
        printed = read_until(process, "Stop with")
        assert f"DevContext is at http://localhost:{ports['PORT']}" in printed
        assert f"The token vault is a process of its own at http://127.0.0.1:{ports['VAULT_PORT']}." in printed
        metadata = httpx.get(
            f"http://127.0.0.1:{ports['VAULT_PORT']}/.well-known/oauth-authorization-server", trust_env=False
        ).json()
        assert metadata["issuer"] == f"http://127.0.0.1:{ports['VAULT_PORT']}"
        started = children(process)
        assert len(started) == 3
        os.kill(started["vault.asgi"], signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "The vault ended, so everything else was stopped too." in errors
        assert not [pid for pid in started.values() if is_alive(pid)]


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_ends_the_vault_alone_without_a_traceback(tmp_path: Path, end: signal.Signals) -> None:
    ports = free_ports()
    with launched(tmp_path, "vault", **ports) as process:
        assert f"VAULT_URL=http://127.0.0.1:{ports['VAULT_PORT']} ./dev up" in read_until(process, "Stop with")
        started = children(process)
        assert set(started) == {"vault.asgi"}
        # As a terminal does it, to all processes of the group in its foreground.
        os.killpg(process.pid, end)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 128 + end
        assert "Traceback" not in errors
        assert not is_alive(started["vault.asgi"])


def test_a_second_interrupt_waits_for_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    with launched(tmp_path, "vault", **free_ports()) as process:
        read_until(process, "Stop with")
        started = children(process)
        os.killpg(process.pid, signal.SIGINT)
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
        assert started
        assert not [pid for pid in started.values() if is_alive(pid)]


@pytest.mark.parametrize("taken", ["PORT", "SANDBOX_PORT", "VAULT_PORT"])
def test_a_taken_port_is_one_sentence(tmp_path: Path, taken: str) -> None:
    ports = free_ports()
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(ports[taken])))
        other.listen()
        with launched(tmp_path, "up", "--vault", **ports) as process:
            _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors == f"Port {ports[taken]} is taken. Choose another one: PORT=9000 ./dev up\n"


def test_own_data_without_its_owner_is_one_sentence(tmp_path: Path) -> None:
    with launched(tmp_path, "up", "--ics", "me.ics", **free_ports()) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors == "Say who you are in your data: --ics needs --me with your e-mail address.\n"


def test_own_data_where_nothing_is_simulated_is_one_sentence(tmp_path: Path) -> None:
    names = ("GITHUB_CLIENT_ID", "GOOGLE_CLIENT_ID", "SLACK_CLIENT_ID", "ANTHROPIC_API_KEY")
    real = dict.fromkeys(names, "x")
    with launched(tmp_path, "up", "--ics", "me.ics", "--me", "a@b.example", **free_ports(), **real) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors.startswith("Your own data fill the sandbox, and nothing is simulated here")


def test_commands_run_in_the_place_of_either_process(tmp_path: Path) -> None:
    show = [
        "shell",
        "--no-imports",
        "-v0",
        "-c",
        "from django.conf import settings as s; print(s.SETTINGS_MODULE, s.DATA_DIR)",
    ]
    for place in ("vault", "web"):
        action = "manage" if place == "web" else "vault"
        with launched(tmp_path, action, *show) as process:
            printed, errors = process.communicate(timeout=60)
        assert printed.strip() == f"devcontext.settings.{place} {tmp_path / 'separate' / place}", errors


def test_a_wrong_variable_is_one_sentence(tmp_path: Path) -> None:
    with launched(tmp_path, "up", "--vault", PORT="eight") as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors == "PORT must be a whole number.\n"
