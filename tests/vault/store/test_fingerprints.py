"""Fingerprints of one token stay the same for the life of an installation, whatever becomes of its keys."""

import hashlib
import hmac
from typing import Any

import pytest

from vault import keyring, models
from vault.errors import SealBrokenError, VaultUnavailableError
from vault.keys import local
from vault.store import fingerprints, secrets

pytestmark = pytest.mark.django_db(databases=["vault"])

OLD, NEW = local.new_entry(1), local.new_entry(2)


@pytest.fixture(autouse=True)
def _fresh(settings: Any) -> None:
    settings.VAULT_KEYS = OLD
    fingerprints._key.cache_clear()


def test_a_fingerprint_is_keyed_and_tells_tokens_apart() -> None:
    seed = keyring.current().provider.fingerprint_seed()
    assert fingerprints.of("token") == hmac.new(seed, b"token", hashlib.sha256).hexdigest()[:32]
    assert fingerprints.of("token") != fingerprints.of("token2")


def test_the_key_of_fingerprints_is_stored_sealed() -> None:
    fingerprints.of("token")
    sealed = bytes(models.Installation.objects.using("vault").get().sealed_fingerprint_key or b"")
    assert sealed.startswith(b"DCV1")
    assert keyring.current().provider.fingerprint_seed().hex().encode() not in sealed


def test_a_fingerprint_outlives_a_new_key_and_a_restart(settings: Any) -> None:
    before = fingerprints.of("token")
    settings.VAULT_KEYS = f"{OLD},{NEW}"
    fingerprints._key.cache_clear()
    assert fingerprints.of("token") == before


def test_what_a_rollback_took_back_is_made_again_the_same() -> None:
    before = fingerprints.of("token")
    models.Installation.objects.using("vault").update(sealed_fingerprint_key=None)
    fingerprints._key.cache_clear()
    assert fingerprints.of("token") == before


def test_without_its_key_there_is_no_fingerprint(settings: Any) -> None:
    fingerprints.of("token")
    fingerprints._key.cache_clear()
    settings.VAULT_KEYS = NEW
    with pytest.raises(SealBrokenError):
        fingerprints.of("token")
    settings.VAULT_KEYS = settings.VAULT_KEYS_FILE = ""
    with pytest.raises(VaultUnavailableError):
        fingerprints.of("token")


def test_the_fingerprint_key_of_another_installation_does_not_open() -> None:
    fingerprints.of("token")
    models.Installation.objects.using("vault").update(name="another")
    secrets.installation.cache_clear()
    try:
        with pytest.raises(SealBrokenError):
            fingerprints.of("token")
    finally:
        secrets.installation.cache_clear()
