"""System checks: every insecure default is an error once `DEBUG` is off, and the demo user an error near real data."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning

# Django itself refuses to start without SECRET_KEY.
_REQUIRED = {
    "SUBJECT_SIGNING_KEY": "devcontext.E001",
    "ANTHROPIC_API_KEY": "devcontext.E002",
}
_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


@register(Tags.security)
def check_secrets_are_configured(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse to run without keys of one's own when DEBUG is off."""
    if settings.DEBUG:
        return []
    return [
        Error(f"{name} is not set.", hint=f"Set {name}, or {name}_FILE with the path of a file.", id=code)
        for name, code in _REQUIRED.items()
        if not getattr(settings, name)
    ]


@register(Tags.security)
def check_demo_user_is_alone(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse the password-less demo user unless every provider is a stand-in on this machine."""
    if not settings.IS_DEMO:
        return []
    is_safe = settings.DEBUG and all(provider.is_sandbox for provider in settings.PROVIDERS.values())
    if is_safe:
        return []
    return [
        Error(
            "The demo user can sign in without a password although real data can be reached.",
            hint="IS_DEMO must be false when DEBUG is off or a provider has credentials.",
            id="devcontext.E003",
        )
    ]


@register(Tags.security)
def check_sandbox_is_off(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse stand-ins when DEBUG is off."""
    sandboxed = [slug for slug, provider in settings.PROVIDERS.items() if provider.is_sandbox]
    if settings.DEBUG or not (sandboxed or settings.IS_MODEL_SIMULATED):
        return []
    return [Error("The sandbox is in use although DEBUG is off.", id="devcontext.E004")]


@register(Tags.security)
def check_third_party_tokens_are_not_stored(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse to let django-allauth keep tokens: they belong in the vault or nowhere."""
    if not settings.SOCIALACCOUNT_STORE_TOKENS:
        return []
    return [Error("SOCIALACCOUNT_STORE_TOKENS must be False.", id="devcontext.E005")]


@register(Tags.security)
def check_cookies_are_host_bound(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse cookies without the `__Host-` prefix when DEBUG is off."""
    names = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
    if settings.DEBUG or all(name.startswith("__Host-") for name in names):
        return []
    return [Error("Cookie names must start with __Host-.", id="devcontext.E006")]


@register(Tags.security)
def check_addresses(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse addresses over which a password, a code or a token would travel in the clear, or a code get lost."""
    plain = [] if settings.DEBUG else [name for name in ("APP_URL", "VAULT_ISSUER") if not _is_https(name)]
    if not settings.DEBUG and settings.VAULT_URL and not (_is_https("VAULT_URL") or _is_local("VAULT_URL")):
        plain.append("VAULT_URL")
    found: list[CheckMessage] = [Error(f"{name} must start with https://.", id="devcontext.E007") for name in plain]
    if settings.VAULT_URL and settings.VAULT_ISSUER == settings.APP_URL:
        found.append(
            CheckWarning(
                "VAULT_URL names a vault of its own, but VAULT_ISSUER names this process.",
                hint="Right only if a proxy sends /connect/*/callback to the vault; else set VAULT_ISSUER, here and in "
                "the vault, to the address at which browsers reach the vault.",
                id="devcontext.W001",
            )
        )
    return found


def _is_https(name: str) -> bool:
    return str(getattr(settings, name)).startswith("https://")


def _is_local(name: str) -> bool:
    return urlsplit(getattr(settings, name)).hostname in _THIS_MACHINE
