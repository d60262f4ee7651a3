"""What a search of one's own conversations asks for, and what it finds. Pure: texts come in opened, nothing is stored.

A query is words, "words in a row", and qualifiers: `recipe:standup`, `service:slack`, `before:2026-11-01`,
`after:2026-10-01`, `is:pinned`. All of it has to hold.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

from audit.search import PARTS, read_day

# Long enough for every qualifier and a sentence; what is pasted beyond that is not looked for.
MAX_QUERY_CHARACTERS = 300
# Around the first word that was found: two lines on a page, one on a wide one.
_SNIPPET_CHARACTERS = 180
_LEAD_CHARACTERS = 60
_NAMES = frozenset({"recipe", "service", "before", "after", "is"})
# What a reader does not see of Markdown: addresses of links, and marks. Names keep their underscores. One pass with no
# way to backtrack: ten thousand texts are read for one search.
_MARKS = re.compile(r"\]\([^()\s]*\)|[*`\[\]\\]|^#{1,6} |^- ", re.MULTILINE)
# Those of these marks that can stand within a word and split what is looked for, as in `re**base**`.
_GLUE = "*`[]\\"


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked for; `mistakes` are our sentences about what was not understood, and so filters nothing."""

    words: tuple[str, ...] = ()
    recipe: str = ""
    services: frozenset[str] = frozenset()
    before: datetime | None = None
    after: datetime | None = None
    is_pinned: bool = False
    mistakes: tuple[str, ...] = ()

    def filters(self) -> dict[str, Any]:
        """Return the lookups of a run that need nothing opened."""
        wanted: dict[str, Any] = {"recipe": self.recipe, "started_at__lt": self.before, "started_at__gte": self.after}
        wanted = {name: value for name, value in wanted.items() if value}
        return wanted | ({"conversation__pinned_at__isnull": False} if self.is_pinned else {})


@dataclass(frozen=True, slots=True)
class Said:
    """One question and its answer, opened; `services` are those that were read, where the query names any."""

    run: UUID
    conversation: UUID
    title: str
    question: str
    answer: str
    started_at: datetime
    services: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """A run that matches: `before`, `match` and `after` are the snippet; without words it is the answer's beginning."""

    said: Said
    before: str
    match: str
    after: str


def parse(text: str, *, zone: ZoneInfo, recipes: Iterable[str], services: Iterable[str]) -> Query:
    """Return the query in `text`; days are those of `zone`, and `after:` includes its day."""
    known = {"recipe": frozenset(recipes), "service": frozenset(services), "is": frozenset({"pinned"})}
    words: list[str] = []
    chosen: dict[str, Any] = {}
    read: set[str] = set()
    mistakes: list[str] = []
    for part in PARTS.finditer(text[:MAX_QUERY_CHARACTERS]):
        name, value = part["name"], part["quoted"] if part["quoted"] is not None else part["word"]
        if name not in _NAMES:
            # Such as an address or a time of day, with a colon of its own.
            words.append(part[0].replace('"', "").casefold() if name else value.casefold())
        elif name in known and value not in known[name]:
            unknown = gettext("“{name}:{value}” is not known; there is {known}.")
            mistakes.append(unknown.format(name=name, value=value, known=", ".join(sorted(known[name]))))
        elif name == "service":
            read.add(value)
        elif name in {"before", "after"}:
            day = read_day(value)
            if day is None:
                no_day = gettext("“{name}:{value}” is not a day; write it as 2026-11-01.")
                mistakes.append(no_day.format(name=name, value=value))
            else:
                chosen[name] = datetime.combine(day, time.min, tzinfo=zone)
        else:
            chosen |= {"is_pinned": True} if name == "is" else {name: value}
    return Query(words=tuple(filter(None, words)), services=frozenset(read), mistakes=tuple(mistakes), **chosen)


def find(said: Iterable[Said], *, query: Query) -> Iterator[Found]:
    """Yield what matches, in the order in which it came."""
    # A word of a query has spaces where it is several in a row.
    tokens = {token for word in query.words for token in word.split()}
    for one in said:
        if not query.services <= one.services or not _may_hold(one, tokens=tokens):
            continue
        answer, question = plain(one.answer), plain(one.question)
        folded = f"{one.title}\n{question}\n{answer}".casefold()
        if all(word in folded for word in query.words):
            yield Found(one, *_snippet((answer, question), query=query))


def _may_hold(one: Said, *, tokens: Iterable[str]) -> bool:
    """Tell whether `one` can match, at a fraction of what taking all marks out costs; never False where it does.

    A token stands in the text as it was written, or is cut by marks within it, as in `re**base**`.
    """
    written = f"{one.title}\n{one.question}\n{one.answer}".casefold()
    cut = [token for token in tokens if token not in written]
    if not cut:
        return True
    glued = _without_marks(written)
    return all(token in glued for token in cut)


def _without_marks(markdown: str) -> str:
    """Return `markdown` without the marks that can stand within a word; those before a line stay."""
    first, *rest = markdown.split("](")
    pieces = [first]
    for piece in rest:
        address, closing, after = piece.partition(")")
        is_address = closing and "(" not in address and len(address.split()) <= 1 and address == address.strip()
        pieces.append(after if is_address else f"({piece}")
    glued = "".join(pieces)
    # Ten times as fast as one `translate`.
    for mark in _GLUE:
        glued = glued.replace(mark, "")
    return glued


def plain(markdown: str) -> str:
    """Return the words that a reader sees of `markdown`, on one line."""
    return " ".join(_MARKS.sub("", markdown).split())


def _snippet(texts: tuple[str, str], *, query: Query) -> tuple[str, str, str]:
    for text in texts:
        for word in query.words:
            if found := re.search(re.escape(word), text, re.IGNORECASE):
                return _around(text, start=found.start(), end=found.end())
    return "", "", _cut(next(filter(None, texts), ""))


def _around(text: str, *, start: int, end: int) -> tuple[str, str, str]:
    lead = text[max(0, start - _LEAD_CHARACTERS) : start]
    return ("…" if start > _LEAD_CHARACTERS else "") + lead, text[start:end], _cut(text[end:])


def _cut(text: str) -> str:
    return text if len(text) <= _SNIPPET_CHARACTERS else text[:_SNIPPET_CHARACTERS].rstrip() + "…"
