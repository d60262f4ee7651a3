"""Which keys this process seals and opens with: the configured key provider, and the versions that may be used."""

from dataclasses import dataclass

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from vault.keys import environment, file
from vault.keys.base import KeyProvider


@dataclass(frozen=True, slots=True)
class Keyring:
    """A key provider and what the configuration allows of it.

    Attributes:
        provider: Wraps and unwraps data keys.
        min_version: Records below it are not opened, even if their key is at hand.
        pinned_version: The version to seal with; 0 means the newest.
    """

    provider: KeyProvider
    min_version: int = 1
    pinned_version: int = 0

    def sealing_version(self) -> int:
        """Return the version that new secrets are sealed with.

        Raises:
            ImproperlyConfigured: There is no usable key of it, or records of it would not be opened.
        """
        versions = self.provider.versions()
        version = self.pinned_version or versions[-1]
        if version not in versions:
            raise ImproperlyConfigured("VAULT_KEY_VERSION names a version of which there is no key.")
        if version < self.min_version:
            raise ImproperlyConfigured("VAULT_MIN_KEY_VERSION is above the version that new secrets are sealed with.")
        return version


def current() -> Keyring:
    """Return the configured keyring.

    Raises:
        ImproperlyConfigured: There are no keys, or they are malformed or not kept safely.
    """
    if settings.VAULT_KEYS:
        provider: KeyProvider = environment.load(settings.VAULT_KEYS)
    elif settings.VAULT_KEYS_FILE:
        provider = file.load(str(settings.VAULT_KEYS_FILE))
    else:
        raise ImproperlyConfigured("VAULT_KEYS is not set, and neither is VAULT_KEYS_FILE.")
    return Keyring(provider, settings.VAULT_MIN_KEY_VERSION, settings.VAULT_KEY_VERSION)
