"""An answer for Slack: as mrkdwn, and as blocks for a message that an app sends.

Source: https://docs.slack.dev/messaging/formatting-message-text and
https://docs.slack.dev/reference/block-kit/blocks/markdown-block. NOT VERIFIED against a real workspace.
"""

import re
from collections.abc import Iterator
from typing import Any

from agent.briefing.document import Document, Line, Section, Span, without_words
from agent.briefing.renderings import markdown

# Slack's own three escapes; they also make `<!here>`, `<@U1>` and `<https://…|…>` of others plain text.
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
# mrkdwn has no escape for its signs of emphasis; these look alike and mean nothing.
_SIGNS = str.maketrans({"*": "\N{ASTERISK OPERATOR}", "~": "\N{TILDE OPERATOR}", "`": "'", "|": "\N{DIVIDES}"})
# Slack's composer and `link_names` turn a pasted @here or @name into a call of people; the word stays.
_MENTION = re.compile(r"(?<![\w.])@(?=\w)")
# Characters that end a link, or its address, inside `<address|words>`.
_ADDRESS_ESCAPES = str.maketrans({"<": "%3C", ">": "%3E", "|": "%7C", " ": "%20", "&": "&amp;"})
# Source: the page of the markdown block; together for all such blocks of a message.
MAX_BLOCK_CHARACTERS = 12_000


def render(document: Document) -> str:
    """Return the document as mrkdwn; text of others is no link, no mention and no emphasis."""
    parts = ["\n".join(_section(section)) for section in document.sections]
    head, foot = (
        ["\n".join(f"_{escape(line)}_" for line in without_words(lines))] for lines in (document.head, document.foot)
    )
    return "\n\n".join(part for part in (*head, *parts, *foot) if part)


def blocks(document: Document) -> list[dict[str, Any]]:
    """Return the document as the blocks of one message: one block of Markdown, cut where Slack ends."""
    text = markdown.render(document)
    cut = text if len(text) <= MAX_BLOCK_CHARACTERS else f"{text[: MAX_BLOCK_CHARACTERS - 2].rpartition(chr(10))[0]}\n…"
    return [{"type": "markdown", "text": cut}]


def escape(text: str) -> str:
    """Return plain text as mrkdwn that shows it."""
    return _MENTION.sub("", text).translate(_SIGNS).translate(_ESCAPES)


def _section(section: Section) -> Iterator[str]:
    if section.title:
        yield f"*{escape(section.title)}*"
    yield from map(_line, section.lines)


def _line(line: Line) -> str:
    if line.kind == "code":
        return f"```\n{escape(line.text)}\n```"
    text = " ".join("".join(map(_span, line.spans)).split())
    match line.kind:
        case "item":
            return f"{'    ' * line.depth}{'◦' if line.depth else '•'} {text}"
        case "quote":
            return f"> {text}"
        case _:
            return text


def _span(span: Span) -> str:
    words = escape(span.text)
    if span.evidence:
        return f"<{span.evidence.url.translate(_ADDRESS_ESCAPES)}|{words}>"
    bare = words.strip()
    return words.replace(bare, f"*{bare}*", 1) if span.is_strong and bare else words
