"""System checks of the vault: it does not run without keys of its own and a key to verify its callers with."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.exceptions import ImproperlyConfigured

from vault import jws, keyring


@register(Tags.security)
def check_encryption_keys(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse key-encryption keys that are missing, malformed or not kept safely, and versions that do not fit."""
    try:
        keyring.current().sealing_version()
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="Set VAULT_KEYS, or VAULT_KEYS_FILE with the path of a file.", id="vault.E001")]
    return []


@register(Tags.security)
def check_subject_key(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse a missing or malformed key of the process that mints subject tokens, and a private one from elsewhere."""
    try:
        key = jws.import_key(settings.SUBJECT_PUBLIC_KEY)
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="Set SUBJECT_PUBLIC_KEY or SUBJECT_PUBLIC_KEY_FILE.", id="vault.E002")]
    if key.is_private:
        return [
            Error(
                "SUBJECT_PUBLIC_KEY is a private key: the vault could mint the tokens it is to verify.",
                hint="Give the vault the public half only.",
                id="vault.E003",
            )
        ]
    return []


@register(Tags.security)
def check_client_secrets(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse a provider that is configured by half: it could begin a connect flow and never end it."""
    return [
        Error(
            f"{name} has a client id but no client secret.",
            hint="Set both, or neither.",
            id="vault.E004",
        )
        for name, provider in settings.PROVIDERS.items()
        if not provider.client_secret
    ]
