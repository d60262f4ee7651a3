"""What may go wrong if nobody acts, by named rules; each flags an item that stands in another section."""

from collections.abc import Iterator

from agent.briefing.facts.items import Items, hours_since, number_of, oldest_first, subject_of
from agent.briefing.facts.messages import unanswered
from agent.briefing.facts.pull_requests import OVERDUE_HOURS, failing_checks, own_open, review_requests
from agent.briefing.facts.pull_requests import waiting_on_others as waiting
from agent.briefing.facts.today import double_bookings
from agent.briefing.facts.types import Fact, NextStep, Rule

RED_CI_HOURS = 24
IDLE_DAYS = 5


def risks(items: Items) -> tuple[Fact, ...]:
    """Return the flags, those that began first at the front."""
    found = (*_pull_requests(items), *_red_checks(items), *_reviews(items), *double_bookings(items), *unanswered(items))
    return oldest_first(found)


def _pull_requests(items: Items) -> Iterator[Fact]:
    for item in own_open(items):
        if item.get("next_step") == NextStep.FIX_CONFLICTS or "conflicts" in (item.get("blocked_by") or ()):
            yield Fact(id=item["id"], rule=Rule.MERGE_CONFLICTS, next_step=NextStep.FIX_CONFLICTS)
        idle_days = number_of(item, "idle_days")
        if idle_days is not None and idle_days >= IDLE_DAYS:
            yield Fact(id=item["id"], rule=Rule.IDLE, age_hours=idle_days * 24)


def _red_checks(items: Items) -> Iterator[Fact]:
    """Yield the pull requests with a check that failed long ago and did not run since."""
    own = {subject_of(item): item["id"] for item in own_open(items)}
    for subject, checks in failing_checks(items).items():
        known = [(at, check["id"]) for check in checks if (at := items.at(check, "completed_at"))]
        late = [(at, check) for at, check in known if items.is_older(at, hours=RED_CI_HOURS)]
        if late and subject in own:
            since = min((at for at, _ in late), key=lambda at: at.timestamp())
            yield Fact(
                id=own[subject],
                rule=Rule.RED_CI,
                since=since,
                age_hours=hours_since(since, window=items.window),
                next_step=NextStep.FIX_CHECKS,
                related=tuple(sorted(check for _, check in late)),
            )


def _reviews(items: Items) -> Iterator[Fact]:
    """Yield reviews that wait for more than a day, of the user and by the user."""
    for fact in (*review_requests(items), *waiting(items)):
        is_review = fact.rule in (Rule.REVIEW_OVERDUE, Rule.AWAITS_REVIEW)
        if is_review and items.is_older(fact.since, hours=OVERDUE_HOURS):
            yield Fact(
                id=fact.id,
                rule=Rule.REVIEW_LATE,
                since=fact.since,
                age_hours=fact.age_hours,
                next_step=fact.next_step,
            )
