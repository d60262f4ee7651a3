"""Writes a recipe's answer from its facts, in their order: which item says what, how old it is and what comes next.

A model is told the same facts and finds words of its own; the stand-in has fixed ones.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from devcontext.sandbox.claude import lines
from devcontext.sandbox.claude.lines import Item
from devcontext.sandbox.claude.reading import Exchange

Fact = Mapping[str, Any]
Section = tuple[str, list[str]]

_OWN, _REVIEWS, _AGENDA = "github_my_pull_requests", "github_review_requests", "calendar_agenda"
_RISKS = {
    "red_ci_over_24_hours": "checks red for more than 24 hours",
    "pull_request_idle_over_5_days": "idle for more than 5 days",
    "merge_conflicts": "merge conflicts",
    "review_over_24_hours": "a review is waiting for more than 24 hours",
    "double_booking": "double booking",
    "unanswered_mention_over_4_hours": "a mention is unanswered for more than 4 hours",
}
# What a bullet about what needs the user says by itself.
_IMPLIED = {
    "conflicts": "merge_conflicts",
    "review_overdue": "review_over_24_hours",
    "asked": "unanswered_mention_over_4_hours",
}
_PLANS: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "standup": (
        ("Needs you", ("needs_you",)),
        ("Since", ("since_last",)),
        ("Today", ("today", "meeting_prep")),
        ("Review queue", ("review_queue", "waiting_on_others")),
        ("Slack", ("slack",)),
        ("Risks", ("risks",)),
        ("Changes", ("changes",)),
    ),
    "review-queue": (
        ("Needs you", ("needs_you",)),
        ("Review queue", ("review_queue",)),
        ("Waiting on others", ("waiting_on_others",)),
        ("Risks", ("risks",)),
    ),
    "meeting-prep": (("Your next meeting", ("meeting", "meeting_prep")),),
    "catch-up": (
        ("Needs you", ("needs_you",)),
        ("Decided and said", ("slack", "since_last")),
        ("Reviews", ("review_queue", "changes")),
        ("Today", ("today",)),
    ),
    "end-of-day": (
        ("Done today", ("since_last",)),
        ("Still open", ("needs_you", "review_queue")),
        ("Next working day", ("next_day", "risks", "plate")),
    ),
    "week-in-review": (
        ("Shipped", ("merged",)),
        ("Reviewed and decided", ("reviewed", "slack")),
        ("In progress", ("begun", "needs_you", "waiting_on_others")),
        ("Carried over", ("risks", "plate")),
    ),
}
# The parts of what happened that a week in review tells apart.
_HAPPENED = {"merged": ("merged",), "reviewed": ("reviewed",), "begun": ("opened", "pushed", "issue_opened")}

# By rule: the tool whose item says most, what comes before the line, and who writes it.
_Line = tuple[str, str, Callable[[Item], str]]
_HAPPENED_LINE: _Line = ("github_activity", "", lines.activity)
_LINES: Mapping[str, _Line] = {
    **dict.fromkeys(
        ("conflicts", "checks_failing", "changes_requested", "ready_to_merge"), (_OWN, "", lines.own_pull_request)
    ),
    **dict.fromkeys(("awaits_review", "awaits_checks", "draft", "open"), (_OWN, "Yours: ", lines.own_pull_request)),
    **dict.fromkeys(
        ("review_overdue", "review_requested", "team_review_requested"), (_REVIEWS, "Review ", lines.review_request)
    ),
    **dict.fromkeys(("meeting", "event", "focus_time", "absence"), (_AGENDA, "", lines.event)),
    "decision": ("slack_search", "Decided: ", lines.message),
    "asked": ("github_mentions", "", lines.message),
    "mentioned": ("github_mentions", "", lines.message),
    "assigned": ("github_assigned_issues", "Assigned to you: ", lines.link),
}


def write_sections(exchange: Exchange) -> list[Section]:
    """Return the sections of the recipe that was asked for, each with its bullets; empty ones are among them."""
    writer = _Writer(exchange)
    return [
        (writer.title(title), [bullet for part in parts for bullet in writer.part(part)])
        for title, parts in _PLANS.get(exchange.recipe, _PLANS["standup"])
    ]


class _Writer:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._facts: Mapping[str, Any] = exchange.facts or {}
        self._items = {
            item["id"]: item
            for reading in exchange.readings
            for item in reading.items
            if isinstance(item.get("id"), str)
        }

    def title(self, title: str) -> str:
        """Return a section's title; what happened is told since the window began."""
        if title != "Since":
            return title
        window = self._facts.get("window") or {}
        start = lines.day_of(window, key="start")
        if window.get("since_last_briefing"):
            return "Since your last briefing"
        if start is None or start.date() == self._exchange.since:
            return f"Since {self._exchange.since:%A}, your last working day"
        return f"Since {start:%A %d %B}"

    def part(self, part: str) -> Iterator[str]:
        """Yield the bullets of a part of the facts."""
        if part in _HAPPENED:
            rules = _HAPPENED[part]
            yield from self._bullets([fact for fact in self._list("since_last") if fact["rule"] in rules])
        elif part == "today":
            yield from self._today()
        elif part == "meeting":
            yield from self._meeting()
        elif part == "meeting_prep":
            yield from self._related()
        elif part == "changes":
            yield from self._changes()
        elif part == "risks":
            yield from self._risks()
        else:
            yield from self._bullets(self._list(part))

    def _list(self, part: str) -> list[Fact]:
        """Return the facts of a part, those that are ids by rule and those that are an event's id included."""
        found = self._facts.get(part) or []
        if isinstance(found, dict):
            return [{"id": evidence, "rule": rule} for rule, ids in found.items() for evidence in ids]
        return _events(found) if part == "next_day" else list(found)

    def _bullets(self, facts: list[Fact]) -> Iterator[str]:
        met = [self._items[fact["id"]] for fact in facts if fact.get("rule") == "met" and fact.get("id") in self._items]
        for fact in facts:
            if fact.get("rule") != "met" and (text := self._line(fact)):
                yield f"{text}{_standing(fact)}"
        if met:
            yield f"Met: {', '.join(lines.link(item, text=lines.name_of(item)) for item in met)}"

    def _line(self, fact: Fact) -> str:
        """Return a line on the fact's item, as its tool gave it: another tool may tell less of the same item."""
        tool, prefix, write = _LINES.get(str(fact.get("rule")), _HAPPENED_LINE)
        evidence = fact.get("id")
        given = next((item for item in self._exchange.items(tool) if item.get("id") == evidence), None)
        item = given or self._items.get(str(evidence))
        return f"{prefix}{write(item)}" if item else ""

    def _today(self) -> Iterator[str]:
        today = self._facts.get("today") or {}
        yield from self._bullets(_events(today.get("events")))
        minutes, slots = today.get("free_minutes"), today.get("free") or []
        cited = [self._items[evidence] for evidence in slots if evidence in self._items]
        if minutes is not None:
            hours = f"{minutes // 60} h {minutes % 60} min" if minutes else "no time"
            where = ", ".join(lines.link(item) for item in cited)
            yield f"Free in working hours: {hours}{f' ({where})' if where else ''}"

    def _meeting(self) -> Iterator[str]:
        prep = self._facts.get("meeting_prep")
        if not prep:
            yield "No meeting is to come today or on the next working day."
        else:
            yield from self._bullets(_events([prep["meeting"]]))

    def _related(self) -> Iterator[str]:
        prep = self._facts.get("meeting_prep") or {}
        for evidence in prep.get("related") or []:
            if evidence in self._items:
                name = lines.name_of(self._items.get(prep["meeting"], {}))
                yield f"For {lines.plain(name) or 'it'}: {lines.link(self._items[evidence])}"

    def _risks(self) -> Iterator[str]:
        """Yield the flags that no other bullet says, one bullet for each item."""
        said = {(fact.get("id"), _IMPLIED.get(str(fact.get("rule")))) for fact in self._list("needs_you")}
        flagged: dict[str, list[str]] = {}
        for fact in self._list("risks"):
            if (fact.get("id"), fact.get("rule")) in said:
                continue
            flagged.setdefault(str(fact.get("id")), []).append(_RISKS.get(str(fact.get("rule")), str(fact.get("rule"))))
        for evidence, rules in flagged.items():
            if evidence in self._items:
                yield f"{lines.link(self._items[evidence])}: {', '.join(rules)}"

    def _changes(self) -> Iterator[str]:
        changes = self._facts.get("changes") or {}
        for word in ("new", "changed"):
            known = [self._items[evidence] for evidence in changes.get(word) or [] if evidence in self._items]
            if known:
                yield f"{word.capitalize()}: {', '.join(map(lines.link, known))}"
        if gone := changes.get("gone"):
            yield f"No longer there: {len(gone)}"


def _events(ids: Iterable[str] | None) -> list[Fact]:
    return [{"id": evidence, "rule": "meeting"} for evidence in ids or ()]


def _standing(fact: Fact) -> str:
    """Return for how long briefings have said the same."""
    day = fact.get("day")
    return f" (day {day}, unchanged)" if fact.get("unchanged") and isinstance(day, int) and day > 1 else ""
