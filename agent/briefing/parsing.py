"""Reads the Markdown of an answer into tokens, with its citations resolved to the evidence that tools returned.

SECURITY: this is where model output loses what it could steer: HTML, images and autolinks are off in the parser, and a
link stays only if its address is one that a tool returned for this user.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.token import Token

from agent.events import Evidence
from agent.providers import name_pattern

_CITATION = re.compile(r"\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(evidence:([a-z]{2}-[0-9a-f]{8})\)")
# A link or image to anywhere but a citation: its words stay, its address goes.
_FOREIGN_LINK = re.compile(
    r"(?P<image>!?)\[(?P<words>(?:[^\[\]]|\[[^\[\]]*\])*)\]"
    r"\((?!evidence:)(?P<address><[^<>\n]*>|(?:[^()\n]|\([^()\n]*\))*)\)"
)
# How `agent.ignored` begins, in the English that is stored.
IGNORED_WORDS = r"(?:\d+ calls? of the model |words that somebody hid in |\d+ invented citations?\b)"
# What was read, of which time, and what was ignored, is for us to say: a model's own line about it goes, with the rest
# of its paragraph. It is one in bold; without, only if it names a service, since tests have a coverage as well. What a
# developer ignored is cited.
_REST_OF_PARAGRAPH = r".*(?:\n(?![ \t]*(?:$|[-*+#>]|\d+[.)])).+)*\n?"
_OURS = (
    r"(?:\*\*|__)(?:coverage|window)(?![^\W_])[*_ \t]*:"
    rf"|(?:\*\*|__)ignored(?![^\W_])[*_ \t]*:(?:[*_ \t]*{IGNORED_WORDS}|(?!.*\]\(evidence:))"
    rf"|coverage[ \t]*:(?=.*\b(?:{name_pattern()})\b)"
)
_COVERAGE = re.compile(
    rf"^(?:[ \t>*+-]|\d+[.)])*(?:{_OURS}){_REST_OF_PARAGRAPH}",
    re.IGNORECASE | re.MULTILINE,
)
_COVERAGE_HEADING = re.compile(r"#{1,6}[ \t]+[*_]*coverage[*_:]*\s*", re.IGNORECASE)
_BOLD = ("**", "__")
_COVERAGE_BEGINNINGS = (
    *(
        f"{bold}{word}{end}"
        for bold in _BOLD
        for word in ("coverage", "window", "ignored")
        for end in (":", f"{bold}:")
    ),
    "coverage:",
    *(f"{'#' * level} coverage" for level in range(1, 5)),
)

parser = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])
parser.disable(["image", "autolink", "html_inline", "html_block", "reference"])


@dataclass(frozen=True, slots=True)
class Parsed:
    """Markdown as tokens whose links lead to evidence only, the same as plain Markdown, and what it cites.

    A `link_open` token carries its `Evidence` in `meta["evidence"]`.
    """

    tokens: list[Token]
    text: str
    evidence: tuple[Evidence, ...]
    unknown_citations: int


def parse(text: str, *, evidence: Mapping[str, Evidence]) -> Parsed:
    """Return `text` with citations, links to `evidence:<id>` or to an item's own address, leading to their items.

    An id that no tool returned and any other address lose their link; the ids are counted.
    """
    by_url = {item.url: item for item in evidence.values()}
    resolved, unknown = _resolve(text, evidence=evidence, by_url=by_url)
    tokens = parser.parse(resolved)
    cited: dict[str, Evidence] = {}
    for token in tokens:
        if token.children:
            token.children = _link_to_evidence(token.children, by_url=by_url, cited=cited)
    return Parsed(tokens=tokens, text=resolved, evidence=tuple(cited.values()), unknown_citations=unknown)


def without_coverage(text: str) -> str:
    """Return Markdown without a model's own `Coverage:` and `Window:` lines, and what looks like our `Ignored:`."""
    return _COVERAGE.sub("", text)


def is_coverage_heading(block: str) -> bool:
    """Whether this closed block is the heading of a section about what was read."""
    return _COVERAGE_HEADING.fullmatch(block) is not None


def is_coverage_begun(text: str) -> bool:
    """Whether an open block is, or may become, a model's own words about what was read."""
    start = text.strip().lower()
    return any(start.startswith(words) or words.startswith(start) for words in _COVERAGE_BEGINNINGS)


def _resolve(text: str, *, evidence: Mapping[str, Evidence], by_url: Mapping[str, Evidence]) -> tuple[str, int]:
    unknown = 0

    def resolve(match: re.Match[str]) -> str:
        nonlocal unknown
        item = evidence.get(match[2])
        if item is None:
            unknown += 1
            return match[1]
        return f"[{match[1]}]({destination(item.url)})"

    return _CITATION.sub(resolve, _FOREIGN_LINK.sub(lambda link: _kept(link, by_url=by_url), text)), unknown


def _kept(link: re.Match[str], *, by_url: Mapping[str, Evidence]) -> str:
    """Return a link whose address is an item's own, as in an answer that was resolved before; the words of others."""
    is_item = link["address"].strip("<>") in by_url and not link["image"]
    return link[0] if is_item else link["words"]


def destination(url: str) -> str:
    """Return an address as the destination of a Markdown link."""
    return f"<{url}>" if set(url) & set("() ") else url


def _link_to_evidence(
    tokens: list[Token], *, by_url: Mapping[str, Evidence], cited: dict[str, Evidence]
) -> list[Token]:
    kept: list[Token] = []
    open_links: list[bool] = []
    for token in tokens:
        if token.type == "link_open":
            item = by_url.get(str(token.attrGet("href")))
            open_links.append(item is not None)
            if item is None:
                continue
            cited[item.id] = item
            token.meta = {"evidence": item}
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
