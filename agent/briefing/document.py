"""An answer as sections, lines and spans, from which every rendering is made. It holds text, never markup."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from markdown_it.token import Token

from agent.briefing.addresses import remove_addresses
from agent.briefing.grounding import CLASS, Grounding, text_of
from agent.briefing.parsing import IGNORED_WORDS
from agent.briefing.parsing import parse as parse_tokens
from agent.events import Evidence
from agent.untrusted import clean_text

LineKind = Literal["text", "item", "quote", "code", "row"]
_OURS = re.compile(r"(window|coverage|ignored):\s*", re.IGNORECASE)
_IGNORED = "Ignored"
# No answer is as long; a text without end must not become one.
_MAX_SPAN_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line; with `evidence` it is a citation, whose words are `text`."""

    text: str
    evidence: Evidence | None = None
    is_strong: bool = False
    is_grounded: bool = True


@dataclass(frozen=True, slots=True)
class Line:
    """One paragraph, list item, table row, quote or block of code; `depth` is the nesting of an item, from 0."""

    spans: tuple[Span, ...]
    kind: LineKind = "text"
    depth: int = 0

    @property
    def is_grounded(self) -> bool:
        """Whether no part of it is a statement without evidence."""
        return all(span.is_grounded for span in self.spans)

    @property
    def text(self) -> str:
        """The line as plain text."""
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its lines; the title is "" for lines before the first heading."""

    title: str
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A whole answer, with our own lines on what it is about, what was read and what was ignored: "" for none.

    `head` and `foot` say where they stand: above a briefing, and below what answers a question in passing.
    """

    sections: tuple[Section, ...]
    coverage: str = ""
    window: str = ""
    ignored: str = ""

    @property
    def head(self) -> Mapping[str, str]:
        """Our lines above the answer, by their first word."""
        return {"Window": self.window, **self._about_reading} if self.window else {}

    @property
    def foot(self) -> Mapping[str, str]:
        """Our lines below the answer, by their first word."""
        return {} if self.window else self._about_reading

    @property
    def _about_reading(self) -> dict[str, str]:
        lines = {"Coverage": self.coverage, _IGNORED: self.ignored}
        return {word: line for word, line in lines.items() if line}


def without_words(lines: Mapping[str, str]) -> list[str]:
    """Return our lines for a rendering that leaves their first words out, but for the one that says nothing without."""
    return [f"{word}: {line}" if word == _IGNORED else line for word, line in lines.items()]


def frame(text: str, *, window: str, coverage: str, ignored: str = "") -> str:
    """Return an answer in Markdown with our own lines around it, as `parse` takes them; nothing stays nothing."""
    if not text:
        return ""
    document = Document((), coverage=coverage, window=window, ignored=ignored)
    head = [f"**{word}:** {line}" for word, line in document.head.items()]
    return "\n\n".join([*head, text, *(f"**{word}:** {line}" for word, line in document.foot.items())])


def parse(markdown: str, *, evidence: Mapping[str, Evidence]) -> Document:
    """Return the document of an answer, whose citations lead to `evidence:<id>` or to an item's own address."""
    tokens = parse_tokens(markdown, evidence=evidence).tokens
    Grounding().mark(tokens)
    builder = _Builder()
    for token in tokens:
        builder.add(token)
    return builder.finish()


@dataclass(slots=True)
class _Builder:
    """Collects lines from tokens in order."""

    sections: list[Section] = field(default_factory=lambda: [Section("")])
    coverage: str = ""
    window: str = ""
    ignored: str = ""
    _depth: int = 0
    _is_new_item: bool = False
    _is_heading: bool = False
    _quotes: int = 0
    _cells: list[Span] | None = None

    def add(self, token: Token) -> None:
        """Take the next block token."""
        match token.type:
            case "heading_open" | "heading_close":
                self._is_heading = token.type == "heading_open"
            case "list_item_open" | "list_item_close":
                self._depth += token.nesting
                self._is_new_item = token.nesting > 0
            case "blockquote_open" | "blockquote_close":
                self._quotes += token.nesting
            case "tr_open" | "tr_close":
                self._add_row(token)
            case "fence" | "code_block":
                self._append(Line((Span(_clean(token.content.rstrip("\n"))),), "code"))
            case "inline":
                self._add_inline(token)

    def _add_row(self, token: Token) -> None:
        if self._cells is not None:
            self._append(Line(tuple(self._cells), "row"))
        self._cells = [] if token.nesting > 0 else None

    def finish(self) -> Document:
        """Return what was collected, without empty parts."""
        sections = tuple(section for section in self.sections if section.title or section.lines)
        return Document(sections=sections, coverage=self.coverage, window=self.window, ignored=self.ignored)

    def _add_inline(self, token: Token) -> None:
        if self._is_heading:
            self.sections.append(Section(_clean(text_of(token.children or [])).strip()))
            return
        spans = tuple(_merge(_spans(token.children or [])))
        if self._cells is not None:
            self._cells += [*([Span(" | ")] if self._cells else []), *spans]
            return
        line = Line(spans, self._kind(), depth=max(0, self._depth - 1))
        self._is_new_item = False
        if not self._take_ours(line):
            self._append(line)

    def _take_ours(self, line: Line) -> bool:
        """Return whether this is our own line, in bold, where `frame` puts it."""
        found = _OURS.match(line.text)
        if not found or not line.spans[0].is_strong:
            return False
        words = line.text[found.end() :].strip()
        match found[1].lower():
            case "coverage":
                self.coverage = self.coverage or words
                return True
            case "ignored":
                is_told = not self.ignored and re.match(IGNORED_WORDS, words) is not None
                self.ignored = words if is_told else self.ignored
                return is_told
        is_first = self.sections == [Section("")] and not self.coverage and not self.window
        self.window = words if is_first else self.window
        return is_first

    def _kind(self) -> LineKind:
        if self._is_new_item:
            return "item"
        return "quote" if self._quotes else "text"

    def _append(self, line: Line) -> None:
        if line.text.strip():
            last = self.sections[-1]
            self.sections[-1] = replace(last, lines=(*last.lines, line))


def _spans(children: list[Token]) -> Iterator[Span]:
    item: Evidence | None = None
    strong = 0
    is_grounded, is_label = True, False
    for token in children:
        match token.type:
            case "link_open":
                item = token.meta.get("evidence")
            case "link_close":
                item = None
            case "strong_open" | "strong_close":
                strong += token.nesting
            case "label_open" | "label_close":
                is_label = token.type == "label_open"
            case _ if token.type.startswith(f"{CLASS}_"):
                is_grounded = token.nesting < 0
            case _ if not is_label:
                yield Span(text_of([token]), item, is_strong=strong > 0, is_grounded=is_grounded)


def _merge(spans: Iterator[Span]) -> Iterator[Span]:
    """Yield neighbours of one kind as one span, cleaned: an address that was split among tokens is found whole."""
    merged: list[Span] = []
    for span in spans:
        if merged and replace(span, text="") == replace(merged[-1], text=""):
            merged[-1] = replace(span, text=merged[-1].text + span.text)
        elif span.text:
            merged.append(span)
    for span in merged:
        yield replace(span, text=_clean(span.text))


def _clean(text: str) -> str:
    """Return text without hidden characters and foreign addresses, with the spaces around it.

    An address that no tool returned is no link, and must not become one where a text is pasted: a chat that unfurls it
    would call it.
    """
    visible = clean_text(text, max_characters=_MAX_SPAN_CHARACTERS)
    head = " " if text[:1].isspace() else ""
    tail = " " if visible and text[-1:].isspace() else ""
    return f"{head}{remove_addresses(visible)}{tail}"
