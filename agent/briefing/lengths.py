"""Shortens a document: full, short for a message in a channel, or a headline. It leaves lines out and rewrites none."""

from dataclasses import replace
from enum import StrEnum

from agent.briefing.document import Document, Line, Section, Span
from agent.briefing.phrases import LABEL

# As many lines of a section as a colleague reads in passing.
_SHORT_LINES = 3
# Sections of an answer that are worth a headline, if they stand there; else its first one is.
_FIRST = "needs you"


class Length(StrEnum):
    """How much of an answer is told."""

    FULL = "full"
    SHORT = "short"
    HEADLINE = "headline"


def shorten(document: Document, *, length: Length) -> Document:
    """Return `document` at that length; what is shorter than full keeps only what an item backs.

    What was not read, and what was ignored, stays at every length: a shorter answer must not look like a better one.
    """
    match length:
        case Length.FULL:
            return document
        case Length.SHORT:
            sections = tuple(_short(section) for section in document.sections)
            return replace(document, sections=tuple(section for section in sections if section.lines))
        case Length.HEADLINE:
            return _headline(document)


def _short(section: Section) -> Section:
    backed = _backed(section)
    more = len(backed) - _SHORT_LINES
    rest = (Line((Span(f"and {more} more"),), "item"),) if more > 0 else ()
    return replace(section, lines=(*_labels(section), *backed[:_SHORT_LINES], *rest))


def _headline(document: Document) -> Document:
    """Return the first line of what needs the user, or of the answer, with the number of the others beside it."""
    ranked = sorted(document.sections, key=lambda section: section.title.lower() != _FIRST)
    backed = [(section, lines) for section in ranked if (lines := _backed(section))]
    if not backed:
        return replace(document, sections=(), coverage=_gaps(document.coverage), window="")
    section, lines = backed[0]
    head = [Span(f"{section.title}: ")] if section.title else []
    tail = [Span(f" (and {len(lines) - 1} more)")] if len(lines) > 1 else []
    line = Line((*head, *lines[0].spans, *tail))
    labels = [label for one in document.sections[:1] for label in _labels(one)]
    return replace(document, sections=(Section("", (*labels, line)),), coverage=_gaps(document.coverage), window="")


def _labels(section: Section) -> list[Line]:
    """Return the line that says that no model wrote the answer: a shorter one says so as well."""
    return [line for line in section.lines if not section.title and line.text.startswith(LABEL)]


def _backed(section: Section) -> list[Line]:
    """Return the lines of a section that stand for themselves: not nested, and with an item behind them."""
    return [line for line in section.lines if not line.depth and any(span.evidence for span in line.spans)]


def _gaps(coverage: str) -> str:
    parts = coverage.split(" · ")
    return " · ".join(part for part in parts if "read" in part or "not asked" in part)
