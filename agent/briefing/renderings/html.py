"""An answer as plain HTML, for a clipboard that a chat's or a mail's editor takes rich text from."""

from collections.abc import Iterator
from html import escape

from agent.briefing.document import Document, Line, Section, Span


def render(document: Document) -> str:
    """Return the document as HTML without classes and styles; links lead to items only, all text is escaped."""
    parts = [part for section in document.sections for part in _section(section)]
    if document.coverage:
        parts.append(f"<p><em>{escape(document.coverage)}</em></p>")
    return "\n".join(parts)


def _section(section: Section) -> Iterator[str]:
    if section.title:
        yield f"<h2>{escape(section.title)}</h2>"
    depth = 0
    for line in section.lines:
        wanted = line.depth + 1 if line.kind == "item" else 0
        yield from ("</ul>" for _ in range(wanted, depth))
        yield from ("<ul>" for _ in range(depth, wanted))
        depth = wanted
        yield _line(line)
    yield from ("</ul>" for _ in range(depth))


def _line(line: Line) -> str:
    tag = {"item": "li", "quote": "blockquote", "code": "pre"}.get(line.kind, "p")
    return f"<{tag}>{''.join(map(_span, line.spans))}</{tag}>"


def _span(span: Span) -> str:
    words = escape(span.text)
    if span.evidence:
        return f'<a href="{escape(span.evidence.url)}">{words}</a>'
    return f"<strong>{words}</strong>" if span.is_strong else words
