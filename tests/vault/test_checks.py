"""A vault that is configured by half does not start, and says what is missing without repeating any of it."""

from typing import Any

import pytest
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured

import vault
from devcontext.settings import providers
from vault import checks
from vault.apps import VaultConfig


def codes(messages: list[Any]) -> list[str]:
    return [message.id for message in messages]


def test_the_test_settings_pass() -> None:
    assert checks.check_encryption_keys() == checks.check_subject_key() == checks.check_client_secrets() == []


@pytest.mark.parametrize("keys", ["", "1:AAAA"])
def test_missing_or_malformed_keys_are_an_error(settings: Any, keys: str) -> None:
    settings.VAULT_KEYS, settings.VAULT_KEYS_FILE = keys, ""
    assert codes(checks.check_encryption_keys()) == ["vault.E001"]


def test_malformed_keys_stop_the_start_of_a_server_that_runs_no_checks(settings: Any) -> None:
    settings.VAULT_KEYS = "1:AAAA"
    with pytest.raises(ImproperlyConfigured, match="VAULT_KEYS must be"):
        VaultConfig("vault", vault).ready()


@pytest.mark.parametrize("pem", ["", "not a key"])
def test_a_missing_or_malformed_subject_key_is_an_error(settings: Any, pem: str) -> None:
    settings.SUBJECT_PUBLIC_KEY = pem
    assert codes(checks.check_subject_key()) == ["vault.E002"]


def test_a_private_key_in_the_place_of_the_public_one_is_an_error(settings: Any) -> None:
    settings.SUBJECT_PUBLIC_KEY = configured.SUBJECT_SIGNING_KEY
    assert codes(checks.check_subject_key()) == ["vault.E003"]


def test_a_provider_without_its_secret_is_an_error(settings: Any) -> None:
    settings.PROVIDERS = providers.load(sandbox_url="http://127.0.0.1:1", with_secrets=True)
    assert checks.check_client_secrets() == []
    settings.PROVIDERS = {"github": providers._github("id", "")}
    assert codes(checks.check_client_secrets()) == ["vault.E004"]
