"""Local keys are made once, for their owner only."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from devcontext import local_keys


def test_a_key_is_made_once(tmp_path: Path) -> None:
    assert local_keys.session_key(tmp_path) == local_keys.session_key(tmp_path)


def test_processes_that_start_together_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = set(pool.map(lambda _: local_keys.session_key(tmp_path / "keys"), range(64)))
    assert len(keys) == 1
    assert {path.name for path in (tmp_path / "keys").iterdir()} == {"session.key", ".gitignore"}


def test_git_ignores_the_folder_of_keys(tmp_path: Path) -> None:
    local_keys.make_folder(tmp_path)
    assert (tmp_path / ".gitignore").read_text() == "*\n"


def test_only_the_owner_can_read_a_key_and_its_folder(tmp_path: Path) -> None:
    local_keys.signing_key(tmp_path / "keys")
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "keys" / "subject-signing.pem").stat().st_mode) == 0o600


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    local_keys.session_key(tmp_path)
    (tmp_path / "session.key").chmod(0o644)
    with pytest.raises(ImproperlyConfigured, match="can be read by others"):
        local_keys.session_key(tmp_path)


def test_a_signing_key_has_a_public_half(tmp_path: Path) -> None:
    public = local_keys.public_key_of(local_keys.signing_key(tmp_path))
    assert public.startswith("-----BEGIN PUBLIC KEY-----")


@pytest.mark.parametrize("key", ["", "not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_a_signing_key_of_another_format_is_refused_in_one_sentence(key: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="must be an Ed25519 private key in PEM"):
        local_keys.public_key_of(key)


def test_an_empty_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "session.key").touch(mode=0o600)
    with pytest.raises(ImproperlyConfigured, match="is empty"):
        local_keys.session_key(tmp_path)


def test_the_public_half_is_found_where_there_is_a_key_and_none_is_made(tmp_path: Path) -> None:
    assert local_keys.find_public_key(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []
    assert local_keys.public_key_of(local_keys.signing_key(tmp_path)) == local_keys.find_public_key(tmp_path)
