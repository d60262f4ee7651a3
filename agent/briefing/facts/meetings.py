"""The next meeting, and what of the user's work has to do with it: shared numbers, people and words."""

import re
import unicodedata

from agent.briefing.facts.items import Item, Items, elapsed, subject_of
from agent.briefing.facts.types import Fact, MeetingPrep, NextStep, Rule

MAX_RELATED = 3
# A shared number names the same thing, a shared person very likely one, a shared word perhaps.
_NUMBER_POINTS, _PERSON_POINTS, _WORD_POINTS = 4, 2, 1
_SOURCES = (
    "github_review_requests",
    "github_my_pull_requests",
    "github_assigned_issues",
    "github_mentions",
    "github_activity",
    "slack_mentions",
    "slack_search",
)
_TITLE_TIME = re.compile(r", (?:\w{3} \d\d:\d\d|\w{3} \d\d \w{3})$")
_NUMBER = re.compile(r"#(\d{1,9})\b")
_MENTION = re.compile(r"@[\w.-]+")
_ACCENTS = re.compile(r"[\u0300-\u036f]")
_WORD = re.compile(r"[^\W\d_]{4,}")
# Words that meetings are called by; they tell nothing of what one is about.
_COMMON = frozenset(
    {
        "about",
        "after",
        "agenda",
        "before",
        "call",
        "catch",
        "chat",
        "check",
        "daily",
        "friday",
        "from",
        "meeting",
        "monday",
        "monthly",
        "office",
        "plan",
        "planning",
        "quick",
        "review",
        "session",
        "standup",
        "sync",
        "team",
        "that",
        "this",
        "thursday",
        "today",
        "tomorrow",
        "touch",
        "tuesday",
        "update",
        "wednesday",
        "week",
        "weekly",
        "with",
        "work",
        "your",
    }
)


def meeting_prep(items: Items) -> MeetingPrep | None:
    """Return the next meeting with others and at most three related items, None where none is to come."""
    upcoming = [
        (start.timestamp(), item["id"], start, item)
        for item in items.of("calendar_agenda")
        if item.get("kind") == "meeting"
        and (start := items.at(item, "start"))
        and elapsed(items.window.end, start).total_seconds() >= 0
    ]
    if not upcoming:
        return None
    _, _, start, meeting = min(upcoming, key=lambda one: one[:2])
    end = items.at(meeting, "end")
    is_open = meeting.get("my_response") == "needsAction"
    fact = Fact(
        id=meeting["id"],
        rule=Rule.MEETING,
        since=start,
        next_step=NextStep.ANSWER_INVITATION if is_open else None,
        minutes=round(elapsed(start, end).total_seconds() / 60) if end else None,
    )
    return MeetingPrep(fact, related=_related(meeting, items=items))


def _related(meeting: Item, *, items: Items) -> tuple[str, ...]:
    details = [item for item in items.of("calendar_event") if item.get("event_id") == meeting.get("event_id")]
    about = " ".join(_about(item) for item in (meeting, *details))
    scored = [(_points(item, about=about), item) for item in items.of(*_SOURCES)]
    best = sorted((-points, item["id"], item) for points, item in scored if points)
    # A pull request and a mention in it are one thing to bring up.
    subjects = {subject_of(item) or evidence: evidence for _, evidence, item in reversed(best)}
    kept = set(subjects.values())
    return tuple(evidence for _, evidence, _ in best if evidence in kept)[:MAX_RELATED]


def _about(event: Item) -> str:
    guests = event.get("attendees")
    names = [str(guest.get("name", "")) for guest in guests] if isinstance(guests, list | tuple) else []
    texts = (_TITLE_TIME.sub("", str(event.get("title", ""))), event.get("description", ""), event.get("organizer", ""))
    return " ".join([*map(str, texts), *names])


def _points(item: Item, *, about: str) -> int:
    text = " ".join(str(item.get(key, "")) for key in ("title", "text", "excerpt"))
    numbers = set(_NUMBER.findall(about)) & set(_NUMBER.findall(text))
    words = _words(about)
    people = _words(f"{item.get('author', '')} {item.get('reviewers', '')}") & words
    shared = (_words(text) & words) - people
    return _NUMBER_POINTS * len(numbers) + _PERSON_POINTS * bool(people) + _WORD_POINTS * len(shared)


def _words(text: str) -> set[str]:
    # A mention is of the user, whose name says nothing, and names are written with accents here and without there.
    plain = unicodedata.normalize("NFKD", _MENTION.sub("", text))
    return {word.casefold() for word in _WORD.findall(_ACCENTS.sub("", plain))} - _COMMON
