"""Which keys a process uses follows from its settings; what does not fit together is refused in one sentence."""

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from vault import keyring
from vault.keys import file, local


def test_without_keys_nothing_is_sealed(settings: Any) -> None:
    settings.VAULT_KEYS = settings.VAULT_KEYS_FILE = ""
    with pytest.raises(ImproperlyConfigured, match="VAULT_KEYS is not set"):
        keyring.current()


def test_keys_come_from_the_environment_or_from_a_file(settings: Any, tmp_path: Path) -> None:
    settings.VAULT_KEYS = f"{local.new_entry(3)},{local.new_entry(2)}"
    assert keyring.current().provider.versions() == (2, 3)
    file.ensure(tmp_path / "vault.key")
    settings.VAULT_KEYS, settings.VAULT_KEYS_FILE = "", str(tmp_path / "vault.key")
    assert keyring.current().provider.versions() == (1,)


def test_new_secrets_are_sealed_with_the_newest_key_unless_another_is_named(settings: Any) -> None:
    settings.VAULT_KEYS = f"{local.new_entry(2)},{local.new_entry(1)}"
    assert keyring.current().sealing_version() == 2
    settings.VAULT_KEY_VERSION = 1
    assert keyring.current().sealing_version() == 1


@pytest.mark.parametrize(
    ("pinned", "minimum", "sentence"),
    [(3, 1, "VAULT_KEY_VERSION names"), (1, 2, "VAULT_MIN_KEY_VERSION is above"), (0, 3, "VAULT_MIN_KEY_VERSION is")],
)
def test_versions_that_do_not_fit_together_are_refused(settings: Any, pinned: int, minimum: int, sentence: str) -> None:
    settings.VAULT_KEYS = f"{local.new_entry(1)},{local.new_entry(2)}"
    settings.VAULT_KEY_VERSION, settings.VAULT_MIN_KEY_VERSION = pinned, minimum
    with pytest.raises(ImproperlyConfigured, match=sentence):
        keyring.current().sealing_version()
