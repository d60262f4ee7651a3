"""What cannot be backed up whole is one sentence; `tests/faults/test_restore.py` does a whole backup and restore."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from devcontext.process.management.commands import backup


def test_postgresql_is_left_to_its_own_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for connection in connections.all():
        monkeypatch.setattr(connection, "vendor", "postgresql")
    with pytest.raises(CommandError, match="pg_dump"):
        call_command("backup", str(tmp_path / "backup"))
    assert not (tmp_path / "backup").exists()


@pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])
def test_the_audit_is_copied_last(tmp_path: Path) -> None:
    call_command("backup", str(tmp_path / "backup"))
    copies = sorted((tmp_path / "backup").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    assert [path.stem for path in copies] == list(backup._ORDER) == ["vault", "default", "audit"]


@pytest.mark.django_db(transaction=True, databases=["default", "vault", "audit"])
def test_a_folder_that_is_there_is_not_written_into(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Do not use"):
        call_command("backup", str(tmp_path))
    assert list(tmp_path.iterdir()) == []
