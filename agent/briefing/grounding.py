"""Marks what an answer says without naming where it is from, and counts it.

A list item with its own paragraphs, and a table's row, is one statement; in a paragraph each sentence is one. What it
finds is the absence of a citation: whether the cited item says the same is for the reader to see.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Literal

from markdown_it.token import Token

from agent.providers import name_pattern

CLASS = "ungrounded"
LABEL_CLASS = "no-source"
LABEL = "no source"
# Sections that tell about the reading itself.
_SECTIONS = frozenset({"not read", "coverage"})
# What can have no item to name: that nothing was found, that a service was not read, a question, a list's first line.
_ABSENCE = re.compile(
    r"(?:nothing|no|none|neither|there (?:is|are|was|were) (?:no|nothing)|(?:you have|i found) (?:no|nothing))\b",
    re.IGNORECASE,
)
_SERVICE = re.compile(rf"\b(?:{name_pattern()})\b")
_UNREAD = re.compile(
    r"\b(?:not (?:been )?(?:connected|read)|revoked|could not be|cannot be|did not answer|no longer accepts"
    r"|limiting|limited)\b"
)
# With the quotes and brackets that close after it.
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”\u2019)\]]*(?:\s+(?=[^\sa-z])|\s*\Z)")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|vs|etc|approx|no|nr|cf)\.\Z", re.IGNORECASE)
_BREAKS = frozenset({"softbreak", "hardbreak"})


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a piece of inline text stands; `parts` are the list items and the row around it, outermost first."""

    kind: Literal["sentences", "whole", "exempt"]
    parts: tuple[int, ...]


@dataclass(slots=True)
class Grounding:
    """Goes through an answer's blocks in order and keeps the section it is in.

    `said` holds sentences that tool calls ended with: they are ours, and name no item.
    """

    said: Collection[str] = ()
    section: str = ""
    _ids: Iterator[int] = field(default_factory=lambda: iter(range(1_000_000_000)))

    def mark(self, tokens: list[Token]) -> int:
        """Wrap what names no item in spans, in place, and return how many statements that are."""
        placed = list(self._place(tokens))
        own = {part for token, place in placed if _cites(token) for part in place.parts[-1:]}
        around = {part for token, place in placed if _cites(token) for part in place.parts}
        count = 0
        counted: set[int] = set()
        for token, place in placed:
            is_backed = any(part in own for part in place.parts) or bool(around & set(place.parts[-1:]))
            if place.kind == "exempt" or is_backed:
                continue
            found = self._mark_inline(token, is_whole=place.kind == "whole")
            # A statement of several paragraphs or cells is one.
            is_new = not place.parts or place.parts[-1] not in counted
            count += found if is_new else 0
            counted |= set(place.parts[-1:]) if found else set()
        return count

    def _place(self, tokens: list[Token]) -> Iterator[tuple[Token, _Place]]:
        parts: list[int] = []
        is_heading = is_head = False
        for token in tokens:
            match token.type:
                case "list_item_open" | "tr_open":
                    parts.append(next(self._ids))
                case "list_item_close" | "tr_close":
                    parts.pop()
                case "heading_open" | "heading_close":
                    is_heading = token.type == "heading_open"
                case "thead_open" | "thead_close":
                    is_head = token.type == "thead_open"
                case "inline":
                    if is_heading:
                        self.section = text_of(token.children or []).strip().rstrip(":").lower()
                    is_exempt = is_heading or is_head or self.section in _SECTIONS
                    kind: Literal["sentences", "whole", "exempt"] = "whole" if parts else "sentences"
                    yield token, _Place("exempt" if is_exempt else kind, tuple(parts))

    def _mark_inline(self, token: Token, *, is_whole: bool) -> int:
        children = token.children or []
        pieces = [children] if is_whole else list(_sentences(children))
        unbacked = [not _has_link(piece) and self._says_something(text_of(piece)) for piece in pieces]
        if any(unbacked):
            token.children = _wrap(pieces, unbacked)
        return sum(unbacked)

    def _says_something(self, text: str) -> bool:
        words = " ".join(text.split())
        if not words or words.endswith(("?", ":")) or _ABSENCE.match(words):
            return False
        is_about_reading = bool(_SERVICE.search(words) and _UNREAD.search(words))
        return not is_about_reading and not self._is_ours(words)

    def _is_ours(self, words: str) -> bool:
        ours = {sentence.strip() for said in self.said for sentence, _ in _split(" ".join(said.split()))}
        return bool(ours) and {sentence.strip() for sentence, _ in _split(words)} <= ours


def text_of(tokens: list[Token]) -> str:
    """Return the visible text of inline tokens."""
    return "".join(" " if token.type in _BREAKS else token.content for token in tokens)


def _cites(token: Token) -> bool:
    return _has_link(token.children or [])


def _has_link(tokens: list[Token]) -> bool:
    return any("evidence" in token.meta for token in tokens)


def _sentences(children: list[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each sentence; one that begins or ends inside emphasis or a link is not split there."""
    piece: list[Token] = []
    depth = 0
    for token in children:
        depth += token.nesting
        if token.type != "text" or depth:
            piece.append(token)
            continue
        for text, is_end in _split(token.content):
            part = token.copy(content=text)
            piece.append(part)
            if is_end:
                yield piece
                piece = []
    if piece:
        yield piece


def _split(text: str) -> Iterator[tuple[str, bool]]:
    start = 0
    for end in _SENTENCE_END.finditer(text):
        if end.end() > start and not _ABBREVIATION.search(text[start : end.start()]):
            yield text[start : end.end()], True
            start = end.end()
    if start < len(text):
        yield text[start:], False


def _wrap(pieces: list[list[Token]], unbacked: list[bool]) -> list[Token]:
    """Return the pieces as one list; neighbours that name no item share one span and one label."""
    wrapped: list[Token] = []
    for position, (piece, is_unbacked) in enumerate(zip(pieces, unbacked, strict=True)):
        before = position > 0 and unbacked[position - 1]
        after = position + 1 < len(pieces) and unbacked[position + 1]
        if is_unbacked and not before:
            wrapped.append(Token(f"{CLASS}_open", "span", 1, attrs={"class": CLASS}))
        wrapped += piece
        if is_unbacked and not after:
            wrapped += _closing()
    return wrapped


def _closing() -> list[Token]:
    return [
        Token(f"{CLASS}_close", "span", -1),
        Token("label_open", "span", 1, attrs={"class": LABEL_CLASS}),
        Token("text", "", 0, content=LABEL, meta={"is_label": True}),
        Token("label_close", "span", -1),
    ]
