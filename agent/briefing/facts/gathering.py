"""Puts the facts of one briefing together from what was read."""

from collections.abc import Iterable, Iterator, Sequence

from agent.briefing.facts.changes import compare
from agent.briefing.facts.coverage import coverage
from agent.briefing.facts.done import since_last
from agent.briefing.facts.items import Items, collect, hours_since, oldest_first
from agent.briefing.facts.meetings import meeting_prep
from agent.briefing.facts.messages import asked, talk
from agent.briefing.facts.pull_requests import own_urgent, review_requests, waiting_on_others
from agent.briefing.facts.risks import risks
from agent.briefing.facts.today import next_day, today
from agent.briefing.facts.types import Fact, Facts, FactSet, Rule, Window
from agent.briefing.types import Reading

# Who waits for an answer comes first, then who waits for a review, then what stands in the user's own way.
_URGENCY = (
    Rule.ASKED,
    Rule.REVIEW_OVERDUE,
    Rule.CHANGES_REQUESTED,
    Rule.CHECKS_FAILING,
    Rule.CONFLICTS,
    Rule.READY_TO_MERGE,
)


def gather(readings: Sequence[Reading], *, window: Window, previous: FactSet | None) -> Facts:
    """Return the facts that `readings` hold; the same readings give the same facts, in whatever order they come.

    Args:
        readings: The run's readings.
        window: What the briefing is about.
        previous: What the user's last briefing of this kind said, None if there was none.
    """
    items = collect(readings, window=window)
    requests = review_requests(items)
    needs_you = _needs_you(items, requests=requests)
    shown = {fact.id for fact in needs_you}
    facts = Facts(
        window=window,
        needs_you=needs_you,
        since_last=since_last(items),
        today=today(items),
        next_day=next_day(items),
        review_queue=_without(requests, ids=shown),
        waiting_on_others=_without(waiting_on_others(items), ids=shown),
        plate=oldest_first(_assigned(items)),
        meeting_prep=meeting_prep(items),
        slack=_without(talk(items), ids=shown),
        risks=risks(items),
        coverage=coverage(readings),
    )
    return compare(facts, previous=previous, items=items)


def _needs_you(items: Items, *, requests: Iterable[Fact]) -> tuple[Fact, ...]:
    own = [*own_urgent(items), *(fact for fact in requests if fact.rule is Rule.REVIEW_OVERDUE)]
    # A pull request whose own text mentions the user stands for itself, with its size and checks.
    known = {fact.id for fact in (*own, *requests, *waiting_on_others(items))}
    facts = oldest_first([*own, *_without(asked(items), ids=known)])
    return tuple(sorted(facts, key=lambda fact: _URGENCY.index(fact.rule)))


def _assigned(items: Items) -> Iterator[Fact]:
    for item in items.of("github_assigned_issues"):
        opened_at = items.at(item, "opened_at")
        yield Fact(
            id=item["id"], rule=Rule.ASSIGNED, since=opened_at, age_hours=hours_since(opened_at, window=items.window)
        )


def _without(facts: Iterable[Fact], *, ids: set[str]) -> tuple[Fact, ...]:
    return tuple(fact for fact in facts if fact.id not in ids)
