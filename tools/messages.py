"""Finds the words that people see, in Python, templates and scripts, and keeps `locale/`: `./dev messages [LANGUAGE…]`.

`locale/*.pot` are the words of the source; each `locale/<language>/` has their translations, compiled beside them. A
named language that is not there yet is begun. The pseudo locales are made anew each time, beside
the data of `./dev up`.
"""

import ast
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation import to_locale
from django.utils.translation.template import templatize

from tools import pseudo_locale
from tools.catalogue import Message, merge, read_po, save, write_po

ROOT = Path(__file__).resolve().parent.parent
APPS = ("agent", "audit", "devcontext", "permissions", "vault")
_HEADER = "Content-Type: text/plain; charset=UTF-8\n"
_NEW_HEADER = _HEADER + "Language: {language}\nPlural-Forms: nplurals=2; plural=(n != 1);\n"
_ONE = {"_", "gettext", "gettext_lazy", "gettext_noop"}
_MANY = {"ngettext", "ngettext_lazy"}
_TEXT = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
_CALL = re.compile(rf"\b(_|gettext|ngettext)\(\s*({_TEXT})(?:,\s*({_TEXT}))?")


def find_in_python(path: Path) -> Iterator[Message]:
    """Find the constants that are marked; what is passed on in a variable was marked where it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            yield from _messages(node.func.id, texts, place=path)


def find_in_template(path: Path) -> Iterator[Message]:
    """Find what Django's own reader of templates finds."""
    yield from _find_calls(templatize(path.read_text(encoding="utf-8")), place=path)


def find_in_script(path: Path) -> Iterator[Message]:
    """Find the calls of `static/shell/words.js`."""
    yield from _find_calls(path.read_text(encoding="utf-8"), place=path)


def find_all() -> dict[str, list[Message]]:
    """Return the messages of the source by domain: `django` for what the server renders, `djangojs` for the scripts."""
    python = [path for app in APPS for path in (ROOT / app).rglob("*.py") if "sandbox" not in path.parts]
    # The sheet of components is for who builds pages.
    templates = [path for path in (ROOT / "templates").rglob("*.html") if path.parent.name != "debug"]
    server = [message for path in python for message in find_in_python(path)]
    server += [message for path in templates for message in find_in_template(path)]
    scripts = [message for path in (ROOT / "static").rglob("*.js") for message in find_in_script(path)]
    # A run keeps what its tools do in English; the chat page says it in its reader's language.
    scripts += [message for path in (ROOT / "agent/tools").rglob("*.py") for message in find_in_python(path)]
    return {"django": merge(server), "djangojs": merge(scripts)}


def template_of(messages: list[Message]) -> str:
    """Return the text of a .pot file."""
    return write_po(messages, translations={}, header=_HEADER)


def update(language: str, domain: str, messages: list[Message]) -> None:
    """Bring the catalogue of a language up to date: what is translated stays, what the source lost goes."""
    folder = ROOT / "locale" / to_locale(language)
    path = folder / "LC_MESSAGES" / f"{domain}.po"
    known = read_po(path.read_text(encoding="utf-8")) if path.is_file() else {}
    header = known.get("", [_NEW_HEADER.format(language=language)])
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = {message.key: known[message.key] for message in messages if message.key in known}
    path.write_text(write_po(messages, translations=kept, header=header[0]), encoding="utf-8")
    save(folder, domain, {"": header, **kept})


def main(languages: list[str]) -> None:
    """Write all of `locale/`."""
    folder = ROOT / "locale"
    folder.mkdir(exist_ok=True)
    known = {path.parent.name.replace("_", "-").lower() for path in folder.glob("*/LC_MESSAGES")}
    found = find_all()
    for domain, messages in found.items():
        (folder / f"{domain}.pot").write_text(template_of(messages), encoding="utf-8")
        for language in sorted({*known, *languages}):
            update(language, domain, messages)
        print(f"{domain}: {len(messages)} messages")
    pseudo_locale.make(Path(os.environ.get("DATA_DIR", ROOT / ".data")) / "locale", found)


def _find_calls(source: str, *, place: Path) -> Iterator[Message]:
    for name, *literals in _CALL.findall(source):
        yield from _messages(name, [ast.literal_eval(literal) for literal in literals if literal], place=place)


def _messages(function: str, texts: list[str], *, place: Path) -> Iterator[Message]:
    places = (place.relative_to(ROOT).as_posix(),) if place.is_relative_to(ROOT) else ()
    if function in _ONE and texts:
        yield Message(texts[0], places=places)
    elif function in _MANY and len(texts) > 1:
        yield Message(texts[0], texts[1], places=places)


if __name__ == "__main__":
    main(sys.argv[1:])
