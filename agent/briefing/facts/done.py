"""What happened since the last briefing: merged, shipped, reviewed, met. State, not effort."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from agent.briefing.facts.items import Items, elapsed, oldest_first
from agent.briefing.facts.messages import mentioned_on_github
from agent.briefing.facts.types import Fact, Rule, Window

_KINDS: Mapping[str, Rule] = {
    "merged": Rule.MERGED,
    "opened": Rule.OPENED,
    "commits": Rule.PUSHED,
    "reviewed": Rule.REVIEWED,
    "issue_opened": Rule.ISSUE_OPENED,
}
# What is finished comes before what was begun, and both before what was talked about.
_ORDER = (
    Rule.MERGED,
    Rule.REVIEWED,
    Rule.OPENED,
    Rule.PUSHED,
    Rule.ISSUE_OPENED,
    Rule.MENTIONED,
    Rule.MET,
)


def since_last(items: Items) -> tuple[Fact, ...]:
    """Return what the user did and what happened to them in the window; merges first."""
    facts = oldest_first([*_on_github(items), *mentioned_on_github(items), *_met(items)])
    return tuple(sorted(facts, key=lambda fact: _ORDER.index(fact.rule)))


def _on_github(items: Items) -> Iterator[Fact]:
    for item in items.of("github_activity"):
        rule, at = _KINDS.get(str(item.get("kind"))), items.at(item, "occurred_at")
        # Commits that GitHub only counts have no time; they are of the days that were asked for.
        is_in_window = at is None or at.timestamp() >= items.window.start.timestamp()
        if rule and is_in_window:
            yield Fact(id=item["id"], rule=rule, since=at)


def _met(items: Items) -> Iterator[Fact]:
    for item in items.of("calendar_agenda"):
        start, end = items.at(item, "start"), items.at(item, "end")
        went = item.get("kind") == "meeting" and item.get("my_response") == "accepted"
        if went and start and end and _is_over(start, end, window=items.window):
            minutes = round(elapsed(start, end).total_seconds() / 60)
            yield Fact(id=item["id"], rule=Rule.MET, since=start, minutes=minutes)


def _is_over(start: datetime, end: datetime, *, window: Window) -> bool:
    return window.start.timestamp() <= start.timestamp() and end.timestamp() <= window.end.timestamp()
