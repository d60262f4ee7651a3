"""How the user's own pull requests stand, and which reviews wait for the user."""

from collections.abc import Iterator, Mapping

from agent.briefing.facts.items import Item, Items, Subject, hours_since, number_of, oldest_first, subject_of
from agent.briefing.facts.types import Fact, NextStep, Rule

OVERDUE_HOURS = 24

# What the tool says has to happen next, why that is, and whether it is the user's to do now.
_URGENT: Mapping[str, Rule] = {
    NextStep.FIX_CONFLICTS: Rule.CONFLICTS,
    NextStep.FIX_CHECKS: Rule.CHECKS_FAILING,
    NextStep.ADDRESS_REVIEW: Rule.CHANGES_REQUESTED,
    NextStep.MERGE: Rule.READY_TO_MERGE,
}
_WAITING: Mapping[str, Rule] = {
    NextStep.WAIT_FOR_REVIEW: Rule.AWAITS_REVIEW,
    NextStep.WAIT_FOR_CHECKS: Rule.AWAITS_CHECKS,
    NextStep.FINISH_DRAFT: Rule.DRAFT,
}
_CI = ("passing", "failing", "pending")


def own_open(items: Items) -> tuple[Item, ...]:
    """Return the user's open pull requests; one that was merged meanwhile, by another read, is none of them."""
    merged = {item["id"] for item in items.of("github_activity") if item.get("state") == "merged"}
    return tuple(item for item in items.of("github_my_pull_requests") if item["id"] not in merged)


def own_urgent(items: Items) -> Iterator[Fact]:
    """Yield the user's pull requests that go on only when the user does something."""
    for item in own_open(items):
        if rule := _URGENT.get(str(item.get("next_step"))):
            failing = failing_checks(items).get(subject_of(item) or ("", 0), ()) if _is_red(rule) else ()
            # GitHub does not say since when a pull request conflicts or may be merged; of a check it does.
            began = [at for check in failing if (at := items.at(check, "completed_at"))]
            since = min(began, key=lambda at: at.timestamp()) if began else None
            yield Fact(
                id=item["id"],
                rule=rule,
                since=since,
                age_hours=hours_since(since, window=items.window),
                next_step=NextStep(str(item["next_step"])),
                related=tuple(check["id"] for check in failing),
                lines=_lines(item),
                ci=_ci(item),
            )


def waiting_on_others(items: Items) -> tuple[Fact, ...]:
    """Return the user's other open pull requests, oldest first; `since` is when they were opened."""
    return oldest_first(_waiting(item, items=items) for item in own_open(items) if item.get("next_step") not in _URGENT)


def review_requests(items: Items) -> tuple[Fact, ...]:
    """Return the reviews that wait for the user or a team of theirs, oldest first; `since` is the opening."""
    return oldest_first(_request(item, items=items) for item in items.of("github_review_requests"))


def failing_checks(items: Items) -> Mapping[Subject, tuple[Item, ...]]:
    """Return the failing checks of each pull request."""
    found: dict[Subject, tuple[Item, ...]] = {}
    for item in items.of("github_failing_checks", "github_pull_request"):
        subject = subject_of(item)
        if subject and item.get("kind") == "failing_check":
            found[subject] = (*found.get(subject, ()), item)
    return found


def _is_red(rule: Rule) -> bool:
    return rule is Rule.CHECKS_FAILING


def _waiting(item: Item, *, items: Items) -> Fact:
    step = str(item.get("next_step", ""))
    opened_at = items.at(item, "opened_at")
    return Fact(
        id=item["id"],
        # A server without GraphQL does not tell how a pull request stands.
        rule=_WAITING.get(step, Rule.OPEN),
        since=opened_at,
        age_hours=hours_since(opened_at, window=items.window),
        next_step=NextStep(step) if step in _WAITING else None,
        lines=_lines(item),
        ci=_ci(item),
    )


def _request(item: Item, *, items: Items) -> Fact:
    opened_at = items.at(item, "opened_at")
    is_team = str(item.get("my_request", "")).startswith("team ")
    is_overdue = items.is_older(opened_at, hours=OVERDUE_HOURS) and not is_team and not item.get("draft")
    own = Rule.REVIEW_OVERDUE if is_overdue else Rule.REVIEW_REQUESTED
    return Fact(
        id=item["id"],
        rule=Rule.TEAM_REVIEW_REQUESTED if is_team else own,
        since=opened_at,
        age_hours=hours_since(opened_at, window=items.window),
        next_step=NextStep.REVIEW,
        lines=_lines(item),
        ci=_ci(item),
    )


def _lines(item: Item) -> int | None:
    counts = [number_of(item, key) for key in ("additions", "deletions")]
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _ci(item: Item) -> str:
    return str(item["ci"]) if item.get("ci") in _CI else ""
