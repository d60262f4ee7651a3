"""The words of the source are found as gettext finds them, and its own library reads what is written."""

import gettext
import io
from pathlib import Path

import pytest

from tools import messages, pseudo_locale
from tools.catalogue import Message, merge, read_po, save, write_mo, write_po

HEADER = "Content-Type: text/plain; charset=UTF-8\nPlural-Forms: nplurals=2; plural=(n != 1);\n"


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_marked_constants_of_python_are_found_and_variables_are_not(tmp_path: Path) -> None:
    source = '_("A" " b")\ngettext_noop("C")\ngettext(name)\nngettext("{n} one", "{n} many", n)\nprint("D")\n'
    found = list(messages.find_in_python(write(tmp_path, "a.py", source)))
    assert found == [Message("A b"), Message("C"), Message("{n} one", "{n} many")]


def test_templates_are_read_as_django_reads_them(tmp_path: Path) -> None:
    source = (
        '{% translate "A" %}{{ name|default:_("B") }}{% include "x.html" with heading=_("C") %}'
        "{% blocktranslate trimmed with n=number %}\n  D {{ n }}\n  e\n{% endblocktranslate %}"
        "{% blocktranslate count n=number %}{{ n }} one{% plural %}{{ n }} many{% endblocktranslate %}"
    )
    found = list(messages.find_in_template(write(tmp_path, "a.html", source)))
    assert found == [Message(text) for text in ("A", "B", "C", "D %(n)s e")] + [Message("%(n)s one", "%(n)s many")]


def test_calls_of_scripts_are_found(tmp_path: Path) -> None:
    source = 'gettext("A", { b });\nngettext(\n  "{number} one",\n  "{number} many",\n  number,\n);\nword("C");\n'
    found = list(messages.find_in_script(write(tmp_path, "a.js", source)))
    assert found == [Message("A"), Message("{number} one", "{number} many")]


def test_a_message_is_written_once_with_all_its_places() -> None:
    merged = merge([Message("B", places=("b",)), Message("A", "As", ("a",)), Message("B", places=("a",))])
    assert merged == [Message("A", "As", ("a",)), Message("B", "", ("a", "b"))]


def test_what_is_written_is_read_again() -> None:
    found = [Message('Say "no"\n\tor \\', places=("a.py",)), Message("one", "many")]
    told = {found[0].key: ["Nein"], found[1].key: ["eins", "viele"]}
    text = write_po(found, translations=told, header=HEADER)
    assert read_po(text) == {"": [HEADER], **told}


def test_pythons_own_library_reads_a_compiled_catalogue(tmp_path: Path) -> None:
    told = {"": [HEADER], "zebra": ["Zebra"], "Äpfel": ["apples"], "one\0many": ["eins", "viele"], "not yet": [""]}
    compiled = gettext.GNUTranslations(io.BytesIO(write_mo(told)))
    assert compiled.gettext("zebra") == "Zebra"
    assert compiled.gettext("Äpfel") == "apples"
    assert [compiled.ngettext("one", "many", number) for number in (1, 2)] == ["eins", "viele"]
    assert compiled.gettext("not yet") == "not yet"
    save(tmp_path / "de", "django", told)
    assert (tmp_path / "de/LC_MESSAGES/django.mo").read_bytes() == write_mo(told)


def test_a_language_keeps_what_is_translated_and_loses_what_the_source_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "ROOT", tmp_path)
    path = tmp_path / "locale/de/LC_MESSAGES/django.po"
    path.parent.mkdir(parents=True)
    before = [Message("Stay"), Message("Go")]
    path.write_text(write_po(before, translations={"Stay": ["Bleib"], "Go": ["Geh"]}, header=HEADER), encoding="utf-8")
    messages.update("de", "django", [Message("New"), Message("Stay")])
    assert read_po(path.read_text(encoding="utf-8")) == {"": [HEADER], "New": [""], "Stay": ["Bleib"]}
    with path.with_suffix(".mo").open("rb") as compiled:
        assert gettext.GNUTranslations(compiled).gettext("Stay") == "Bleib"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Save", "[Šàvé ẋ]"),
        ("See {what} of %(name)s", "[Šéé {what} öf %(name)s ẋ ẋ]"),
        ('A <a href="%(x)s">link</a> &amp; 5%%', '[À <a href="%(x)s">ļîñķ</a> &amp; 5%% ẋ ẋ]'),
        ("l, j F Y, H:i", "l, j F Y, H:i"),
    ],
)
def test_a_pseudo_text_leaves_what_is_no_word_as_it_is(text: str, expected: str) -> None:
    assert pseudo_locale.lengthened(text) == expected


def test_a_pseudo_text_is_two_fifths_longer() -> None:
    text = "Every permission check, token exchange and read made for you, newest first."
    assert 1.35 * len(text) < len(pseudo_locale.lengthened(text)) < 1.5 * len(text)
