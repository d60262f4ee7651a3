"""Two languages that nobody speaks, made from the English: they show what a translation would.

`en-xa` has accents, brackets and two fifths more length: what is plain was not marked, what is cut has no room.
`ar-xb` has the accents and runs from right to left: what stands on the wrong side was laid out for one direction.
The names are those of Unicode's CLDR and of Android.
"""

import re
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path

from django.utils.translation import to_locale

from tools.catalogue import Message, read_po, save

LANGUAGES = ("en-xa", "ar-xb")
_PLAIN = "aceghijklnorsuwyzACDEGHIJKLNORSUWYZ"
_ACCENTED = "àçéĝĥîĵķļñöřšûŵýžÀÇÐÉĜĤÎĴĶĻÑÖŘŠÛŴÝŽ"
ACCENTS = str.maketrans(_PLAIN, _ACCENTED)
# What is no word: places to fill in, tags, entities, and a percent sign as gettext writes it.
_NO_WORDS = re.compile(r"(%\(\w+\)[sd]|%%|%[sd]|\{[^{}]*\}|<[^>]*>|&#?\w+;)")
# Formats of Django's `date`, which are translated like words: letters that stand alone.
_DATE_FORMAT = re.compile(r"[A-Za-z](?:[ ,:.]+[A-Za-z])+")
_MORE = " ẋ"
_HEADER = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
# The English catalogues of what our pages also show: Django's forms and dates, and allauth's forms.
_OTHERS = (
    ("django", "conf/locale/en/LC_MESSAGES/django.po"),
    ("django", "contrib/auth/locale/en/LC_MESSAGES/django.po"),
    ("allauth", "locale/en/LC_MESSAGES/django.po"),
)


def lengthened(text: str) -> str:
    """Return `text` as `en-xa` has it: `[Šéñð ẋ ẋ]`."""
    if _DATE_FORMAT.fullmatch(text):
        return text
    letters = len(_NO_WORDS.sub("", text))
    more = _MORE * max(1, round(letters * 0.4 / len(_MORE)))
    return f"[{_accented(text)}{more}]"


def mirrored(text: str) -> str:
    """Return `text` as `ar-xb` has it, between marks that make it run from right to left."""
    return text if _DATE_FORMAT.fullmatch(text) else f"\N{RIGHT-TO-LEFT MARK}{_accented(text)}\N{RIGHT-TO-LEFT MARK}"


def make(folder: Path, found: Mapping[str, Iterable[Message]]) -> None:
    """Write both languages into `folder`, such as `locale/`; `found` are the messages by domain."""
    for language, change in zip(LANGUAGES, (lengthened, mirrored), strict=True):
        for domain, messages in found.items():
            keys = [message.key for message in messages]
            # Right to left, Django and allauth bring their own Arabic.
            keys += _keys_of_others() if domain == "django" and change is lengthened else []
            told = {key: [change(text) for text in key.split("\0")] for key in keys if key}
            save(folder / to_locale(language), domain, {**told, "": [_HEADER]})


def _accented(text: str) -> str:
    parts = _NO_WORDS.split(text)
    return "".join(part if index % 2 else part.translate(ACCENTS) for index, part in enumerate(parts))


def _keys_of_others() -> list[str]:
    keys: list[str] = []
    for package, path in _OTHERS:
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        keys += read_po((Path(spec.origin).parent / path).read_text(encoding="utf-8"))
    return keys
