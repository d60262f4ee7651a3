"""What a briefing says anew: the set difference to the one before it. No model has a say in it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

from agent.briefing.facts.items import Items, elapsed
from agent.briefing.facts.types import Changes, Fact, Facts, FactSet, Rule, Seen

# Longer than any tool reads back; what was not looked for in a month is news again.
_REMEMBERED = timedelta(days=31)
_OWN, _REVIEWS = "github_my_pull_requests", "github_review_requests"
# The tools that have to be read, and to the end, before anybody can say that a fact does not hold any more.
_READ_BY: Mapping[Rule, tuple[str, ...]] = {
    Rule.CONFLICTS: (_OWN,),
    Rule.CHECKS_FAILING: (_OWN,),
    Rule.CHANGES_REQUESTED: (_OWN,),
    Rule.READY_TO_MERGE: (_OWN,),
    Rule.AWAITS_REVIEW: (_OWN,),
    Rule.AWAITS_CHECKS: (_OWN,),
    Rule.DRAFT: (_OWN,),
    Rule.OPEN: (_OWN,),
    Rule.IDLE: (_OWN,),
    Rule.MERGE_CONFLICTS: (_OWN,),
    Rule.REVIEW_OVERDUE: (_REVIEWS,),
    Rule.REVIEW_REQUESTED: (_REVIEWS,),
    Rule.TEAM_REVIEW_REQUESTED: (_REVIEWS,),
    Rule.REVIEW_LATE: (_OWN, _REVIEWS),
    Rule.RED_CI: (_OWN, "github_failing_checks"),
    Rule.ASSIGNED: ("github_assigned_issues",),
    Rule.ASKED: ("slack_mentions", "github_mentions"),
    Rule.UNANSWERED: ("slack_mentions",),
    Rule.DOUBLE_BOOKING: ("calendar_agenda",),
}
# These leave a list by getting old, which says nothing about them.
_PASSING = frozenset({Rule.ASKED, Rule.UNANSWERED, Rule.DOUBLE_BOOKING})


def compare(facts: Facts, *, previous: FactSet | None, items: Items) -> Facts:
    """Return `facts` with their days, with what is new, changed and gone since `previous`, and with their fact set."""
    before = {(seen.rule, seen.id): seen for seen in previous.seen} if previous else {}
    now = {(fact.rule, fact.id): fact for fact in facts.states()}
    unseen = [seen for key, seen in before.items() if key not in now]
    kept = [seen for seen in unseen if not _was_read(seen, items=items) and _is_fresh(seen, facts=facts)]
    first_at = {key: before[key].first_at if key in before else facts.window.end for key in now}
    seen_now = [Seen(id=evidence, rule=rule, first_at=at) for (rule, evidence), at in first_at.items()]
    fact_set = FactSet(made_at=facts.window.end, seen=_ordered([*seen_now, *kept]))
    aged = replace(
        facts,
        needs_you=_age(facts.needs_you, before=before, facts=facts),
        review_queue=_age(facts.review_queue, before=before, facts=facts),
        waiting_on_others=_age(facts.waiting_on_others, before=before, facts=facts),
        plate=_age(facts.plate, before=before, facts=facts),
        risks=_age(facts.risks, before=before, facts=facts),
        fact_set=fact_set,
    )
    if previous is None or previous.made_at is None:
        return aged
    changes = _changes(now, before=before, items=items)
    return replace(aged, changes=replace(changes, since=previous.made_at.astimezone(facts.window.week.time_zone)))


def _changes(now: Mapping[tuple[Rule, str], Fact], *, before: Mapping[tuple[Rule, str], Seen], items: Items) -> Changes:
    ids_now, ids_then = {fact.id for fact in now.values()}, {seen.id for seen in before.values()}
    gone = {
        seen.id: seen
        for seen in reversed(_ordered(before.values()))
        if seen.id not in ids_now and seen.rule not in _PASSING and _was_read(seen, items=items)
    }
    return Changes(
        new=tuple(sorted(ids_now - ids_then)),
        changed=tuple(sorted({fact.id for key, fact in now.items() if key not in before} & ids_then)),
        gone=_ordered(gone.values()),
    )


def _age(facts_of: Iterable[Fact], *, before: Mapping[tuple[Rule, str], Seen], facts: Facts) -> tuple[Fact, ...]:
    def aged() -> Iterator[Fact]:
        week, today = facts.window.week, facts.window.today
        for fact in facts_of:
            seen = before.get((fact.rule, fact.id))
            if seen is None:
                yield fact
            else:
                first = seen.first_at.astimezone(week.time_zone).date()
                yield replace(fact, day=max(1, week.count_working_days(first, end=today)), is_unchanged=True)

    return tuple(aged())


def _was_read(seen: Seen, *, items: Items) -> bool:
    return all(tool in items.whole for tool in _READ_BY[seen.rule])


def _is_fresh(seen: Seen, *, facts: Facts) -> bool:
    return elapsed(seen.first_at, facts.window.end) < _REMEMBERED


def _ordered(seen: Iterable[Seen]) -> tuple[Seen, ...]:
    return tuple(sorted(seen, key=lambda one: (one.id, one.rule)))
