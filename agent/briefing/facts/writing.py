"""Writes facts for the model, as one line of JSON that holds ids, rules, instants and numbers, and nobody's text."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from agent.briefing.facts.types import Changes, Fact, Facts, ServiceCoverage, Window


def write(facts: Facts) -> str:
    """Return `[Facts: {…}]`, the same bytes for the same facts; what is empty is left out, coverage never is.

    Shape: `{"window": {"start", "end", "zone", "since_last_briefing", "days_off"}, "needs_you": [fact], "since_last":
    [fact], "today": {"events": [fact], "free": [fact], "free_minutes"}, "next_day": [fact], "review_queue": [fact],
    "waiting_on_others": [fact], "plate": [fact], "meeting_prep": {"meeting": fact, "related": [id]}, "slack": [fact],
    "risks": [fact], "changes": {"since", "new": [id], "changed": [id], "gone": [{"id", "rule"}]}, "coverage":
    [{"service", "state", "items", "partial"}]}`, where a fact is `{"id", "rule", "since", "hours", "next", "related",
    "minutes", "lines", "ci", "day", "unchanged"}`.
    """
    body: dict[str, Any] = {
        "window": _window(facts.window),
        "needs_you": _facts(facts.needs_you),
        "since_last": _facts(facts.since_last),
        "today": _today(facts),
        "next_day": _facts(facts.next_day),
        "review_queue": _facts(facts.review_queue),
        "waiting_on_others": _facts(facts.waiting_on_others),
        "plate": _facts(facts.plate),
        "meeting_prep": _prep(facts),
        "slack": _facts(facts.slack),
        "risks": _facts(facts.risks),
        "changes": _changes(facts.changes),
    }
    text = json.dumps(
        _present(body) | {"coverage": [_covered(one) for one in facts.coverage]},
        ensure_ascii=False,
        separators=(",", ":"),
    )
    return f"[Facts: {text}]"


def _window(window: Window) -> dict[str, Any]:
    return _present(
        {
            "start": _written(window.start),
            "end": _written(window.end),
            "zone": window.week.time_zone.key,
            "since_last_briefing": window.is_since_briefing or None,
            "days_off": [day.isoformat() for day in window.days_off],
        }
    )


def _today(facts: Facts) -> dict[str, Any]:
    today = facts.today
    found = {"events": _facts(today.events), "free": _facts(today.free), "free_minutes": today.free_minutes}
    return _present(found)


def _prep(facts: Facts) -> dict[str, Any]:
    prep = facts.meeting_prep
    return _present({"meeting": _fact(prep.meeting), "related": list(prep.related)}) if prep else {}


def _changes(changes: Changes) -> dict[str, Any]:
    if changes.since is None:
        return {}
    gone = [{"id": seen.id, "rule": seen.rule.value} for seen in changes.gone]
    lists = {"new": list(changes.new), "changed": list(changes.changed), "gone": gone}
    return {"since": _written(changes.since)} | _present(lists)


def _covered(coverage: ServiceCoverage) -> dict[str, Any]:
    partial = {"partial": True} if coverage.is_partial else {}
    return {"service": coverage.provider, "state": coverage.state, "items": coverage.items} | partial


def _facts(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    return [_fact(fact) for fact in facts]


def _fact(fact: Fact) -> dict[str, Any]:
    return _present(
        {
            "id": fact.id,
            "rule": fact.rule.value,
            "since": _written(fact.since) if fact.since else None,
            "hours": fact.age_hours,
            "next": fact.next_step.value if fact.next_step else None,
            "related": list(fact.related),
            "minutes": fact.minutes,
            "lines": fact.lines,
            "ci": fact.ci,
            "day": fact.day if fact.is_unchanged else None,
            "unchanged": fact.is_unchanged or None,
        }
    )


def _written(at: datetime) -> str:
    return at.isoformat(timespec="minutes")


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that say something; 0 does."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], {})}
