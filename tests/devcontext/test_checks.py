"""Insecure settings are errors, each with its own id."""

from dataclasses import replace
from typing import Any

import pytest
from django.core.checks import run_checks

from devcontext import checks


def ids(messages: Any) -> set[str]:
    return {message.id for message in messages}


def test_a_fresh_clone_passes(settings: Any) -> None:
    settings.DEBUG = True
    assert not {code for code in ids(run_checks()) if code.startswith("devcontext.")}


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("SUBJECT_SIGNING_KEY", "devcontext.E001"),
    ],
)
def test_a_missing_secret_is_an_error_without_debug(settings: Any, name: str, code: str) -> None:
    settings.DEBUG = False
    settings.SUBJECT_SIGNING_KEY = "set"
    assert ids(checks.check_secrets_are_configured()) == set()
    setattr(settings, name, "")
    assert ids(checks.check_secrets_are_configured()) == {code}


@pytest.mark.parametrize(
    ("has_model", "is_off", "codes"),
    [(True, False, set()), (False, True, set()), (False, False, {"devcontext.W002"})],
)
def test_a_missing_model_is_a_warning_unless_it_is_meant(
    settings: Any, has_model: bool, is_off: bool, codes: set[str]
) -> None:
    settings.HAS_MODEL, settings.IS_MODEL_OFF = has_model, is_off
    assert ids(checks.check_missing_model_is_meant()) == codes


def test_the_demo_user_is_an_error_without_debug(settings: Any) -> None:
    settings.DEBUG, settings.IS_DEMO = False, True
    assert ids(checks.check_demo_user_is_alone()) == {"devcontext.E003"}


def test_the_demo_user_is_an_error_beside_a_real_provider(settings: Any) -> None:
    settings.DEBUG, settings.IS_DEMO = True, True
    real = replace(settings.PROVIDERS["github"], is_sandbox=False)
    settings.PROVIDERS = {**settings.PROVIDERS, "github": real}
    assert ids(checks.check_demo_user_is_alone()) == {"devcontext.E003"}


def test_the_sandbox_is_an_error_without_debug(settings: Any) -> None:
    settings.DEBUG = False
    assert ids(checks.check_sandbox_is_off()) == {"devcontext.E004"}


def test_letting_allauth_store_tokens_is_an_error(settings: Any) -> None:
    settings.SOCIALACCOUNT_STORE_TOKENS = True
    assert ids(checks.check_third_party_tokens_are_not_stored()) == {"devcontext.E005"}


def test_cookies_without_the_host_prefix_are_an_error_without_debug(settings: Any) -> None:
    settings.DEBUG = False
    assert ids(checks.check_cookies_are_host_bound()) == {"devcontext.E006"}


def test_where_there_is_no_model_no_price_is_missed(settings: Any) -> None:
    settings.DAILY_BUDGET_USD, settings.CLAUDE_MODEL, settings.IS_MODEL_SIMULATED = 5.0, "unknown", False
    settings.HAS_MODEL = True
    assert ids(checks.check_budget_holds()) == {"devcontext.W001"}
    settings.HAS_MODEL = False
    assert ids(checks.check_budget_holds()) == set()
