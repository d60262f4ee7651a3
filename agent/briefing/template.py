"""Writes a briefing from facts alone, for when no model does: in Markdown, with the citations a model would write.

What providers sent appears as titles and quotes only, on one line and with every sign of Markdown escaped.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.briefing import phrases
from agent.briefing.facts.types import Fact, Facts, MeetingPrep, Rule
from agent.briefing.types import Reading

_QUOTE_CHARACTERS = 160
# What a person still reads of a list; the number of the rest is told.
_MAX_LINES = 12
_MAX_REST = 10
# A citation's words as the parser of citations takes them: brackets in pairs, not nested.
_PAIRED = re.compile(r"(?:[^\[\]]|\[[^\[\]]*\])*")
_PARENTHESES = str.maketrans("[]", "()")
_ESCAPES = str.maketrans({character: f"\\{character}" for character in "\\`*_[]<>#&|~!"})
_ADDRESS = re.compile(r"\s*\(https?://[^)\s]*\)|\s*https?://\S+")
_DONE = {
    Rule.MERGED: "Merged",
    Rule.OPENED: "Opened",
    Rule.PUSHED: "Worked on",
    Rule.REVIEWED: "Reviewed",
    Rule.ISSUE_OPENED: "Filed",
    Rule.MET: "Met:",
}
_TITLE_WITH_TIME = re.compile(r", \w{3} \d\d(?::\d\d| \w{3})\Z")


@dataclass(frozen=True, slots=True)
class Written:
    """A briefing: `text` in Markdown, and the sentences in it that are ours and name no item."""

    text: str
    said: tuple[str, ...]


def write(facts: Facts, *, readings: Sequence[Reading], reason: str) -> Written:
    """Return the briefing, which begins with why no model wrote it; `reason` is one sentence."""
    head = [f"{phrases.LABEL} {reason}"]
    writer = _Writer(readings)
    sections = [(title, lines) for title, lines in writer.sections(facts) if lines]
    is_read = any(not reading.error and reading.provider for reading in readings)
    if not sections:
        head.append("Nothing was found in what could be read." if is_read else "Nothing could be read.")
    body = [_section(title, lines) for title, lines in [*sections, ("Not read", _missing(readings))] if lines]
    return Written("\n\n".join([*head, *body]), said=(*head, *writer.said))


class _Writer:
    """Writes lines about facts, with the words of the items that they name."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        entries = [entry for reading in readings for entry in reading.entries]
        self._entries = {str(entry["id"]): entry for entry in entries if entry.get("id")}
        self.said: list[str] = []

    def sections(self, facts: Facts) -> Iterator[tuple[str, list[str]]]:
        told = [
            ("Needs you", _cut([self._standing(fact) for fact in facts.needs_you])),
            (phrases.since(facts.window), _cut([self._done(fact) for fact in facts.since_last])),
            ("Today", self._today(facts)),
            ("Next working day", _cut([self._event(fact) for fact in facts.next_day])),
            ("Review queue", _cut([self._standing(fact) for fact in facts.review_queue])),
            ("Waiting on others", _cut([self._standing(fact) for fact in facts.waiting_on_others])),
            ("Assigned to you", _cut([self._standing(fact) for fact in facts.plate])),
            ("Next meeting", self._prepared(facts.meeting_prep)),
            ("Slack", _cut([self._message(fact) for fact in facts.slack])),
            ("Risks", _cut([self._risk(fact) for fact in facts.risks])),
            ("Changed since the last briefing", self._changes(facts)),
        ]
        yield from told
        if not any(lines for _, lines in told):
            # Facts know the tools of briefings; what others returned is listed as it is.
            yield "What was read", self._rest()

    def _standing(self, fact: Fact) -> str:
        if fact.rule in (Rule.ASKED, Rule.MENTIONED):
            return f"{self._message(fact)}{_next(fact)}"
        notes = [self._by(fact), _since(fact), _size(fact), f"checks {fact.ci}" if fact.ci else "", _day(fact)]
        known = ", ".join(note for note in notes if note)
        return f"{self._link(fact.id)}: {phrases.STATES[fact.rule]}{f' ({known})' if known else ''}{_next(fact)}"

    def _done(self, fact: Fact) -> str:
        if fact.rule is Rule.MENTIONED:
            return self._message(fact)
        entry = self._entries.get(fact.id, {})
        place = str(entry.get("repo", ""))
        is_told = not place or place in str(entry.get("title", ""))
        return f"{_DONE.get(fact.rule, 'Done:')} {self._link(fact.id)}{'' if is_told else f' in {plain(place)}'}"

    def _today(self, facts: Facts) -> list[str]:
        booked: dict[str, tuple[str, ...]] = {}
        for fact in facts.risks:
            if fact.rule is Rule.DOUBLE_BOOKING:
                booked[fact.id] = (*booked.get(fact.id, ()), *fact.related)
        lines = _cut([self._event(fact, overlaps=booked.get(fact.id, ())) for fact in facts.today.events])
        if facts.today.free_minutes is not None:
            slots = ", ".join(self._link(slot.id) for slot in facts.today.free if slot.id in self._entries)
            line = f"Free: {phrases.length(facts.today.free_minutes)}"
            lines.append(f"{line} ({slots})" if slots else self._ours(line))
        return lines

    def _event(self, fact: Fact, *, overlaps: tuple[str, ...] = ()) -> str:
        entry = self._entries.get(fact.id, {})
        start, end = _instant(entry, "start"), _instant(entry, "end")
        is_timed = start is not None and end is not None and not entry.get("all_day")
        when = f"{start:%H:%M}\N{EN DASH}{end:%H:%M}" if is_timed else "All day:"
        others = " and ".join(self._link(other) for other in overlaps if other != fact.id)
        return f"{when} {self._link(fact.id)}{f', overlaps {others}' if others else ''}{_next(fact)}"

    def _prepared(self, prep: MeetingPrep | None) -> list[str]:
        if prep is None:
            return []
        return [self._event(prep.meeting), *(f"Related: {self._link(other)}" for other in prep.related)]

    def _message(self, fact: Fact) -> str:
        entry = self._entries.get(fact.id, {})
        words = " ".join(_ADDRESS.sub("", str(entry.get("text") or entry.get("excerpt") or "")).split())
        quote = words if len(words) <= _QUOTE_CHARACTERS else f"{words[: _QUOTE_CHARACTERS - 1].rstrip()}…"
        where = entry.get("channel") or entry.get("title")
        place = f"{entry['author']} in {where}" if entry.get("author") and quote else ""
        at = _instant(entry, "time")
        when = f" ({at:%a %H:%M})" if at else ""
        return f"{self._link(fact.id, words=place)}{when}{f': “{plain(quote)}”' if quote else ''}"

    def _risk(self, fact: Fact) -> str:
        others = ", ".join(self._link(other) for other in fact.related if other != fact.id)
        return f"{self._link(fact.id)}: {phrases.STATES[fact.rule]}{f' ({others})' if others else ''}"

    def _changes(self, facts: Facts) -> list[str]:
        changes = facts.changes
        if changes.since is None:
            return []
        found = {"New": changes.new, "Changed": changes.changed}
        lines = [
            f"{word} since {changes.since:%a %d %b %H:%M}: {', '.join(_cut(links))}"
            for word, ids in found.items()
            if (links := [self._link(item) for item in dict.fromkeys(ids) if item in self._entries])
        ]
        gone = len({seen.id for seen in changes.gone})
        if gone:
            lines.append(self._ours(f"{phrases.count(gone, 'thing')} of the last briefing no longer there"))
        return lines

    def _rest(self) -> list[str]:
        lines = [self._link(item) for item in self._entries]
        more = len(lines) - _MAX_REST
        return [*lines[:_MAX_REST], *([self._ours(f"and {more} more")] if more > 0 else [])]

    def _link(self, item: str, *, words: str = "") -> str:
        entry = self._entries.get(item)
        if entry is None:
            return "an item that was not read"
        title = words or _TITLE_WITH_TIME.sub("", str(entry.get("title", "")))
        return f"[{plain(title) or 'Untitled'}](evidence:{item})"

    def _by(self, fact: Fact) -> str:
        author = self._entries.get(fact.id, {}).get("author")
        return f"by {plain(str(author))}" if author else ""

    def _ours(self, line: str) -> str:
        self.said.append(line)
        return line


