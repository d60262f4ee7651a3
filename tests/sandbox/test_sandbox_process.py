"""The sandbox as a process: it starts, tells what is wrong in one sentence, and knows nothing of the apps."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parent.parent.parent
IMPORTS = """
import sys
import devcontext.sandbox.__main__
print([name for name in sys.modules if name.split('.')[0] in ('django', 'agent', 'vault', 'permissions', 'audit')])
"""


def _start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-m", "devcontext.sandbox", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for_health(port: int) -> httpx.Response:
    deadline = time.monotonic() + 30
    while True:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False)
        except httpx.TransportError:
            assert time.monotonic() < deadline, "the sandbox did not start"
            time.sleep(0.05)


def test_it_serves_on_loopback_until_it_is_told_to_stop(tmp_path: Path) -> None:
    port, data = _free_port(), tmp_path / "sandbox.sqlite3"
    process = _start("--port", str(port), "--data", str(data))
    try:
        assert _wait_for_health(port).json()["base_url"] == f"http://127.0.0.1:{port}"
        assert data.exists()
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
    assert errors == ""


def test_a_taken_port_is_one_sentence_and_exit_2(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        _fails_with(f"Port {port} on 127.0.0.1 is taken", "--port", str(port), "--data", str(tmp_path / "x"))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--git", "/nowhere/at/all", "--me", "x"), "/nowhere/at/all is no directory."),
        (("--git", "{tmp}", "--me", "x"), "{tmp} is no git repository with commits"),
        (("--git", "{tmp}"), "Say who you are in your data: --git needs --me with your e-mail address."),
        (("--ics", "{tmp}"), "Say who you are in your data: --ics needs --me with your e-mail address."),
        (
            ("--slack-export", "{tmp}"),
            "Say who you are in your data: --slack-export needs --me with your e-mail address.",
        ),
        (("--me", "x"), "--me says who you are in your own data: give --git, --ics or --slack-export with it."),
        (("--ics", "{tmp}", "--me", "x"), "--me needs an e-mail address"),
        (("--ics", "{tmp}", "--me", "a@b.example"), "{tmp} is no file that this user may read."),
        (("--slack-export", "{tmp}", "--me", "a@b.example"), "{tmp} is no file that this user may read."),
        (("--zone", "Mars/Olympus"), "There is no time zone Mars/Olympus."),
        (("--port", "99999"), "Port 99999 on 127.0.0.1 is taken or not allowed"),
        (("--data", "{tmp}"), "The sandbox cannot keep its tokens in {tmp}."),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_exit_2(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    filled = [argument.replace("{tmp}", str(tmp_path)) for argument in arguments]
    _fails_with(sentence.replace("{tmp}", str(tmp_path)), "--port", "0", "--data", str(tmp_path / "x"), *filled)


def test_it_imports_no_app_and_no_django() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS], check=True, capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert done.stdout.strip() == "[]"


def _fails_with(sentence: str, *arguments: str) -> None:
    process = _start(*arguments)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert errors.startswith(sentence)
    assert len(errors.splitlines()) == 1
