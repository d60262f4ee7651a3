"""The policy lets a form lead to where connecting a service leads, and nowhere else."""

from typing import Any

from devcontext.middleware import content_security_policy


def form_action() -> str:
    return next(part for part in content_security_policy().split("; ") if part.startswith("form-action"))


def test_a_form_may_lead_to_the_providers_and_to_a_vault_elsewhere(settings: Any) -> None:
    """A provider that asks nothing again sends the browser on at once, and browsers hold the whole way to it."""
    settings.VAULT_ISSUER = "https://vault.example/"
    origins = form_action().split()[1:]
    assert origins[0] == "'self'"
    assert set(origins[1:]) == {settings.SANDBOX_URL, "https://vault.example"}


def test_a_vault_in_this_process_needs_no_mention(settings: Any) -> None:
    assert settings.VAULT_ISSUER == settings.APP_URL
    assert settings.APP_URL not in form_action()
