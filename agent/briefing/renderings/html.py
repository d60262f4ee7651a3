"""An answer as plain HTML, for a clipboard that a chat's or a mail's editor takes rich text from."""

from collections.abc import Iterator, Mapping
from html import escape

from agent.briefing.document import Document, Line, Section, Span, without_words


def render(document: Document) -> str:
    """Return the document as HTML without classes and styles; links lead to items only, all text is escaped."""
    parts = [part for section in document.sections for part in _section(section)]
    text = "\n".join([*_ours(document.head), *parts, *_ours(document.foot)])
    return text.replace("\n</li>", "</li>")


def _section(section: Section) -> Iterator[str]:
    if section.title:
        yield f"<h2>{escape(section.title)}</h2>"
    depth = 0
    for line in section.lines:
        # A list within a list stands in an item of the outer one, which stays open for it.
        wanted = min(line.depth, depth) + 1 if line.kind == "item" else 0
        yield from ("</li></ul>" for _ in range(wanted, depth))
        if wanted and wanted <= depth:
            yield "</li>"
        yield from ("<ul>" for _ in range(depth, wanted))
        depth = wanted
        yield f"<li>{_words(line)}" if wanted else _block(line)
    yield from ("</li></ul>" for _ in range(depth))


def _ours(lines: Mapping[str, str]) -> list[str]:
    return [f"<p><em>{escape(line)}</em></p>" for line in without_words(lines)]


def _block(line: Line) -> str:
    tag = {"quote": "blockquote", "code": "pre"}.get(line.kind, "p")
    return f"<{tag}>{_words(line)}</{tag}>"


def _words(line: Line) -> str:
    return "".join(map(_span, line.spans))


def _span(span: Span) -> str:
    words = escape(span.text)
    if span.evidence:
        return f'<a href="{escape(span.evidence.url)}">{words}</a>'
    return f"<strong>{words}</strong>" if span.is_strong else words
