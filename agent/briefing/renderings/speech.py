"""An answer as words to say in half a minute: no links, ids or signs, numbers and times as they are spoken."""

import re
import unicodedata
from collections.abc import Iterator

from agent.briefing.document import Document, Line, Section

# Half a minute at 150 words a minute, the usual pace of a person who reports.
MAX_WORDS = 75
_DAYS = {"Mon": "day", "Tue": "sday", "Wed": "nesday", "Thu": "rsday", "Fri": "day", "Sat": "urday", "Sun": "day"}
# Each says how a written form is spoken; in this order.
_SPOKEN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), spoken)
    for pattern, spoken in (
        (r"\(\s*\)|[“”\"]", ""),
        (r"(?<![\w/])#\d+:?\s*", ""),
        (r"(?<!\w)#(?=[a-z])", ""),
        (r"(?<![\w.])@(?=\w)", ""),
        (r"\b[\w.-]+/([\w.-]+)\b", r"\1"),
        (r"(?<=\d)\s*[\N{EN DASH}\N{EM DASH}-]\s*(?=\d\d?:\d\d)", " to "),
        (r"\b0?(\d{1,2}):00\b", r"\1 o'clock"),
        (r"\b0(\d:\d\d)\b", r"\1"),
        (r"\+(\d[\d,]*)\s*[\N{MINUS SIGN}-](\d[\d,]*)", r"\1 lines added, \2 removed"),
        (r"\b(\d+) h\b", r"\1 hours"),
        (r"\b1 hours\b", "1 hour"),
        (r"\b(\d+) min\b", r"\1 minutes"),
        *((rf"\b{day}\b", f"{day}{rest}") for day, rest in _DAYS.items()),
        (r"\bPRs\b", "pull requests"),
        (r"\bPR\b", "pull request"),
        (r"\s*[·|]\s*", ", "),
        (r"\s+[\N{EN DASH}\N{EM DASH}]\s+", ", "),
        (r"[_\N{MINUS SIGN}\N{EN DASH}\N{EM DASH}]", " "),
        (r"[`*~<>\[\]{}\\^=]", ""),
        (r"\(([^()]*)\)", r", \1,"),
        (r"\s+([,.;:])", r"\1"),
        (r",+([,.;:])", r"\1"),
        (r"([.!?]),", r"\1"),
    )
)
_END = re.compile(r"[,;:\s]+\Z")
_SENTENCE_START = re.compile(r"(?:(?<=[.!?] )|\A)[a-z]")
# Pictures and other signs that a voice would describe or stumble over.
_SIGNS = frozenset({"So", "Sk", "Cn", "Co"})


def render(document: Document) -> str:
    """Return the words to say, at most `MAX_WORDS`; whole lines are left out at the end, and their number is told."""
    sentences = [sentence for section in document.sections for sentence in _section(section)]
    gaps = " ".join(part for part in (_gaps(document.coverage), _ignored(document.ignored)) if part)
    room = MAX_WORDS - _count(gaps)
    kept: list[str] = []
    for sentence in sentences:
        if _count(*kept, sentence) > room:
            break
        kept.append(sentence)
    left_out = len(sentences) - len(kept)
    more = f"And {left_out} more." if left_out else ""
    while kept and _count(*kept, more) > room:
        kept.pop()
        left_out += 1
        more = f"And {left_out} more."
    return " ".join(part for part in (*kept, more, gaps) if part)


def speak(text: str) -> str:
    """Return written words as they are spoken."""
    said = "".join(character for character in text if unicodedata.category(character) not in _SIGNS)
    for pattern, spoken in _SPOKEN:
        said = pattern.sub(spoken, said)
    return " ".join(said.split())


def _section(section: Section) -> Iterator[str]:
    title = speak(section.title)
    for line in section.lines:
        if sentence := _sentence(line):
            yield f"{title}: {sentence}" if title else sentence
            title = ""


def _sentence(line: Line) -> str:
    written = _END.sub("", "" if line.kind == "code" else speak(line.text))
    words = _SENTENCE_START.sub(lambda found: found[0].upper(), written)
    return words if not words or words.endswith((".", "!", "?")) else f"{words}."


def _gaps(coverage: str) -> str:
    """Return what was not read, in one sentence."""
    missing = [speak(part) for part in coverage.split(" · ") if "read" in part]
    return f"Not everything was read: {'; '.join(missing)}." if missing else ""


def _ignored(line: str) -> str:
    """Return what was ignored, in one sentence."""
    return f"Ignored: {'; '.join(map(speak, line.split(' · ')))}." if line else ""


def _count(*texts: str) -> int:
    return sum(len(text.split()) for text in texts)
