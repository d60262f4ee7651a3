"""System checks of every process: what it holds is its own, and no address sends a secret in the clear."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from devcontext import env, this_machine


@register(Tags.security)
def check_addresses(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse addresses over which a password, a code or a token would travel in the clear."""
    if settings.DEBUG:
        return []
    plain = [name for name in ("APP_URL", "VAULT_ISSUER") if not _is_https(name)]
    if settings.VAULT_URL and not (_is_https("VAULT_URL") or _is_local("VAULT_URL")):
        plain.append("VAULT_URL")
    return [Error(f"{name} must start with https://.", id="devcontext.E007") for name in plain]


@register(Tags.security)
def check_the_vault_has_its_own_address(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse a separate vault under the app's name: the providers would send their codes to the app."""
    if settings.IS_VAULT_EMBEDDED or settings.VAULT_ISSUER != settings.APP_URL:
        return []
    if settings.DEBUG and not settings.VAULT_URL:
        # The vault's commands may also be run on the data of a local installation whose vault is embedded.
        return []
    return [
        Error(
            "The vault is a process of its own, but VAULT_ISSUER names the app.",
            hint="Set VAULT_ISSUER, in web and vault alike, to the address at which browsers reach the vault.",
            id="devcontext.E008",
        )
    ]


@register(Tags.security)
def check_secrets_are_of_this_process(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse another process's secrets in this one when DEBUG is off: who takes this one over would have both."""
    found = [] if settings.DEBUG else [name for name in settings.FOREIGN_SECRETS if env.is_set(name)]
    if not found:
        return []
    return [
        Error(
            f"This process is given secrets that only the other one needs: {', '.join(found)}.",
            hint="Remove them from its environment, with and without _FILE.",
            id="devcontext.E009",
        )
    ]


def _is_https(name: str) -> bool:
    return str(getattr(settings, name)).startswith("https://")


def _is_local(name: str) -> bool:
    return urlsplit(getattr(settings, name)).hostname in this_machine.NAMES
