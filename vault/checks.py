"""System checks of the vault: it does not run without keys of its own and a key to verify its callers with."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError

from audit import log_keys
from vault import jws, keyring
from vault.database import ALIAS
from vault.keyring import Keyring
from vault.store import sealed

_LOG_KEY_HINT = "Set AUDIT_LOG_KEY, or AUDIT_LOG_KEY_FILE with the path of a file, to what `audit_key --new` prints."


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
        keys = jws.import_keys(settings.SUBJECT_PUBLIC_KEY)
    except ImproperlyConfigured as error:
        return [Error(str(error), hint="Set SUBJECT_PUBLIC_KEY or SUBJECT_PUBLIC_KEY_FILE.", id="vault.E002")]
    if any(key.is_private for key in keys):
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


@register(Tags.database)
def check_sealed_records(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[CheckMessage]:
    """Warn of records that no key may open, and of old keys that open nothing any more."""
    if ALIAS not in (databases or ()):
        return []
    try:
        keys, counts = keyring.current(), sealed.count_by_version()
        newest = keys.sealing_version()
    except (ImproperlyConfigured, DatabaseError):
        # Other checks speak of missing keys; the tables may not be made yet.
        return []
    return [*_warn_of_closed(keys, counts), *_warn_of_idle(keys, counts, newest=newest)]


def _warn_of_closed(keys: Keyring, counts: Mapping[int, int]) -> Iterator[CheckMessage]:
    below = [version for version in counts if version < keys.min_version]
    if below:
        yield CheckWarning(
            f"{_sum(counts, below)} sealed records are below VAULT_MIN_KEY_VERSION and are refused.",
            hint="Lower it, run vault_rotate_key, and raise it again.",
            id="vault.W001",
        )
    unknown = counts.keys() - set(below) - set(keys.provider.versions())
    if unknown:
        yield CheckWarning(
            f"{_sum(counts, unknown)} sealed records need a key that this process does not have.",
            hint="Give it the keys of the versions that `vault_rotate_key --dry-run` shows, or connect those services "
            "again.",
            id="vault.W002",
        )


def _warn_of_idle(keys: Keyring, counts: Mapping[int, int], *, newest: int) -> Iterator[CheckMessage]:
    idle = [version for version in keys.provider.versions() if keys.min_version <= version < newest]
    if idle and not any(version in counts for version in idle):
        yield CheckWarning(
            f"Nothing is sealed any more with a key version below {newest}.",
            hint=f"Set VAULT_MIN_KEY_VERSION={newest}, and remove older keys once no backup needs them.",
            id="vault.W003",
        )


def _sum(counts: Mapping[int, int], versions: Iterable[int]) -> int:
    return sum(counts[version] for version in versions)


@register(Tags.security)
def check_log_key(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse a missing or malformed key of the audit's log: events would never be sealed."""
    try:
        is_whole = bool(log_keys.current().signers)
    except ImproperlyConfigured as error:
        return [Error(str(error), hint=_LOG_KEY_HINT, id="vault.E006")]
    return [] if is_whole else [Error("AUDIT_LOG_KEY is not set.", hint=_LOG_KEY_HINT, id="vault.E006")]


@register(Tags.security)
def check_limits(**_kwargs: Any) -> list[CheckMessage]:
    """Refuse a limit that lets nobody in; none is turned off, only set high."""
    names = (
        "VAULT_USER_EXCHANGES_PER_MINUTE",
        "VAULT_CLIENT_EXCHANGES_PER_MINUTE",
        "VAULT_FAILED_AUTHENTICATIONS_PER_MINUTE",
    )
    return [
        Error(f"{name} must be at least 1.", hint="Set it higher, or leave it unset.", id="vault.E005")
        for name in names
        if getattr(settings, name) < 1
    ]
