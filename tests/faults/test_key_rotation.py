"""A new key takes over while processes exchange and refresh: nobody notices, and a rotation that is killed goes on."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.conftest import size
from tests.faults.processes import ROOT, Installation, Process
from vault.keys import file, local

# Two tokens each: sixty make more than one batch of records.
USERS = [f"user:{number}" for number in range(size(10, 60))]
RECORDS = 2 * len(USERS) + 1
EXCHANGES = size(100, 2_000)


@pytest.fixture
def key_file(installation: Installation, tmp_path: Path) -> Path:
    """Let the processes take their keys from a file."""
    path = tmp_path / "vault.key"
    file.ensure(path)
    del installation.environment["VAULT_KEYS"]
    installation.environment["VAULT_KEYS_FILE"] = str(path)
    return path


def start(installation: Installation, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    """Start a command of the installation."""
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**installation.environment, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def manage(installation: Installation, *arguments: str) -> str:
    """Run a command to its end and return what it printed."""
    process = start(installation, *arguments)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out


def rotate(installation: Installation, *arguments: str) -> str:
    # The checks of a deployment want addresses with TLS.
    return manage(installation, "vault_rotate_key", "--skip-checks", *arguments)


def test_nobody_notices_a_rotation(installation: Installation, key_file: Path) -> None:
    one, other = installation.start(2)
    for user in USERS:
        installation.connect(one, user=user)
    asked = [(USERS[number % len(USERS)], "github") for number in range(EXCHANGES)]
    for process in (one, other):
        process.begin("exchange", asked=asked, at_once=4)
    # Refreshes seal anew while the rotation rewraps.
    (third,) = installation.start()
    third.ask("expire", users=USERS[::2])
    assert "Key version 2" in manage(installation, "vault_generate_key")
    assert "moved to key version 2" in rotate(installation)
    third.ask("expire", users=USERS[1::2])
    answers = [*one.answer(), *other.answer()]
    assert [answer for answer in answers if "error" in answer] == []
    assert len(answers) == 2 * EXCHANGES
    assert all(grant.is_alive for grant in installation.upstream.grants)

    rotate(installation)
    assert rotate(installation, "--dry-run") == f"key version 2: {RECORDS} records, current\n"
    key_file.write_text(key_file.read_text().splitlines()[1] + "\n")
    (later,) = installation.start(VAULT_MIN_KEY_VERSION="2")
    found = later.ask("exchange", asked=[(user, "github") for user in USERS])
    assert [answer for answer in found if "error" in answer] == []


def test_a_rotation_that_is_killed_goes_on(installation: Installation, key_file: Path) -> None:
    (process,) = installation.start()
    for user in USERS:
        installation.connect(process, user=user)
    manage(installation, "vault_generate_key")
    rotating = start(installation, "vault_rotate_key", "--skip-checks")
    assert rotating.stderr
    # The line comes after a batch, in the pause before the next.
    assert rotating.stderr.readline().endswith("records\n")
    rotating.kill()
    rotating.communicate()
    counts = [int(line.split()[3]) for line in rotate(installation, "--dry-run").splitlines()]
    assert sum(counts) == RECORDS
    assert rotate(installation) == f"{RECORDS - counts[-1]} records moved to key version 2.\n"
    assert rotate(installation, "--dry-run") == f"key version 2: {RECORDS} records, current\n"
    found = process.ask("exchange", asked=[(user, "github") for user in USERS])
    assert [answer for answer in found if "error" in answer] == []


def test_a_new_key_can_be_handed_out_before_it_is_used(installation: Installation) -> None:
    """Keys in the environment: `VAULT_KEY_VERSION` holds the old one until every process knows the new one.

    A process that was forgotten refuses what the new key sealed, until it is started again.
    """
    both = f"{installation.environment['VAULT_KEYS']},{local.new_entry(2)}"

    def exchange(process: Process) -> str:
        (found,) = process.ask("exchange", asked=[("user:1", "github")])
        return str(found.get("error", "answered"))

    (behind,) = installation.start()
    (holding,) = installation.start(VAULT_KEYS=both, VAULT_KEY_VERSION="1")
    installation.connect(behind, user="user:1")
    holding.ask("expire", users=["user:1"])
    assert [exchange(process) for process in (holding, behind)] == ["answered", "answered"]
    (using,) = installation.start(VAULT_KEYS=both)
    using.ask("expire", users=["user:1"])
    assert [exchange(process) for process in (using, holding)] == ["answered", "answered"]
    assert exchange(behind) == "SealBrokenError"
    assert behind.ask("events", user="user:1", kind="vault:exchange:failed") == [
        ["vault:exchange:failed", "vault_unavailable"]
    ]
    (again,) = installation.start(VAULT_KEYS=both)
    assert exchange(again) == "answered"
