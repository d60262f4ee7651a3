"""Makes text from outside safe to put before the model: normalised, without hidden characters, clipped.

It removes what a reader cannot see; it never claims to find instructions in what they can.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

# A title fits one line of a briefing; 500 characters hold the point of a Slack message or an event's description.
TITLE_CHARACTERS = 200
BODY_CHARACTERS = 500
# Lists such as attendees or blocking reasons stop being read after this many.
MAX_ENTRIES = 20
# Provider fields are flat by design; anything deeper is a mistake and is cut off.
MAX_DEPTH = 4

_LINE_BREAKS = str.maketrans({"\r": "\n", "\u0085": "\n", "\u2028": "\n", "\u2029": "\n"})
# Format (bidi controls, zero-width, tag characters), control, surrogate and private-use characters. Source: Unicode
# TR36 and TR39; tag characters (U+E0000 to U+E007F) carry whole invisible prompts.
_HIDDEN_CATEGORIES = frozenset({"Cf", "Cc", "Cs", "Co"})
# Fillers, the grapheme joiner and variation selectors are letters and marks by category, and invisible all the same;
# U+E0000 to U+E0FFF is set aside for more of them.
_HIDDEN_MARKS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0") | frozenset(map(chr, range(0xFE00, 0xFE10)))
_HIDDEN_PLANE = range(0xE0000, 0xE1000)
# What of these a printable text may still hold.
_HIDDEN_THOUGH_PRINTABLE = re.compile(f"[{''.join(sorted(_HIDDEN_MARKS))}\U000e0000-\U000e0fff]")
# Letters of tags in the flags of England, Scotland and Wales: the one use of tag characters that people have.
_FLAGS = re.compile("\U0001f3f4[\U000e0061-\U000e007a]{1,6}\U000e007f")
# Tag characters spell invisible words; bidi controls show other words than there are.
_DECEIVING = re.compile("[\u202a-\u202e\u2066-\u2069\U000e0001-\U000e007f]")
# One or two stand in text that was pasted, between emoji or in scripts that join letters; a row of them is a code.
_ROW_OF_INVISIBLE = re.compile("[\u200b-\u200f\u2060-\u2064\ufeff\u034f\u115f\u1160\u3164\uffa0\ufe00-\ufe0e]{8}")


def clean_text(text: str, *, max_characters: int = BODY_CHARACTERS) -> str:
    """Return `text` in NFC, without hidden characters, at most `max_characters` long with "…" where it was cut."""
    # Clipping first bounds the work on a message of a million characters.
    head = text[: max_characters * 4].translate(_LINE_BREAKS)
    if (noticed := _noticed.get()) and hides_words(head):
        noticed.has_hidden_words = True
    normal = unicodedata.normalize("NFC", _without_hidden(head)).strip()
    was_cut = len(normal) > max_characters or len(text) > max_characters * 4
    return f"{normal[: max_characters - 1].rstrip()}…" if was_cut else normal


def clean_value(value: Any, *, depth: int = 0) -> Any:
    """Return a JSON value with every text in it cleaned, every list and nesting bounded."""
    if isinstance(value, str):
        return clean_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        entries = list(value.items())[:MAX_ENTRIES]
        return {clean_text(str(key), max_characters=64): clean_value(entry, depth=depth + 1) for key, entry in entries}
    if isinstance(value, list | tuple):
        return [clean_value(entry, depth=depth + 1) for entry in value[:MAX_ENTRIES]]
    return clean_text(str(value))


def _without_hidden(text: str) -> str:
    words = text.replace("\n", "").replace("\t", "")
    # Nearly all texts hide nothing, and a look at each character took a twentieth of a briefing's processor. What is
    # printable is of no category that starts with C. Source: https://docs.python.org/3/library/stdtypes.html
    if words.isprintable() and not _HIDDEN_THOUGH_PRINTABLE.search(words):
        return text
    return "".join(character for character in text if _is_visible(character))


def _is_visible(character: str) -> bool:
    if character in "\n\t":
        return True
    is_mark = character in _HIDDEN_MARKS or ord(character) in _HIDDEN_PLANE
    return not is_mark and unicodedata.category(character) not in _HIDDEN_CATEGORIES


@dataclass(slots=True)
class Noticed:
    """What cleaning came across; `has_hidden_words` tells that somebody hid words in a text, or forged them."""

    has_hidden_words: bool = False


_noticed: ContextVar[Noticed | None] = ContextVar("noticed", default=None)


@contextmanager
def noticing() -> Iterator[Noticed]:
    """Yield what `clean_text` notices inside, in tasks begun there as well; the user would not know otherwise."""
    noticed = Noticed()
    token = _noticed.set(noticed)
    try:
        yield noticed
    finally:
        _noticed.reset(token)


def hides_words(text: str) -> bool:
    """Whether `text` holds characters that hide words from a reader, or show others than there are."""
    seen = _FLAGS.sub("", text)
    return bool(_DECEIVING.search(seen) or _ROW_OF_INVISIBLE.search(seen))
