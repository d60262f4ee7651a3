"""System checks: every insecure default is an error once `DEBUG` is off, and the demo user an error near real data."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004  (Django's name for it)

from agent.prices import price_state

# Django itself refuses to start without SECRET_KEY.
_REQUIRED = {
    "SUBJECT_SIGNING_KEY": "devcontext.E001",
}


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


@register()
def check_missing_model_is_meant(**_kwargs: Any) -> list[CheckMessage]:
    """Warn of an installation that writes without a model because nobody gave it a key."""
    if settings.HAS_MODEL or settings.IS_MODEL_OFF:
        return []
    sentence = "There is no model: briefings are written from their facts alone."
    hint = "Set ANTHROPIC_API_KEY (or ANTHROPIC_API_KEY_FILE), or CLAUDE=none if this is meant."
    return [Warning(sentence, hint=hint, id="devcontext.W002")]


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


@register()
def check_budget_holds(**_kwargs: Any) -> list[CheckMessage]:
    """Warn of a budget that nothing is counted against."""
    has_budget = settings.DAILY_BUDGET_USD_PER_USER or settings.DAILY_BUDGET_USD
    if not has_budget or price_state() != "unknown":
        return []
    return [
        Warning(
            f"The price of {settings.CLAUDE_MODEL} is not known, so no cost is shown and no daily budget holds.",
            hint="Set CLAUDE_PRICE to the dollars for a million tokens of input and output, such as 2/10.",
            id="devcontext.W001",
        )
    ]
