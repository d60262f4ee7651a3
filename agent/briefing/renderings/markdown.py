"""An answer as Markdown for a wiki or an issue, with links to the items themselves."""

import re
from collections.abc import Iterator, Mapping

from agent.briefing.document import Document, Line, Section, Span
from agent.briefing.parsing import destination

_ESCAPES = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>~|"})
# What begins a heading, a list, a quote or a rule at the start of a line.
_LINE_START = re.compile(r"^(\d*)([#+=-]|(?<=\d)[.)](?=\s))")
# A name with this sign before it calls people where Markdown is pasted; the word stays.
_MENTION = re.compile(r"(?<![\w.])@(?=\w)")


def render(document: Document) -> str:
    """Return the document as Markdown; text of others holds no sign of Markdown and calls nobody."""
    parts = ["\n".join(_section(section)) for section in document.sections]
    return "\n\n".join([*_ours(document.head), *parts, *_ours(document.foot)])


def escape(text: str) -> str:
    """Return plain text as Markdown that shows it."""
    return _MENTION.sub("", text).translate(_ESCAPES)


def _ours(lines: Mapping[str, str]) -> list[str]:
    return [f"**{word}:** {escape(line)}" for word, line in lines.items()]


def _section(section: Section) -> Iterator[str]:
    if section.title:
        yield f"## {escape(section.title)}"
        yield ""
    for position, line in enumerate(section.lines):
        if position and not (line.kind == "item" and section.lines[position - 1].kind == "item"):
            yield ""
        yield from _line(line)


def _line(line: Line) -> Iterator[str]:
    if line.kind == "code":
        fence = "`" * max(3, 1 + max(map(len, re.findall(r"`+", line.text)), default=0))
        yield f"{fence}\n{line.text}\n{fence}"
        return
    text = " ".join("".join(map(_span, line.spans)).split())
    text = _LINE_START.sub(r"\1\\\2", text)
    match line.kind:
        case "item":
            yield f"{'  ' * line.depth}- {text}"
        case "quote":
            yield f"> {text}"
        case _:
            yield text


def _span(span: Span) -> str:
    words = escape(span.text)
    if span.evidence:
        return f"[{words}]({destination(span.evidence.url)})"
    bare = words.strip()
    return words.replace(bare, f"**{bare}**", 1) if span.is_strong and bare else words
