"""What people said to the user: direct asks, mentions and decisions. Words decide, so a look at the message stays due.

The words are English; a question mark asks in most languages.
"""

import re
from collections.abc import Iterator
from datetime import datetime

from agent.briefing.facts.items import Item, Items, hours_since, newest_first, oldest_first
from agent.briefing.facts.types import Fact, NextStep, Rule

UNANSWERED_HOURS = 4
# Words of an address, where `?` asks nothing.
_ADDRESS = re.compile(r"https?://\S+")
_ASKS = re.compile(
    r"\?|\b(please|can you|could you|would you|needs? you|waiting (for|on) you|let me know|your call)\b", re.IGNORECASE
)
_DECIDES = re.compile(r"\b(decided|decision|we agreed|agreed to|we(?:'ll| will) go with|going with)\b", re.IGNORECASE)
_SLACK = ("slack_mentions", "slack_channel_messages", "slack_thread", "slack_search")


def asked(items: Items) -> Iterator[Fact]:
    """Yield direct asks of the user that no answer of theirs is known to, on Slack and GitHub."""
    for item in items.of("slack_mentions"):
        if is_ask(item) and not _is_answered(item, items=items):
            yield _fact(item, rule=Rule.ASKED, at=items.at(item, "time"), items=items, step=NextStep.REPLY)
    for item in items.of("github_mentions"):
        if is_ask(item):
            at = items.at(item, "mentioned_at", "updated_at")
            yield _fact(item, rule=Rule.ASKED, at=at, items=items, step=NextStep.REPLY)


def mentioned_on_github(items: Items) -> Iterator[Fact]:
    """Yield mentions on GitHub that ask for nothing."""
    for item in items.of("github_mentions"):
        if not is_ask(item):
            at = items.at(item, "mentioned_at", "updated_at")
            yield _fact(item, rule=Rule.MENTIONED, at=at, items=items)


def talk(items: Items) -> tuple[Fact, ...]:
    """Return decisions, oldest first, then the other mentions of the window, newest first."""
    decisions = [
        _fact(item, rule=Rule.DECISION, at=items.at(item, "time"), items=items)
        for item in items.of(*_SLACK)
        if is_decision(item) and _is_in_window(items.at(item, "time"), items=items)
    ]
    known = {fact.id for fact in decisions}
    mentions = [
        _fact(item, rule=Rule.MENTIONED, at=items.at(item, "time"), items=items)
        for item in items.of("slack_mentions")
        if item["id"] not in known and _is_in_window(items.at(item, "time"), items=items)
    ]
    return (*oldest_first(decisions), *newest_first(mentions))


def unanswered(items: Items) -> Iterator[Fact]:
    """Yield the asks on Slack that are known to have no answer of the user for hours; thanks need none."""
    for item in items.of("slack_mentions"):
        at = items.at(item, "time")
        if is_ask(item) and item.get("answered") is False and items.is_older(at, hours=UNANSWERED_HOURS):
            yield _fact(item, rule=Rule.UNANSWERED, at=at, items=items, step=NextStep.REPLY)


def is_ask(item: Item) -> bool:
    """Return whether a message asks for something."""
    return bool(_ASKS.search(_ADDRESS.sub("", _text(item))))


def is_decision(item: Item) -> bool:
    """Return whether a message tells of a decision; a question about one does not."""
    return bool(_DECIDES.search(_text(item))) and not is_ask(item)


def _is_answered(item: Item, *, items: Items) -> bool:
    """Return whether there is an answer, or, where nobody can tell, whether the mention is an old one."""
    answered = item.get("answered")
    if isinstance(answered, bool):
        return answered
    return not _is_in_window(items.at(item, "time"), items=items)


def _is_in_window(at: datetime | None, *, items: Items) -> bool:
    return at is None or at.timestamp() >= items.window.start.timestamp()


def _text(item: Item) -> str:
    return str(item.get("text") or item.get("excerpt") or "")


def _fact(item: Item, *, rule: Rule, at: datetime | None, items: Items, step: NextStep | None = None) -> Fact:
    return Fact(id=item["id"], rule=rule, since=at, age_hours=hours_since(at, window=items.window), next_step=step)
