"""Writes facts for the model, as one line of JSON that holds ids, rules, instants and numbers, and nobody's text.

What the item of an id tells by itself, such as when it happened, is not written again: the items stand beside it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from agent.briefing.facts.types import Changes, Fact, Facts, NextStep, ServiceCoverage, Window


def write(facts: Facts) -> str:
    """Return `[Facts: {…}]`, the same bytes for the same facts; what is empty is left out, coverage never is.

    Shape: `{"window": {"start", "since_last_briefing", "days_off"}, "needs_you": [fact], "since_last": {rule: [id]},
    "today": {"events": [id], "invitations": [id], "free": [id], "free_minutes"}, "next_day": [id], "review_queue":
    [fact], "waiting_on_others": [fact], "plate": [fact], "meeting_prep": {"meeting": id, "related": [id]}, "slack":
    {rule: [id]}, "risks": [fact], "changes": {"since", "new": [id], "changed": [id], "gone": [{"id", "rule"}]},
    "coverage": [{"service", "state", "items", "partial"}]}`, where a fact is `{"id", "rule", "hours", "next",
    "related", "lines", "day", "unchanged"}`. A fact of `risks` has no `next`, and no `hours` that an earlier fact of
    the same item has.
    """
    body: dict[str, Any] = {
        "window": _window(facts.window),
        "needs_you": _facts(facts.needs_you),
        "since_last": _by_rule(facts.since_last),
        "today": _today(facts),
        "next_day": _ids(facts.next_day),
        "review_queue": _facts(facts.review_queue),
        "waiting_on_others": _facts(facts.waiting_on_others),
        "plate": _facts(facts.plate),
        "meeting_prep": _prep(facts),
        "slack": _by_rule(facts.slack),
        "risks": _flags(facts),
        "changes": _changes(facts.changes),
    }
    text = json.dumps(
        _present(body) | {"coverage": [_covered(one) for one in facts.coverage]},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return f"[Facts: {text}]"


def _window(window: Window) -> dict[str, Any]:
    """Return where the window begins; its end and its zone stand in the question's line of context."""
    return _present(
        {
            "start": _written(window.start),
            "since_last_briefing": window.is_since_briefing or None,
            "days_off": [day.isoformat() for day in window.days_off],
        }
    )


def _today(facts: Facts) -> dict[str, Any]:
    today = facts.today
    invitations = _ids(event for event in today.events if event.next_step is NextStep.ANSWER_INVITATION)
    found = {"events": _ids(today.events), "invitations": invitations, "free": _ids(today.free)}
    return _present(found | {"free_minutes": today.free_minutes})


def _prep(facts: Facts) -> dict[str, Any]:
    prep = facts.meeting_prep
    return _present({"meeting": prep.meeting.id, "related": list(prep.related)}) if prep else {}


def _flags(facts: Facts) -> list[dict[str, Any]]:
    """Return the risks without what the facts that they flag say."""
    above = (*facts.needs_you, *facts.review_queue, *facts.waiting_on_others)
    said = {(fact.id, fact.age_hours) for fact in above}
    return [
        _fact(replace(fact, next_step=None, age_hours=None if (fact.id, fact.age_hours) in said else fact.age_hours))
        for fact in facts.risks
    ]


def _changes(changes: Changes) -> dict[str, Any]:
    if changes.since is None:
        return {}
    gone = [{"id": seen.id, "rule": seen.rule.value} for seen in changes.gone]
    lists = {"new": list(changes.new), "changed": list(changes.changed), "gone": gone}
    return {"since": _written(changes.since)} | _present(lists)


def _covered(coverage: ServiceCoverage) -> dict[str, Any]:
    partial = {"partial": True} if coverage.is_partial else {}
    return {"service": coverage.provider, "state": coverage.state, "items": coverage.items} | partial


def _ids(facts: Iterable[Fact]) -> list[str]:
    """Return the ids; a free day has nothing to cite and none."""
    return [fact.id for fact in facts if fact.id]


def _by_rule(facts: Iterable[Fact]) -> dict[str, list[str]]:
    """Return the ids of what is over, in the order that facts of one rule and the rules have."""
    found: dict[str, list[str]] = {}
    for fact in facts:
        found.setdefault(fact.rule.value, []).append(fact.id)
    return found


def _facts(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    return [_fact(fact) for fact in facts]


def _fact(fact: Fact) -> dict[str, Any]:
    return _present(
        {
            "id": fact.id,
            "rule": fact.rule.value,
            "hours": fact.age_hours,
            "next": fact.next_step.value if fact.next_step else None,
            "related": list(fact.related),
            "lines": fact.lines,
            "day": fact.day if fact.is_unchanged else None,
            "unchanged": fact.is_unchanged or None,
        }
    )


def _written(at: datetime) -> str:
    return at.isoformat(timespec="minutes")


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something; 0 does."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
