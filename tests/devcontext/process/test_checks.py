"""A process that holds another's secrets, or sends one in the clear, is refused."""

from typing import Any

import pytest
from django.core.checks import run_checks

from devcontext.process import checks, ownership


def ids(messages: Any) -> set[str]:
    return {message.id for message in messages}


@pytest.mark.parametrize("name", ["APP_URL", "VAULT_ISSUER", "VAULT_URL"])
def test_an_address_without_tls_is_an_error_without_debug(settings: Any, name: str) -> None:
    settings.DEBUG = False
    settings.APP_URL, settings.VAULT_ISSUER = "https://devcontext.example", "https://vault.example"
    settings.VAULT_URL = "https://vault.internal"
    assert ids(checks.check_addresses()) == set()
    setattr(settings, name, "http://vault.internal")
    assert ids(checks.check_addresses()) == {"devcontext.E007"}


@pytest.mark.parametrize("address", ["http://127.0.0.1:9000", "http://localhost:9000", "http://[::1]:9000"])
def test_a_vault_on_the_same_machine_needs_no_tls(settings: Any, address: str) -> None:
    settings.DEBUG = False
    settings.APP_URL, settings.VAULT_ISSUER = "https://devcontext.example", "https://vault.example"
    settings.VAULT_URL = address
    assert ids(checks.check_addresses()) == set()


@pytest.mark.parametrize("is_debug", [True, False])
def test_a_separate_vault_under_the_apps_name_is_an_error(settings: Any, is_debug: bool) -> None:
    """The providers would send their codes to a page that does not exist."""
    settings.DEBUG = is_debug
    settings.VAULT_ISSUER = settings.APP_URL
    assert ids(checks.check_the_vault_has_its_own_address()) == set()
    settings.IS_VAULT_EMBEDDED, settings.VAULT_URL = False, "http://127.0.0.1:9000"
    assert ids(checks.check_the_vault_has_its_own_address()) == {"devcontext.E008"}
    settings.VAULT_ISSUER = "http://127.0.0.1:9000"
    assert ids(checks.check_the_vault_has_its_own_address()) == set()


@pytest.mark.parametrize("suffix", ["", "_FILE"])
@pytest.mark.parametrize("name", ownership.VAULT_ONLY + ownership.WEB_ONLY)
def test_the_other_processs_secret_is_an_error_that_names_it(
    settings: Any, monkeypatch: pytest.MonkeyPatch, name: str, suffix: str
) -> None:
    settings.DEBUG = False
    settings.FOREIGN_SECRETS = ownership.VAULT_ONLY if name in ownership.VAULT_ONLY else ownership.WEB_ONLY
    for other in settings.FOREIGN_SECRETS:
        monkeypatch.delenv(other, raising=False)
    assert checks.check_secrets_are_of_this_process() == []
    monkeypatch.setenv(f"{name}{suffix}", "/run/secrets/something")
    (found,) = checks.check_secrets_are_of_this_process()
    assert found.id == "devcontext.E009"
    assert name in found.msg
    assert "something" not in f"{found.msg}{found.hint}"


@pytest.mark.parametrize("is_debug", [True, False])
def test_the_vault_process_must_know_its_own_address_without_debug(settings: Any, is_debug: bool) -> None:
    settings.DEBUG, settings.IS_VAULT_EMBEDDED, settings.VAULT_URL = is_debug, False, ""
    settings.VAULT_ISSUER = settings.APP_URL
    assert ids(checks.check_the_vault_has_its_own_address()) == (set() if is_debug else {"devcontext.E008"})


def test_the_checks_are_registered(settings: Any) -> None:
    settings.IS_VAULT_EMBEDDED, settings.VAULT_URL = False, "http://127.0.0.1:9000"
    settings.VAULT_ISSUER = settings.APP_URL
    assert "devcontext.E008" in ids(run_checks())
