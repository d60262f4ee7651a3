"""Measures a briefing against its day's labels: how much of what is true it says, and how much of what it says is."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from agent.briefing.facts.types import Fact
from tests.quality.days import Briefed, Day

SECTIONS = ("needs_you", "since_last", "review_queue", "waiting_on_others", "plate", "slack", "next_day", "risks")
_CITED = re.compile(r"\(evidence:([a-z]{2}-[0-9a-f]{8})\)")


@dataclass(frozen=True)
class Score:
    """What was found of what is `expected`; both name things, and extra ones are those that no label knows."""

    expected: frozenset[str]
    found: frozenset[str]

    @property
    def missing(self) -> frozenset[str]:
        """What is labelled and not said."""
        return self.expected - self.found

    @property
    def extra(self) -> frozenset[str]:
        """What is said and not labelled."""
        return self.found - self.expected

    @property
    def precision(self) -> float:
        """The share of what was said that is labelled; 1 for nothing said."""
        return len(self.found & self.expected) / len(self.found) if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of what is labelled that was said; 1 where nothing is."""
        return len(self.found & self.expected) / len(self.expected) if self.expected else 1.0


def score_facts(day: Day, briefed: Briefed) -> Score:
    """Compare sections, rules and coverage with the labels, thing by thing, as in `risks:late:red_ci_over_24_hours`."""
    keys = {evidence: key for key, evidence in day.ids.items()}
    facts = briefed.facts
    found = {f"{section}:{_named(fact, keys)}" for section in SECTIONS for fact in getattr(facts, section)}
    found |= {f"today:{_named(fact, keys)}" for fact in facts.today.events}
    found |= {f"coverage:{one.provider}:{one.state}{':partial' * one.is_partial}" for one in facts.coverage}
    found |= {f"new:{keys[one]}" for one in facts.changes.new} | {
        f"changed:{keys[one]}" for one in facts.changes.changed
    }
    found |= {f"gone:{keys[seen.id]}" for seen in facts.changes.gone}
    found |= {f"day:{keys[fact.id]}:{fact.day}" for fact in facts.needs_you if fact.is_unchanged}
    if facts.meeting_prep:
        prep = facts.meeting_prep
        found |= {f"next:{keys[prep.meeting.id]}", *(f"related:{keys[one]}" for one in prep.related)}
    if facts.today.free_minutes is not None:
        found |= {f"free_minutes:{facts.today.free_minutes}"}
    found |= {f"since:{facts.window.start.isoformat(timespec='minutes')}"}
    return Score(frozenset(_expected(day.labels)), frozenset(found))


def score_citations(day: Day, briefed: Briefed) -> Score:
    """Compare what the text cites with the items that the labels name; unknown ids stand for themselves.

    What is only `related` or a day's event may be cited and need not be; it counts where it is.
    """
    keys = {evidence: key for key, evidence in day.ids.items()}
    found = {keys.get(evidence, evidence) for evidence in _CITED.findall(briefed.text)}
    told = {key for section in day.labels.get("cited", ()) for key, _ in _pairs(day.labels.get(section, ()))}
    allowed = {key for section in (*SECTIONS, "today") for key, _ in _pairs(day.labels.get(section, ()))}
    allowed |= {*day.labels.get("related", ()), *day.labels.get("may_cite", ())}
    allowed |= {day.labels["next"]} if "next" in day.labels else set()
    return Score(frozenset(told | (found & allowed)), frozenset(found))


def _expected(labels: Mapping[str, object]) -> Iterable[str]:
    for section in (*SECTIONS, "today"):
        yield from (f"{section}:{key}:{rule}" for key, rule in _pairs(labels.get(section, ())))
    for name in ("new", "changed", "gone", "related", "coverage", "day"):
        yield from (f"{name}:{one}" for one in _words(labels.get(name, ())))
    for name in ("next", "free_minutes", "since"):
        if name in labels:
            yield f"{name}:{labels[name]}"


def _pairs(labelled: object) -> list[tuple[str, str]]:
    """Return key and rule of labels such as `["late red_ci_over_24_hours"]`."""
    return [(key, rule) for key, _, rule in (one.partition(" ") for one in _words(labelled))]


def _words(labelled: object) -> list[str]:
    assert isinstance(labelled, list | tuple)
    return [str(one) for one in labelled]


def _named(fact: Fact, keys: Mapping[str, str]) -> str:
    return f"{keys[fact.id]}:{fact.rule.value}"
