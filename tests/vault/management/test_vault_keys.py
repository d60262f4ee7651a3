"""The commands for keys: a new one is added and never takes another's place; rotation says what it did."""

import os
import stat
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from vault import models
from vault.keys import environment, file, local
from vault.store import fingerprints

ROOT = Path(__file__).resolve().parents[3]


def run(command: str, *arguments: str) -> tuple[str, str]:
    """Run the command and return what it wrote to stdout and stderr."""
    out, err = StringIO(), StringIO()
    call_command(command, *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def path(settings: Any, tmp_path: Path) -> Path:
    settings.VAULT_KEYS, settings.VAULT_KEYS_FILE = "", str(tmp_path / "vault.key")
    return tmp_path / "vault.key"


def test_a_key_file_is_made_and_grows_and_no_key_is_shown(path: Path) -> None:
    out, err = run("vault_generate_key")
    first = path.read_text()
    assert first.startswith("1:")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    more_out, more_err = run("vault_generate_key")
    assert "Key version 2" in more_out
    assert path.read_text().startswith(first)
    keys = [line.partition(":")[2] for line in path.read_text().splitlines()]
    assert len(set(keys)) == 2
    assert [key for key in keys if key in out + err + more_out + more_err] == []


def test_a_key_file_in_a_bad_state_is_left_as_it_is(path: Path) -> None:
    path.write_text("garbage")
    path.chmod(0o600)
    with pytest.raises(CommandError, match=r"one .<version>"):
        run("vault_generate_key")
    assert path.read_text() == "garbage"


def test_for_the_environment_a_key_is_printed_alone_on_stdout(settings: Any) -> None:
    settings.VAULT_KEYS = local.new_entry(4)
    out, err = run("vault_generate_key")
    assert environment.load(out.strip()).versions() == (5,)
    assert environment.load(f"{settings.VAULT_KEYS},{out.strip()}").versions() == (4, 5)
    assert out.strip() not in err
    assert settings.VAULT_KEYS not in out + err


def test_the_first_key_is_printed_where_nothing_is_configured(settings: Any) -> None:
    settings.VAULT_KEYS = settings.VAULT_KEYS_FILE = ""
    out, _ = run("vault_generate_key")
    assert environment.load(out.strip()).versions() == (1,)


def test_it_runs_in_production_before_there_is_a_key(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "vault.key"
    path.parent.mkdir()
    settings = {
        "DJANGO_SETTINGS_MODULE": "devcontext.settings.vault",
        "DEBUG": "0",
        "VAULT_SECRET_KEY": "x" * 60,
        "DATA_DIR": str(tmp_path),
        "VAULT_KEYS_FILE": str(path),
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "vault_generate_key"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert file.FileKeys(path).versions() == (1,)


@pytest.fixture
def _two_keys(db: None, settings: Any) -> None:
    settings.VAULT_KEYS = local.new_entry(1)
    fingerprints._key.cache_clear()
    fingerprints.ensure()
    settings.VAULT_KEYS += f",{local.new_entry(2)}"


@pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])
@pytest.mark.usefixtures("_two_keys")
class TestRotation:
    def test_a_dry_run_counts_and_changes_nothing(self) -> None:
        before = bytes(models.Installation.objects.using("vault").get().sealed_fingerprint_key or b"")
        out, _ = run("vault_rotate_key", "--dry-run")
        assert out == "key version 1: 1 records, to be moved\n"
        assert bytes(models.Installation.objects.using("vault").get().sealed_fingerprint_key or b"") == before

    def test_it_says_how_many_were_moved(self, capsys: pytest.CaptureFixture[str]) -> None:
        out, _ = run("vault_rotate_key")
        assert out == "1 records moved to key version 2.\n"
        assert capsys.readouterr().err == "1 of 1 records\n"
        assert run("vault_rotate_key", "--dry-run")[0] == "key version 2: 1 records, current\n"

    def test_it_fails_when_a_record_does_not_open(self, capsys: pytest.CaptureFixture[str]) -> None:
        rows = models.Installation.objects.using("vault")
        record = bytearray(rows.get().sealed_fingerprint_key or b"")
        record[30] ^= 1
        rows.update(sealed_fingerprint_key=bytes(record))
        err = StringIO()
        with pytest.raises(SystemExit) as raised:
            call_command("vault_rotate_key", stdout=StringIO(), stderr=err)
        assert raised.value.code == 1
        assert "does not open: fingerprint key" in err.getvalue()

    def test_without_a_key_it_is_one_sentence(self, settings: Any) -> None:
        settings.VAULT_KEYS = settings.VAULT_KEYS_FILE = ""
        for arguments in ([], ["--dry-run"]):
            with pytest.raises(CommandError, match="VAULT_KEYS is not set"):
                run("vault_rotate_key", *arguments)
