"""Turns the model's Markdown into HTML that is safe to show: an allow-list of tags, links to this user's evidence only.

SECURITY: this is the boundary between model output and the page. HTML, images and autolinks are off in the parser, a
link stays only if its address is one that a tool returned, and what comes out passes an allow-list of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

from agent.events import Evidence

_CITATION = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(evidence:([a-z]{2}-[0-9a-f]{8})\)")
# A link or image to anywhere but a citation: its words stay, its address goes.
_FOREIGN_LINK = re.compile(r"!?\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((?!evidence:)[^()]*\)")
# What would look different once its end has arrived: the start of a link, or of a list item that looks like a rule.
_UNFINISHED_END = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*(?:\](?:\([^()\s]*)?)?\Z|\n[ \t]*[-=*+]+[ \t]*\Z")
_TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "a"),
    *("h1", "h2", "h3", "h4", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href", "class", "target", "data-provider"}, "ol": {"start"}}
_markdown = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
_markdown.disable(["image", "autolink", "html_inline", "html_block", "reference"])


@dataclass(frozen=True, slots=True)
class RenderedBlock:
    """One piece of an answer: `html` for the page, `text` in plain Markdown, what it cites, what it invented."""

    html: str
    text: str
    evidence: tuple[Evidence, ...]
    unknown_citations: int


def render(text: str, *, evidence: Mapping[str, Evidence]) -> RenderedBlock:
    """Render Markdown whose citations are links to `evidence:<id>`; ids that no tool returned lose their link."""
    cited: dict[str, Evidence] = {}
    unknown = 0

    def resolve(match: re.Match[str]) -> str:
        nonlocal unknown
        item = evidence.get(match[2])
        if item is None:
            unknown += 1
            return match[1]
        cited[item.id] = item
        return f"[{match[1]}]({_destination(item.url)})"

    resolved = _CITATION.sub(resolve, _FOREIGN_LINK.sub(r"\1", text))
    tokens = _markdown.parse(resolved)
    by_url = {item.url: item for item in evidence.values()}
    for token in tokens:
        if token.children:
            token.children = _link_to_evidence(token.children, by_url=by_url)
    html = nh3.clean(
        _markdown.renderer.render(tokens, _markdown.options, {}),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer",
    )
    return RenderedBlock(html=html, text=resolved, evidence=tuple(cited.values()), unknown_citations=unknown)


def _destination(url: str) -> str:
    return f"<{url}>" if set(url) & set("() ") else url


def _link_to_evidence(tokens: list[Token], *, by_url: Mapping[str, Evidence]) -> list[Token]:
    kept: list[Token] = []
    open_links: list[bool] = []
    for token in tokens:
        if token.type == "link_open":
            item = by_url.get(str(token.attrGet("href")))
            open_links.append(item is not None)
            if item is None:
                continue
            token.attrs = {
                "href": item.url,
                "class": "evidence",
                "target": "_blank",
                "data-provider": item.provider,
            }
        elif token.type == "link_close" and not open_links.pop():
            continue
        kept.append(token)
    return kept


def split_closed(text: str) -> tuple[list[str], str]:
    """Split Markdown that is still growing into its closed top-level blocks and the open rest."""
    starts = [token.map[0] for token in _markdown.parse(text) if token.level == 0 and token.map and token.nesting >= 0]
    if len(starts) <= 1:
        return [], text
    lines = text.splitlines(keepends=True)
    bounds = [0, *starts[1:]]
    closed = ["".join(lines[start:end]) for start, end in pairwise(bounds)]
    return closed, "".join(lines[bounds[-1] :])


def without_unfinished_end(text: str) -> str:
    """Return `text` without what at its end has only partly arrived and would be shown wrongly."""
    return _UNFINISHED_END.sub("", text)
