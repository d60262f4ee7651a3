"""Catalogues of messages as gettext has them, in Python alone: a fresh clone has neither `xgettext` nor `msgfmt`.

Source: GNU gettext manual, "The Format of PO Files" and "The Format of GNU MO Files".
"""

import ast
import re
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

# Between a message and its plural in the key of a .mo file.
_PLURAL = "\0"
_LINE = re.compile(r'(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?)?\s*("(?:\\.|[^"\\])*")')
_MAGIC = 0x950412DE


@dataclass(frozen=True, slots=True, order=True)
class Message:
    """A text of the source; `plural` is "" for one that counts nothing, `places` are the files that have it."""

    text: str
    plural: str = ""
    places: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """What a compiled catalogue looks for."""
        return self.text + (_PLURAL + self.plural if self.plural else "")


def merge(messages: Iterable[Message]) -> list[Message]:
    """Return each message once, by text, with all its places; a plural goes before the same text without one."""
    plurals: dict[str, str] = {}
    places: dict[str, set[str]] = {}
    for message in messages:
        plurals[message.text] = plurals.get(message.text) or message.plural
        places.setdefault(message.text, set()).update(message.places)
    return [Message(text, plurals[text], tuple(sorted(places[text]))) for text in sorted(places)]


def write_po(messages: Iterable[Message], *, translations: Mapping[str, list[str]], header: str) -> str:
    """Return the text of a .po file: no dates and no line numbers, so that it changes only where the words do."""
    blocks = [f'msgid ""\nmsgstr {_quote(header)}']
    for message in messages:
        told = translations.get(message.key) or [""] * (2 if message.plural else 1)
        lines = [*(f"#: {place}" for place in message.places), f"msgid {_quote(message.text)}"]
        if message.plural:
            lines.append(f"msgid_plural {_quote(message.plural)}")
            lines += [f"msgstr[{index}] {_quote(text)}" for index, text in enumerate(told)]
        else:
            lines.append(f"msgstr {_quote(told[0])}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def read_po(text: str) -> dict[str, list[str]]:
    """Return the translations of a .po file by `Message.key`; the header is under ""."""
    found: dict[str, list[str]] = {}
    for block in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line.startswith("#") or not (match := _LINE.match(line)):
                continue
            name = match.group(1) or name
            fields[name] = fields.get(name, "") + ast.literal_eval(match.group(2))
        # A message with a context is another one to gettext; nothing here has any.
        if "msgid" in fields and "msgctxt" not in fields:
            told = [fields[field] for field in sorted(fields) if field.startswith("msgstr")]
            found[Message(fields["msgid"], fields.get("msgid_plural", "")).key] = told
    return found


def write_mo(translations: Mapping[str, list[str]]) -> bytes:
    """Return a compiled catalogue of what is translated; `translations` as `read_po` returns them."""
    told = {key: _PLURAL.join(texts) for key, texts in translations.items() if all(texts)}
    pairs = sorted((key.encode(), text.encode()) for key, text in told.items())
    head = 7 * 4
    start = head + 16 * len(pairs)
    tables, strings = [b"", b""], b""
    for column in (0, 1):
        for pair in pairs:
            tables[column] += struct.pack("<II", len(pair[column]), start + len(strings))
            strings += pair[column] + b"\0"
    numbers = struct.pack("<IIIIIII", _MAGIC, 0, len(pairs), head, head + 8 * len(pairs), 0, start)
    return numbers + tables[0] + tables[1] + strings


def save(folder: Path, domain: str, translations: Mapping[str, list[str]]) -> None:
    """Write the compiled catalogue of a language, whose folder `locale/<language>` is `folder`."""
    target = folder / "LC_MESSAGES" / f"{domain}.mo"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(write_mo(translations))


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n")
    return f'"{escaped}"'
