"""What changed since the last briefing, in counts, and when a briefing is worth telling."""

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from agent.briefing.facts.types import FactSet, Rule, Seen
from agent.briefing.working_week import WorkingWeek
from agent.schedules.absence import holds_at
from agent.schedules.outcome import Comparison, compare, is_worth_telling
from agent.schedules.types import Condition

WEEK = WorkingWeek(time_zone=ZoneInfo("Europe/Berlin"))
# A Monday.
NOW = datetime(2026, 5, 4, 7, tzinfo=UTC)
FRIDAY = NOW - timedelta(days=3)


def seen(*facts: tuple[str, Rule], first_at: datetime = NOW) -> FactSet:
    return FactSet(made_at=NOW, seen=tuple(Seen(evidence, rule, first_at) for evidence, rule in facts))


def test_new_changed_gone_and_carried_are_told_apart() -> None:
    before = seen(("gh-1", Rule.CONFLICTS), ("gh-2", Rule.AWAITS_REVIEW), ("gh-3", Rule.OPEN))
    now = FactSet(
        NOW,
        (
            Seen("gh-1", Rule.CONFLICTS, FRIDAY),
            Seen("gh-2", Rule.CHANGES_REQUESTED, NOW),
            Seen("gh-4", Rule.OPEN, NOW),
        ),
    )
    found = compare(now, before=before, week=WEEK)
    assert found == Comparison(is_first=False, new=1, changed=1, gone=1, needs_me=2, carried=1, oldest_days=2), (
        "Friday and Monday: the weekend does not make a blocker older"
    )


def test_a_first_briefing_has_nothing_to_compare_with_and_is_news() -> None:
    found = compare(seen(("gh-1", Rule.ASKED)), before=None, week=WEEK)
    assert found.is_changed
    assert found.counts() == {"needs_me": 1, "carried": 0, "oldest_days": 0}


def test_the_same_again_is_no_change() -> None:
    same = seen(("gh-1", Rule.ASKED))
    assert not compare(same, before=same, week=WEEK).is_changed


@pytest.mark.parametrize("facts", [None, FactSet()])
def test_a_briefing_without_facts_counts_nothing(facts: FactSet | None) -> None:
    assert compare(facts, before=None, week=WEEK) == Comparison()


def test_a_briefing_is_told_as_its_owner_wants_and_always_over_a_gap() -> None:
    for condition, is_changed, needs_me, is_gap in product(Condition, (0, 1), (0, 1), (False, True)):
        coverage = [
            {"provider": "github", "state": "revoked" if is_gap else "read"},
            {"provider": "slack", "state": "not_connected"},
        ]
        is_told = is_worth_telling(
            condition,
            comparison=Comparison(is_first=False, new=is_changed, needs_me=needs_me),
            coverage=coverage,
            granted=("github",),
        )
        wanted = {Condition.ALWAYS: True, Condition.IF_CHANGED: is_changed, Condition.IF_NEEDS_ME: needs_me}
        assert is_told == bool(is_gap or wanted[condition])


@pytest.mark.parametrize(
    ("entry", "is_away"),
    [
        ({"kind": "out_of_office", "start": "2026-05-04T08:00+02:00", "end": "2026-05-04T10:00+02:00"}, True),
        ({"kind": "out_of_office", "start": "2026-05-04T09:01+02:00", "end": "2026-05-04T10:00+02:00"}, False),
        ({"kind": "out_of_office", "start": "2026-05-04T08:00+02:00", "end": "2026-05-04T09:00+02:00"}, False),
        ({"kind": "out_of_office", "start": "2026-05-01", "end": "2026-05-05", "all_day": True}, True),
        ({"kind": "out_of_office", "start": "2026-05-01", "end": "2026-05-04", "all_day": True}, False),
        ({"kind": "focus_time", "start": "2026-05-04T08:00+02:00", "end": "2026-05-04T10:00+02:00"}, False),
        ({}, False),
    ],
)
def test_an_absence_holds_from_its_begin_until_its_end(entry: dict[str, object], is_away: bool) -> None:
    assert holds_at(entry, at=NOW, week=WEEK) is is_away
