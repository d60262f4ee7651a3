"""Turns the model's Markdown into HTML that is safe to show: an allow-list of tags, links to this user's evidence only.

SECURITY: this is the boundary between model output and the page. What `agent.briefing.parsing` has left of links and
HTML passes an allow-list of its own.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import nh3
from django.utils.safestring import SafeString

from agent.briefing.grounding import CLASS, LABEL_CLASS, Grounding
from agent.briefing.parsing import parse, parser
from agent.events import Evidence

# What would look different once its end has arrived: the start of a link, or of a list item that looks like a rule.
_UNFINISHED_END = re.compile(r"\[(?:[^\[\]]|\[[^\[\]]*\])*(?:\](?:\([^()\s]*)?)?\Z|\n[ \t]*[-=*+]+[ \t]*\Z")
_TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "a", "span"),
    *("h1", "h2", "h3", "h4", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"),
}
_ATTRIBUTES = {"a": {"href", "class", "target", "data-provider"}, "ol": {"start"}}
_CLASSES = {"span": {CLASS, LABEL_CLASS}}


@dataclass(frozen=True, slots=True)
class RenderedBlock:
    """One piece of an answer: `html` for the page, `text` in plain Markdown, what it cites, what it invented.

    `ungrounded` is how many statements in it name no item.
    """

    html: str
    text: str
    evidence: tuple[Evidence, ...]
    unknown_citations: int
    ungrounded: int


def render(text: str, *, evidence: Mapping[str, Evidence], grounding: Grounding | None = None) -> RenderedBlock:
    """Render Markdown whose citations are links to `evidence:<id>`; ids that no tool returned lose their link.

    With `grounding` what names no item is marked and counted; a block that still grows is shown without.
    """
    parsed = parse(text, evidence=evidence)
    ungrounded = grounding.mark(parsed.tokens) if grounding else 0
    return RenderedBlock(
        html=str(sanitize(parser.renderer.render(parsed.tokens, parser.options, {}))),
        text=parsed.text,
        evidence=parsed.evidence,
        unknown_citations=parsed.unknown_citations,
        ungrounded=ungrounded,
    )


def sanitize(html: str) -> SafeString:
    """Return what the allow-list leaves of `html`; what it has passed once it passes unchanged."""
    cleaned = nh3.clean(
        html,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer",
    )
    # SECURITY: the one place where HTML is declared safe for a template, right behind the sanitizer.
    return SafeString(cleaned)


def split_closed(text: str) -> tuple[list[str], str]:
    """Split Markdown that is still growing into its closed top-level blocks and the open rest."""
    starts = [token.map[0] for token in parser.parse(text) if token.level == 0 and token.map and token.nesting >= 0]
    if len(starts) <= 1:
        return [], text
    lines = text.splitlines(keepends=True)
    bounds = [0, *starts[1:]]
    closed = ["".join(lines[start:end]) for start, end in pairwise(bounds)]
    return closed, "".join(lines[bounds[-1] :])


def without_unfinished_end(text: str) -> str:
    """Return `text` without what at its end has only partly arrived and would be shown wrongly."""
    return _UNFINISHED_END.sub("", text)
