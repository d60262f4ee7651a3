"""The keys that seal what people asked and what was read for them, as the setting `CONTENT_KEYS` writes them.

`2:<base64>,1:<base64>`: a number and 32 random bytes each, apart by commas or, in a file, by lines. The first one
seals; all of them open. It never prints or logs a key.
"""

import base64
import binascii
import secrets

from django.core.exceptions import ImproperlyConfigured

KEY_BYTES = 32
# The number is four bytes in a sealed record.
_MAX_ID = 2**32 - 1
_REFUSAL = (
    'CONTENT_KEYS must be "<number>:<base64>,…", the newest first, each a different number and each key 32 random '
    "bytes."
)


def parse(text: str) -> dict[int, bytes]:
    """Return the keys in `text` by number, in their order.

    Raises:
        ImproperlyConfigured: There is none, one is malformed, or a number or a key comes twice. The sentence holds
            nothing of them.
    """
    if not text:
        raise ImproperlyConfigured("CONTENT_KEYS is not set.")
    parsed = [_parse_one(entry) for entry in text.replace(",", " ").split()]
    keys = dict(parsed)
    if not keys or len(keys) != len(parsed) or len(set(keys.values())) != len(parsed):
        raise ImproperlyConfigured(_REFUSAL)
    return keys


def new_entry(number: int) -> str:
    """Return a new random key as it is written."""
    return f"{number}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"


def _parse_one(entry: str) -> tuple[int, bytes]:
    number, _, encoded = entry.partition(":")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ImproperlyConfigured(_REFUSAL) from None
    is_number = number.isascii() and number.isdigit() and 0 < int(number) <= _MAX_ID
    if not is_number or len(key) != KEY_BYTES:
        raise ImproperlyConfigured(_REFUSAL)
    return int(number), key
