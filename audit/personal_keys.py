"""The keys that seal the subjects' keys, as the setting AUDIT_PERSONAL_KEY writes them. No key is printed or logged.

The current one comes first, further ones open what was sealed before; apart by commas or lines.
"""

import base64
import os
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32
_REFUSAL = "AUDIT_PERSONAL_KEY must hold keys of 32 random bytes in base64, the current one first, by commas or lines."


def new_entry() -> str:
    """Return a new random key as it is written."""
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


@lru_cache(maxsize=4)
def parse(text: str) -> tuple[AESGCM, ...]:
    """Return the keys in `text` as ciphers, made once per process.

    Raises:
        ImproperlyConfigured: There is none, or one is malformed. The sentence holds nothing of them.
    """
    try:
        keys = [base64.b64decode(entry, validate=True) for entry in text.replace(",", " ").split()]
    except ValueError:
        keys = []
    if not keys or any(len(key) != KEY_BYTES for key in keys):
        raise ImproperlyConfigured(_REFUSAL)
    return tuple(map(AESGCM, keys))
