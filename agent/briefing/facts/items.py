"""What was read, by tool, as facts use it: each item once, and its instants in the user's zone. Pure functions."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from agent.briefing.facts.types import Fact, Window
from agent.briefing.types import Reading

Item = Mapping[str, Any]
Subject = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Items:
    """The items of one run's readings and the window they are looked at in."""

    window: Window
    by_tool: Mapping[str, tuple[Item, ...]]
    whole: frozenset[str]

    def of(self, *tools: str) -> tuple[Item, ...]:
        """Return the items of these tools that can be cited, each id once, in the order of their ids."""
        found = {item["id"]: item for tool in reversed(tools) for item in self.by_tool.get(tool, ()) if item.get("id")}
        return tuple(found[evidence] for evidence in sorted(found))

    def has_read(self, tool: str) -> bool:
        """Return whether `tool` gave anything, be it an empty list."""
        return tool in self.by_tool

    def at(self, item: Item, *keys: str) -> datetime | None:
        """Return the first instant that `item` has under one of `keys`, in the user's zone; a date is none."""
        return next((at for key in keys if (at := instant(item.get(key), window=self.window))), None)

    def is_older(self, at: datetime | None, *, hours: int) -> bool:
        """Return whether more than `hours` passed from `at` to the end of the window; not for an unknown instant."""
        return at is not None and elapsed(at, self.window.end) > timedelta(hours=hours)


def collect(readings: Iterable[Reading], *, window: Window) -> Items:
    """Return the items of `readings`; neither the order of readings nor that of their entries makes a difference."""
    by_tool: dict[str, list[Item]] = {}
    cut: set[str] = set()
    for reading in readings:
        if reading.error or reading.is_truncated:
            cut.add(reading.tool)
        if not reading.error:
            by_tool.setdefault(reading.tool, []).extend(_wanted(reading))
    # Two reads of the same thing may differ; which of them counts must not depend on which came first.
    ordered = {tool: tuple(sorted(items, key=_canonical)) for tool, items in by_tool.items()}
    return Items(window, ordered, frozenset(ordered) - cut)


def _wanted(reading: Reading) -> Sequence[Item]:
    """Return the entries; facts about the user's pull requests are about open ones."""
    return () if reading.arguments.get("state", "open") != "open" else reading.entries


def _canonical(item: Item) -> str:
    return json.dumps(item, sort_keys=True, ensure_ascii=False, default=str)


def instant(value: object, *, window: Window) -> datetime | None:
    """Return an ISO 8601 instant in the user's zone; None for dates, other values and those without an offset."""
    if not isinstance(value, str) or "T" not in value:
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at.astimezone(window.week.time_zone) if at.tzinfo else None


def elapsed(start: datetime, end: datetime) -> timedelta:
    """Return what passed between two instants, whatever the clocks did: one zone's own arithmetic ignores them."""
    return timedelta(seconds=end.timestamp() - start.timestamp())


def hours_since(at: datetime | None, *, window: Window) -> int | None:
    """Return the whole hours from `at` to the end of the window, None for what is unknown or still to come."""
    if at is None or at.timestamp() > window.end.timestamp():
        return None
    return int(elapsed(at, window.end).total_seconds() // 3600)


def subject_of(item: Item) -> Subject | None:
    """Return repository and number of a pull request or issue, None for other items."""
    repository, number = item.get("repo"), item.get("number")
    return (repository, number) if isinstance(repository, str) and isinstance(number, int) else None


def number_of(item: Item, key: str) -> int | None:
    """Return the whole number that `item` has under `key`."""
    value = item.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def oldest_first(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return facts in the order in which they began; what began at an unknown time comes last."""
    return tuple(sorted(facts, key=lambda fact: (fact.since is None, _stamp(fact), fact.rule, fact.id)))


def newest_first(facts: Iterable[Fact]) -> tuple[Fact, ...]:
    """Return facts in the opposite order of their begin; what has none comes last."""
    return tuple(sorted(facts, key=lambda fact: (fact.since is None, -_stamp(fact), fact.rule, fact.id)))


def _stamp(fact: Fact) -> float:
    return fact.since.timestamp() if fact.since else 0.0
