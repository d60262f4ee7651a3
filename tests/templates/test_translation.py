"""All that people see is marked for translation, and `locale/` knows all of it: `./dev messages` makes it so."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from agent.tools import TOOLS
from tools import messages

ROOT = Path(__file__).parents[2]
# What is the same in every language: names, keys of a keyboard, and what is typed as it stands.
SAME = {"DevContext", "Ctrl", "Enter", "Shift", "Esc", "K", "UTC", "e"}
TYPED = {"code", "pre", "kbd", "title"}
TAGS = re.compile(
    r"\{% comment %\}.*?\{% endcomment %\}|\{% blocktranslate.*?\{% endblocktranslate %\}"
    r"|\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}",
    re.DOTALL,
)
WORDS_IN_TAGS = re.compile(r'\b(?:default|heading|sentence|action|label)(?::|=)"[^"]*[A-Za-z]{2}')
# The sheet of components is for who builds pages.
TEMPLATES = [path for path in sorted((ROOT / "templates").rglob("*.html")) if path.parent.name != "debug"]


class Plain(HTMLParser):
    """Collects the words of a template that stand outside its tags, with the attributes that people hear or see."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.append(tag)
        self.found += [text or "" for name, text in attrs if name in {"aria-label", "title", "placeholder", "alt"}]

    def handle_endtag(self, tag: str) -> None:
        # What is not closed is a void element.
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not TYPED & set(self._open[-1:]):
            self.found.append(data)


def words_of(source: str) -> list[str]:
    """Return the words of a template that no tag translates."""
    parser = Plain()
    # Tags go first: one in an attribute has quotes of its own.
    parser.feed(TAGS.sub(" ", source))
    parser.close()
    words = [word for text in parser.found for word in re.findall(r"[^\W\d_]+", text)]
    in_tags = [found for tag in TAGS.findall(source) for found in WORDS_IN_TAGS.findall(tag)]
    return [word for word in words if word not in SAME] + in_tags


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_no_template_holds_a_word_that_is_not_marked(path: Path) -> None:
    assert words_of(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "<p>Hello</p>",
        '<a aria-label="Close"></a>',
        '<input placeholder="{% translate "A" %} Name">',
        '{{ name|default:"None yet" }}',
        '{% include "_empty.html" with sentence="Nothing." %}',
        "{% if a %}Yes{% endif %}",
    ],
)
def test_a_word_that_is_not_marked_is_found(source: str) -> None:
    assert words_of(source)


def test_what_is_marked_is_let_through() -> None:
    source = (
        '{% comment %}Why.{% endcomment %}<p title="{% translate "A" %}">{% blocktranslate trimmed %}Hello <b>you</b>'
        '{% endblocktranslate %} <code>./dev up</code> {{ name|default:_("None") }} DevContext</p>'
    )
    assert words_of(source) == []


@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_the_catalogue_has_all_words_of_the_source(domain: str) -> None:
    """If this fails: `./dev messages`."""
    found = messages.find_all()[domain]
    assert len(found) > 50
    assert (ROOT / f"locale/{domain}.pot").read_text(encoding="utf-8") == messages.template_of(found)


@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_what_the_tools_do_can_be_said_in_any_language(domain: str) -> None:
    """A run keeps it in English; a page without scripts says it by the one catalogue, the chat by the other."""
    said = {text for tool in TOOLS.values() for text in (tool.label, tool.reads) if text}
    assert said <= {message.text for message in messages.find_all()[domain]}


@pytest.mark.parametrize("path", sorted((ROOT / "locale").rglob("*.po*")), ids=lambda path: "-".join(path.parts[-3:]))
def test_each_catalogue_is_of_the_words_that_the_source_has(path: Path) -> None:
    """The two templates, and each language's own."""
    keys = {message.key for message in messages.find_all()[path.stem]}
    assert set(messages.read_po(path.read_text(encoding="utf-8"))) == {*keys, ""}


def test_styles_know_no_left_and_no_right() -> None:
    """A page that runs from right to left turns only what was said as start and end (CSS Logical Properties)."""
    physical = re.compile(
        r"\b(?:margin|padding|border)-(?:left|right)\b|(?<![\w-])(?:left|right)\s*:|text-align:\s*(?:left|right)"
        r"|float:\s*(?:left|right)|(?<![\w-])(?:inset|margin|padding)\s*:\s*(\S+) (\S+) \S+ (?!\2)\S+\s*;"
    )
    sheets = sorted((ROOT / "static").rglob("*.css"))
    assert len(sheets) > 5
    assert [(path.name, found.group()) for path in sheets for found in physical.finditer(path.read_text())] == []
