"""Key-encryption keys in the setting `VAULT_KEYS`, from the environment: `1:<base64>,2:<base64>`.

A process learns of a new key when it is started again.
"""

from functools import lru_cache

from vault.keys import local
from vault.keys.local import LocalKeys

_REFUSAL = 'VAULT_KEYS must be "1:<base64>,2:<base64>", each version a different number and each key 32 random bytes.'


@lru_cache(maxsize=8)
def load(text: str) -> LocalKeys:
    """Return the keys in `text`.

    Raises:
        django.core.exceptions.ImproperlyConfigured: It is malformed; the sentence holds nothing of it.
    """
    return local.parse(text.split(","), refusal=_REFUSAL)