def plain(words: str) -> str:
    """Return somebody else's words on one line, so that no sign in them is one of Markdown."""
    line = " ".join(words.split())
    is_safe = _PAIRED.fullmatch(line) and "](" not in line
    return (line if is_safe else line.translate(_PARENTHESES)).translate(_ESCAPES)


def _cut(lines: list[str]) -> list[str]:
    return lines[:_MAX_LINES]


def _section(title: str, lines: Iterable[str]) -> str:
    return "\n".join([f"## {title}", "", *(f"- {line}" for line in lines)])


def _missing(readings: Iterable[Reading]) -> list[str]:
    """Return what is missing, in the words the tools gave, each once."""
    told = [reading.message for reading in readings if reading.error]
    told += [warning for reading in readings for warning in reading.warnings]
    told += [f"There is more than was read by {reading.tool}." for reading in readings if reading.is_truncated]
    return [plain(sentence) for sentence in dict.fromkeys(told) if sentence]


def _next(fact: Fact) -> str:
    words = phrases.STEPS.get(fact.next_step) if fact.next_step else None
    return f". Next: {words}" if words else ""


def _since(fact: Fact) -> str:
    return f"for {phrases.age(fact.age_hours)}" if fact.age_hours and fact.age_hours > 0 else ""


def _size(fact: Fact) -> str:
    return phrases.count(fact.lines, "changed line") if fact.lines is not None else ""


def _day(fact: Fact) -> str:
    return f"day {fact.day}{', unchanged' if fact.is_unchanged else ''}" if fact.day > 1 else ""


def _instant(entry: Mapping[str, Any], name: str) -> datetime | None:
    try:
        return datetime.fromisoformat(str(entry.get(name, "")))
    except ValueError:
        return None
