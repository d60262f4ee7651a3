"""One's own data stay on the machine: the sandbox that holds them talks to nobody beyond loopback and starts git only.

Held in two ways: Python reports every address asked for and every program started (PEP 578), and the kernel lists the
sockets that the process really has.
"""

import ipaddress
import json
import os
import re
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parent.parent.parent
TRAP = """
import sys
from devcontext.sandbox.__main__ import main

SILENT = ("127.0.0.1", "::1", "localhost", None)

def told(event, args):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = args[1]
        is_told = isinstance(address, tuple) and address[0] not in SILENT
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        is_told = args[0] not in SILENT
    else:
        is_told = event in ("subprocess.Popen", "os.exec", "os.system", "os.posix_spawn")
    if is_told:
        print(event, repr(args), file=sys.stderr, flush=True)

sys.addaudithook(told)
"""
ICS = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VTIMEZONE
TZID:Pier
TZURL:http://192.0.2.1/pier.ics
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0100
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
UID:x
DTSTART;TZID=Pier:{today}T100000
RRULE:FREQ=DAILY;COUNT=3
ATTACH:http://192.0.2.1/agenda.pdf
CONFERENCE;VALUE=URI:https://192.0.2.1/call
IMAGE;VALUE=URI:http://192.0.2.1/x.png
SUMMARY:Plan
END:VEVENT
END:VCALENDAR
"""


def _sources(folder: Path) -> list[str]:
    """Write a repository, a calendar and an export that name addresses elsewhere, and return the words for them."""
    environment = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull}
    who = ("-c", "user.name=Ann Ng", "-c", "user.email=ann@corp.example")
    for arguments in (
        ("init", "-q", "."),
        (*who, "commit", "-q", "--allow-empty", "-m", "Begin"),
        ("remote", "add", "origin", "http://192.0.2.1/pier.git"),
        ("config", "remote.origin.promisor", "true"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, env=environment, check=True)  # noqa: S607
    # The world is that of the minute which has begun: what is newer has not happened in it.
    said_at = int(time.time()) - 60
    today = time.strftime("%Y%m%d", time.gmtime(said_at))
    (folder / "me.ics").write_text(ICS.replace("{today}", today))
    profile = {"email": "ann@corp.example", "image_24": "http://192.0.2.1/ann.png"}
    files = {
        "users.json": [{"id": "U0ANN", "name": "ann", "profile": profile}],
        "channels.json": [{"id": "C0PIER", "name": "pier", "members": ["U0ANN"]}],
        f"pier/{today[:4]}-{today[4:6]}-{today[6:]}.json": [
            {"type": "message", "user": "U0ANN", "text": "<http://192.0.2.1/>", "ts": f"{said_at}.000100",
             "files": [{"url_private": "http://192.0.2.1/file"}]},
        ],
    }  # fmt: skip
    with zipfile.ZipFile(folder / "export.zip", "w") as archive:
        for name, value in files.items():
            archive.writestr(name, json.dumps(value))
    paths = ("--git", str(folder), "--ics", str(folder / "me.ics"), "--slack-export", str(folder / "export.zip"))
    return [*paths, "--me", "ann@corp.example"]


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A sandbox with all three sources, under the trap, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["--port", str(port), "--data", str(tmp_path / "tokens.sqlite3"), *_sources(tmp_path)]
    process = subprocess.Popen(
        [sys.executable, "-c", f"{TRAP}\nmain({arguments!r})"], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 30
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False)
                break
            except httpx.TransportError:
                assert process.poll() is None, process.communicate()[1]
                assert time.monotonic() < deadline, "the sandbox did not start"
                time.sleep(0.05)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def test_nothing_leaves_the_machine(sandbox: tuple[subprocess.Popen[str], str]) -> None:
    process, url = sandbox
    with httpx.Client(base_url=url, trust_env=False) as http:
        assert http.get("/health").json()["world"].startswith("GitHub: your repository")
        for path in ("/", "/operator", "/slack/web/archives/C0PIER"):
            assert http.get(path).status_code == 200, path
        assert "192.0.2.1" in http.get("/slack/web/archives/C0PIER").text
        sockets = _sockets(process.pid)
    process.terminate()
    _, told = process.communicate(timeout=30)
    programs = [line for line in told.splitlines() if "Popen" in line]
    assert len(programs) == 2, told
    assert all(re.match(r"subprocess\.Popen \('git', \['git', '-C', ", line) for line in programs), told
    assert [line for line in told.splitlines() if line not in programs] == []
    assert sockets, "the trap must see the sandbox's own port"
    assert [address for address in sockets if not address.is_loopback] == []


def _sockets(pid: int) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the addresses at both ends of every socket of the process, except ends that nobody is at."""
    links = (str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir() if entry.is_symlink())
    inodes = {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}
    found = []
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for row in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]:
            fields = row.split()
            is_open_end = fields[2].split(":")[1] == "0000"
            if fields[9] in inodes:
                found += [_address(one) for one in fields[1 : 2 if is_open_end else 3]]
    return found


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Return the address of `0100007F:1F41`: words of four bytes, each in the machine's own order."""
    data = bytes.fromhex(text.partition(":")[0])
    words = [int.from_bytes(data[at : at + 4], "big").to_bytes(4, sys.byteorder) for at in range(0, len(data), 4)]
    return ipaddress.ip_address(b"".join(words))
