"""A vault that is configured by half does not start, and says what is missing without repeating any of it."""

from typing import Any

import pytest
from django.conf import settings as configured
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections

import vault
from audit import log_keys
from devcontext.providers import PLACES
from devcontext.settings import providers
from vault import checks
from vault.apps import VaultConfig
from vault.keys import local
from vault.store import fingerprints

KEYS = {version: local.new_entry(version) for version in (1, 2, 3)}


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
    public, private = configured.SUBJECT_PUBLIC_KEY, configured.SUBJECT_SIGNING_KEY
    for pem in (private, public + private):
        settings.SUBJECT_PUBLIC_KEY = pem
        assert codes(checks.check_subject_key()) == ["vault.E003"]


def test_a_provider_without_its_secret_is_an_error(settings: Any) -> None:
    settings.PROVIDERS = providers.load(sandbox_url="http://127.0.0.1:1", with_secrets=True)
    assert checks.check_client_secrets() == []
    settings.PROVIDERS = {"github": PLACES["github"].configure("id", "")}
    assert codes(checks.check_client_secrets()) == ["vault.E004"]


@pytest.fixture
def _a_record_of_version_2(settings: Any) -> None:
    settings.VAULT_KEYS = KEYS[2]
    fingerprints.ensure()


@pytest.mark.django_db(databases=["vault"])
@pytest.mark.usefixtures("_a_record_of_version_2")
@pytest.mark.parametrize(
    ("versions", "pinned", "minimum", "expected"),
    [
        ((2,), 0, 1, []),
        ((2, 3), 0, 1, []),
        ((1, 2), 0, 1, ["vault.W003"]),
        ((1, 2), 0, 2, []),
        ((2, 3), 2, 1, []),
        ((2, 3), 0, 3, ["vault.W001"]),
        ((1, 3), 0, 1, ["vault.W002", "vault.W003"]),
        ((), 0, 1, []),
    ],
)
def test_records_that_no_key_opens_and_keys_that_open_no_record_are_a_warning(
    settings: Any, versions: tuple[int, ...], pinned: int, minimum: int, expected: list[str]
) -> None:
    settings.VAULT_KEYS = ",".join(KEYS[version] for version in versions)
    settings.VAULT_KEYS_FILE = ""
    settings.VAULT_KEY_VERSION, settings.VAULT_MIN_KEY_VERSION = pinned, minimum
    assert codes(checks.check_sealed_records(databases=["vault"])) == expected
    assert checks.check_sealed_records(databases=None) == []


@pytest.mark.django_db(databases=["vault"])
def test_records_are_not_counted_before_their_tables_are_made() -> None:
    def refuse(*_arguments: Any) -> None:
        raise OperationalError("no such table")

    with connections["vault"].execute_wrapper(refuse):
        assert checks.check_sealed_records(databases=["vault"]) == []


@pytest.mark.parametrize("name", ["USER_EXCHANGES", "CLIENT_EXCHANGES", "FAILED_AUTHENTICATIONS"])
def test_a_limit_that_lets_nobody_in_is_an_error(settings: Any, name: str) -> None:
    assert checks.check_limits() == []
    setattr(settings, f"VAULT_{name}_PER_MINUTE", 0)
    assert codes(checks.check_limits()) == ["vault.E005"]


@pytest.mark.parametrize(("key", "verifiers"), [("", ""), ("no key", ""), ("", "log+00000000+AA==")])
def test_a_log_without_a_key_to_sign_it_is_refused(settings: Any, key: str, verifiers: str) -> None:
    settings.AUDIT_LOG_KEY, settings.AUDIT_LOG_VERIFIERS = key, verifiers
    assert codes(checks.check_log_key()) == ["vault.E006"]


def test_public_keys_alone_do_not_sign_the_log(settings: Any) -> None:
    assert codes(checks.check_log_key()) == []
    settings.AUDIT_LOG_VERIFIERS, settings.AUDIT_LOG_KEY = str(log_keys.current().verifiers[0]), ""
    assert codes(checks.check_log_key()) == ["vault.E006"]
