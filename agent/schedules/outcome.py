"""What became of a scheduled briefing: what changed since the last one, and whether it is worth telling. Pure.

Counts and ages alone, from the ids and rules that briefings remember (`agent.briefing.facts.types.FactSet`).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agent.briefing.facts.types import FactSet, Rule, Seen
from agent.briefing.working_week import WorkingWeek
from agent.schedules.types import Condition

# What a briefing puts first: somebody or something waits for its reader.
NEEDS_ME = frozenset(
    {
        Rule.CONFLICTS,
        Rule.CHECKS_FAILING,
        Rule.CHANGES_REQUESTED,
        Rule.READY_TO_MERGE,
        Rule.REVIEW_OVERDUE,
        Rule.ASKED,
    }
)
# As `agent.events.Coverage` tells them: nothing is missing of such a service.
_COMPLETE = frozenset({"read", "nothing_asked"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a briefing differs from the last: items that are `new`, hold for another reason, or do not hold any more.

    Of what needs its reader (`needs_me`), `carried` was said before; `oldest_days` is for how many working days, the
    first included, the oldest of it has been said, 0 where nothing is carried. `is_first` tells that there was nothing
    to compare with.
    """

    is_first: bool = True
    new: int = 0
    changed: int = 0
    gone: int = 0
    needs_me: int = 0
    carried: int = 0
    oldest_days: int = 0

    @property
    def is_changed(self) -> bool:
        """Whether there is something to tell that the last briefing did not."""
        return self.is_first or bool(self.new or self.changed or self.gone)

    def counts(self) -> dict[str, int]:
        """Return the counts by name, as they are stored; nothing of a first briefing's changes."""
        always = {"needs_me": self.needs_me, "carried": self.carried, "oldest_days": self.oldest_days}
        return always if self.is_first else {"new": self.new, "changed": self.changed, "gone": self.gone} | always


def compare(now: FactSet | None, *, before: FactSet | None, week: WorkingWeek) -> Comparison:
    """Return how what a briefing said differs from what the one before it said; `week` is its reader's."""
    if now is None or now.made_at is None:
        return Comparison()
    needed = [seen for seen in now.seen if seen.rule in NEEDS_ME]
    keys_before = _keys(before.seen if before else ())
    carried = [seen for seen in needed if (seen.rule, seen.id) in keys_before]
    ids_now, ids_before = {seen.id for seen in now.seen}, {evidence for _, evidence in keys_before}
    changed = {evidence for rule, evidence in _keys(now.seen) - keys_before if evidence in ids_before}
    return Comparison(
        is_first=before is None,
        new=len(ids_now - ids_before),
        changed=len(changed),
        gone=len(ids_before - ids_now),
        needs_me=len({seen.id for seen in needed}),
        carried=len({seen.id for seen in carried}),
        oldest_days=max((_days(seen, until=now.made_at, week=week) for seen in carried), default=0),
    )


def is_worth_telling(
    condition: Condition,
    *,
    comparison: Comparison,
    coverage: Iterable[Mapping[str, Any]],
    granted: Collection[str],
) -> bool:
    """Tell whether the owner hears of a briefing.

    Over a service that should have been read and was not, nobody can say that nothing changed or needs them: such a
    briefing is told whatever its condition.
    """
    gaps = any(one["provider"] in granted and one["state"] not in _COMPLETE for one in coverage)
    match condition:
        case Condition.ALWAYS:
            return True
        case Condition.IF_CHANGED:
            return gaps or comparison.is_changed
        case Condition.IF_NEEDS_ME:
            return gaps or comparison.needs_me > 0


def _keys(seen: Iterable[Seen]) -> set[tuple[Rule, str]]:
    return {(one.rule, one.id) for one in seen}


def _days(seen: Seen, *, until: datetime, week: WorkingWeek) -> int:
    first, last = (at.astimezone(week.time_zone).date() for at in (seen.first_at, until))
    return max(1, week.count_working_days(first, end=last))
