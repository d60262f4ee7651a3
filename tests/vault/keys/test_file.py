"""A key file is its owner's alone, is kept whole, and is read again when a process needs a key it does not know."""

import logging
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from vault.errors import SealBrokenError
from vault.keys import file, local
from vault.keys.base import Purpose
from vault.keys.file import FileKeys


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "vault.key"
    file.ensure(path)
    return path


def wrap(keys: FileKeys) -> Any:
    return keys.wrap(bytes(32), version=keys.versions()[-1], purpose=Purpose.STORED, associated_data=b"")


def test_only_the_owner_can_read_the_file(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    file.append(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_first_key_is_made_once(path: Path) -> None:
    before = path.read_text()
    assert not file.ensure(path)
    assert path.read_text() == before


def test_processes_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    with ThreadPoolExecutor(16) as pool:
        made = list(pool.map(lambda _: file.ensure(path), range(64)))
    assert made.count(True) == 1
    assert [found.name for found in tmp_path.iterdir()] == ["vault.key"]


def test_a_new_key_is_added_after_the_others(path: Path) -> None:
    before = path.read_text()
    assert file.append(path) == 2
    assert path.read_text().startswith(before)
    assert FileKeys(path).versions() == (1, 2)


def test_keys_that_are_added_at_once_are_all_kept(path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        versions = list(pool.map(lambda _: file.append(path), range(32)))
    assert sorted(versions) == list(range(2, 34))
    assert FileKeys(path).versions() == tuple(range(1, 34))
    assert [found.name for found in path.parent.iterdir()] == ["vault.key"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_file_that_others_can_open_is_refused(path: Path, mode: int) -> None:
    path.chmod(mode)
    with pytest.raises(ImproperlyConfigured, match="chmod 600"):
        FileKeys(path)
    with pytest.raises(ImproperlyConfigured, match="chmod 600"):
        file.append(path)


def test_a_file_that_its_owner_can_only_read_serves(path: Path) -> None:
    path.chmod(0o400)
    assert FileKeys(path).versions() == (1,)


def test_a_file_of_another_user_is_refused(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(path, 12345, -1)
    with pytest.raises(ImproperlyConfigured, match="another user"):
        FileKeys(path)


def test_a_link_is_refused(path: Path) -> None:
    link = path.with_name("link.key")
    link.symlink_to(path)
    with pytest.raises(ImproperlyConfigured, match="not a link"):
        FileKeys(link)
    assert not file.ensure(link)


def test_a_link_to_nothing_is_not_followed_to_make_a_key(tmp_path: Path) -> None:
    (tmp_path / "link.key").symlink_to(tmp_path / "elsewhere.key")
    assert not file.ensure(tmp_path / "link.key")
    assert not (tmp_path / "elsewhere.key").exists()


def test_a_pipe_or_a_missing_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name in ("pipe", "missing", "no/folder"):
        with pytest.raises(ImproperlyConfigured, match="cannot be read"):
            FileKeys(tmp_path / name)


@pytest.mark.parametrize(
    "content",
    ["", "x", "1:AAAA", f"{local.new_entry(1)}\n{local.new_entry(1)}", "\xff"],
    ids=["empty", "word", "short", "twice", "binary"],
)
def test_a_malformed_file_is_refused_without_repeating_it(path: Path, content: str) -> None:
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(ImproperlyConfigured, match=r"one .<version>:<base64>. per line") as raised:
        FileKeys(path)
    assert "AAAA" not in str(raised.value)


def test_a_file_of_one_bare_key_is_version_1(path: Path) -> None:
    """As local installations used to have it."""
    path.write_text(path.read_text().removeprefix("1:"))
    assert FileKeys(path).versions() == (1,)
    assert file.append(path) == 2


def test_a_file_that_git_could_track_is_refused(tmp_path: Path) -> None:
    """A key that is committed is everybody's, and stays in the history."""
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "config" / "keys"
    folder.mkdir(parents=True)
    path = folder / "vault.key"
    with pytest.raises(ImproperlyConfigured, match="could be committed"):
        file.ensure(path)
    path.write_text(local.new_entry(1))
    path.chmod(0o600)
    with pytest.raises(ImproperlyConfigured, match="could be committed"):
        FileKeys(path)
    (folder / ".gitignore").write_text("*\n!vault.key\n")
    with pytest.raises(ImproperlyConfigured, match="could be committed"):
        FileKeys(path)
    (folder / ".gitignore").write_text("*\n")
    assert FileKeys(path).versions() == (1,)


def test_a_work_tree_is_recognised_through_a_linked_folder_and_by_a_git_file(tmp_path: Path) -> None:
    """`.git` is a file in a linked work tree and in a submodule."""
    (tmp_path / "tree" / "keys").mkdir(parents=True)
    (tmp_path / "tree" / ".git").write_text("gitdir: elsewhere\n")
    (tmp_path / "keys").symlink_to(tmp_path / "tree" / "keys")
    with pytest.raises(ImproperlyConfigured, match="could be committed"):
        file.ensure(tmp_path / "keys" / "vault.key")


def test_a_running_process_seals_with_a_key_that_was_added(path: Path) -> None:
    keys = FileKeys(path)
    assert wrap(keys).version == 1
    file.append(path)
    assert wrap(keys).version == 2


def test_a_running_process_refuses_an_unknown_version_and_opens_it_once_the_key_is_there(path: Path) -> None:
    here, elsewhere = path, path.with_name("elsewhere.key")
    elsewhere.write_bytes(here.read_bytes())
    elsewhere.chmod(0o600)
    file.append(elsewhere)
    record = wrap(FileKeys(elsewhere))
    keys = FileKeys(here)
    with pytest.raises(SealBrokenError):
        keys.unwrap(record, purpose=Purpose.STORED, associated_data=b"")
    elsewhere.replace(here)
    assert keys.unwrap(record, purpose=Purpose.STORED, associated_data=b"") == bytes(32)


def test_a_file_that_goes_bad_is_reported_and_the_known_keys_go_on(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = FileKeys(path)
    record = wrap(keys)
    secret = path.read_text().strip()
    path.write_text("garbage")
    with caplog.at_level(logging.ERROR):
        assert wrap(keys).version == 1
    assert keys.unwrap(record, purpose=Purpose.STORED, associated_data=b"") == bytes(32)
    assert "vault.keys.unreadable" in caplog.text
    assert secret not in caplog.text
    assert "garbage" not in caplog.text


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="cannot be written"):
        file.ensure(tmp_path / "no" / "folder" / "vault.key")
