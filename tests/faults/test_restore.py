"""Backup and restore as docs/operations.md says, on SQLite: with the keys, without them, and with another's."""

import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.conftest import size
from tests.faults.processes import ROOT, Installation, Process, SQLite
from tests.vault.upstream import Upstream
from vault.keys import local

USERS = [f"user:{number}" for number in range(5)]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> SQLite:
    return SQLite(tmp_path_factory.mktemp("installation"))


@pytest.fixture
def installation(template: SQLite, upstream: Upstream) -> Iterator[Installation]:
    made = Installation("sqlite", {**template.make(), "UPSTREAM_URL": upstream.url}, upstream)
    try:
        yield made
    finally:
        for process in made.processes:
            process.abandon()


def manage(installation: Installation, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=installation.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def restore(installation: Installation, backup: Path) -> None:
    """Stop every process, put the copies in the place of the databases, and bring them up to date."""
    for process in installation.processes:
        process.close()
    installation.processes.clear()
    data = Path(installation.environment["DATA_DIR"])
    for path in data.glob("*.sqlite3*"):
        path.unlink()
    for path in backup.iterdir():
        shutil.copy(path, data)
    manage(installation, "migrate_all", "--skip-checks")


def exchange(process: Process, user: str) -> Any:
    (found,) = process.ask("exchange", asked=[(user, "github")])
    return found.get("token", found.get("error"))


def test_a_backup_under_load_is_whole_and_opens_with_its_keys_alone(installation: Installation, tmp_path: Path) -> None:
    (process,) = installation.start()
    for user in USERS:
        installation.connect(process, user=user)
    before = {user: exchange(process, user) for user in USERS}

    process.begin("exchange", asked=[(user, "github") for user in USERS] * size(40, 2_000), at_once=4)
    backup = tmp_path / "backup"
    assert "Copied vault, audit" in manage(installation, "backup", str(backup))
    assert [found for found in process.answer() if "error" in found] == []
    assert {path.name for path in backup.iterdir()} == {"vault.sqlite3", "audit.sqlite3"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in backup.iterdir()} == {0o600}
    key = installation.environment["VAULT_KEYS"].partition(":")[2]
    copied = b"".join(path.read_bytes() for path in backup.iterdir())
    assert [secret for secret in (key, *installation.upstream.issued) if secret.encode() in copied] == []

    restore(installation, backup)
    (process,) = installation.start()
    assert {user: exchange(process, user) for user in USERS} == before

    # Without the keys, and with those of another installation: refused, recorded, and disconnecting still works.
    for user, keys in zip(USERS, ("", local.new_entry(1), local.new_entry(2)), strict=False):
        process.close()
        (process,) = installation.start(VAULT_KEYS=keys)
        assert exchange(process, user) == "SealBrokenError"
        failed = process.ask("events", user=user, kind="vault:exchange:failed")
        assert failed == [["vault:exchange:failed", "vault_unavailable"]]
        assert process.ask("disconnect", user=user, provider="github") == 0
        assert exchange(process, user) == "NotConnectedError"


def test_an_older_backup_costs_what_was_rotated_since_and_opens_what_was_revoked_since(
    installation: Installation, tmp_path: Path
) -> None:
    (process,) = installation.start()
    for user in USERS:
        installation.connect(process, user=user)
    manage(installation, "backup", str(tmp_path / "backup"))
    process.ask("expire", users=USERS[:1])
    assert exchange(process, USERS[0]) in installation.upstream.issued
    assert process.ask("set_access", user=USERS[1], provider="github", is_allowed=False) is False
    assert exchange(process, USERS[1]) == "AccessRevokedError"

    restore(installation, tmp_path / "backup")
    (process,) = installation.start()
    assert exchange(process, USERS[1]) in installation.upstream.issued, "the switch stands as it stood"
    process.ask("expire", users=USERS[:1])
    assert exchange(process, USERS[0]) == "ReconnectRequiredError"

    assert manage(installation, "vault_withdraw_access") == "Access was withdrawn from 5 connections.\n"
    assert {exchange(process, user) for user in USERS} == {"AccessRevokedError"}
    assert process.ask("events", user=USERS[1], kind="permission:access") == [
        ["permission:access:withdrawn", "allowed → revoked"]
    ]
    assert process.ask("set_access", user=USERS[1], provider="github", is_allowed=True) is True
    assert exchange(process, USERS[1]) in installation.upstream.issued


def test_a_backup_never_writes_over_another(installation: Installation, tmp_path: Path) -> None:
    (tmp_path / "backup").mkdir()
    with pytest.raises(AssertionError, match="The backup is not complete"):
        manage(installation, "backup", str(tmp_path / "backup"))
    assert list((tmp_path / "backup").iterdir()) == []
