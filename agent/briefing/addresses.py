"""Takes out of a text what a chat or a viewer would make a link of, and perhaps call: addresses that no tool returned.

A file name looks like a host (`run.py`, `next.js`), so a host without a scheme is told by a well-known ending before a
slash, or by a query. A bare host stays. Every quantifier has an end: the text is the model's, and may be hostile.
"""

import re

_REMOVED = "(address left out)"
_WORD = re.compile(r"\S+")
_HOST = r"(?<![a-z0-9-])(?:[a-z0-9-]{1,63}\.){1,4}"
_PORT = r"(?::\d{1,5})?"
# What people register most, and no file is called.
_ENDINGS = (
    "ai|app|biz|cc|click|club|cloud|co|com|de|dev|fr|info|io|link|live|me|net|online|org|page|site|store|tech|top"
    "|uk|us|xyz"
)
_ADDRESS = re.compile(
    rf"[a-z0-9+.-]{{0,30}}://|(?<![a-z0-9])www\.|{_HOST}(?:{_ENDINGS}){_PORT}(?:/|\?)(?=\S)", re.IGNORECASE
)
_PERHAPS = re.compile(rf"{_HOST}[a-z]{{2,24}}{_PORT}(?P<mark>[/?])", re.IGNORECASE)


def remove_addresses(text: str) -> str:
    """Return `text` with each word cut where an address begins in it."""
    return _WORD.sub(lambda found: _cut(found[0]), text)


def _cut(word: str) -> str:
    starts = [found.start() for found in (_ADDRESS.search(word), _find_queried(word)) if found]
    return f"{word[: min(starts)]}{_REMOVED}" if starts else word


def _find_queried(word: str) -> re.Match[str] | None:
    """Return the first host of a path or query with a query's signs in it: `evil.example/steal?d=1`."""
    last = {"/": max(map(word.rfind, "?#=")), "?": word.rfind("=")}
    return next((found for found in _PERHAPS.finditer(word) if found.end() <= last[found["mark"]]), None)
