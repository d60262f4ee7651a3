"""An answer as plain text for a terminal: the addresses of the items follow below, by number."""

from collections.abc import Iterator

from agent.briefing.document import Document, Line, Section


def render(document: Document) -> str:
    """Return the document as text without markup; a document holds no control character that a terminal obeys."""
    numbers: dict[str, int] = {}
    parts = ["\n".join(_section(section, numbers=numbers)) for section in document.sections]
    head, foot = (
        ["\n".join(f"{word}: {line}" for word, line in lines.items())] for lines in (document.head, document.foot)
    )
    parts = [part for part in (*head, *parts, *foot) if part]
    if numbers:
        parts.append("\n".join(f"[{number}] {url}" for url, number in numbers.items()))
    return "\n\n".join(parts)


def _section(section: Section, *, numbers: dict[str, int]) -> Iterator[str]:
    if section.title:
        yield section.title.upper()
    for line in section.lines:
        yield from _line(line, numbers=numbers)


def _line(line: Line, *, numbers: dict[str, int]) -> Iterator[str]:
    if line.kind == "code":
        yield from (f"    {row}" for row in line.text.splitlines())
        return
    words = "".join(
        f"{span.text} [{numbers.setdefault(span.evidence.url, len(numbers) + 1)}]" if span.evidence else span.text
        for span in line.spans
    )
    mark = {"item": f"{'  ' * line.depth}- ", "quote": "> "}.get(line.kind, "")
    yield f"{mark}{' '.join(words.split())}"
