"""What changed since the last briefing: a set difference that a source which was not read never falsifies."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from agent.briefing.facts import gather, write
from agent.briefing.facts.types import Facts, FactSet, Rule, Seen
from agent.briefing.types import Reading
from tests.agent.briefing.readings import BERLIN, NOW, WINDOW, mention, pull_request, reading, request

FRIDAY = datetime(2026, 11, 20, 9, tzinfo=BERLIN)


def on_friday(*seen: tuple[str, Rule]) -> FactSet:
    return FactSet(FRIDAY, tuple(Seen(evidence, rule, FRIDAY) for evidence, rule in seen))


def gathered(*readings: Reading, previous: FactSet | None) -> Facts:
    return gather(readings, window=WINDOW, previous=previous)


def test_the_first_briefing_has_nothing_to_compare_with() -> None:
    facts = gathered(reading("github_my_pull_requests", pull_request("gh-1")), previous=None)
    assert facts.changes.since is None
    assert "changes" not in write(facts)
    assert facts.fact_set == FactSet(NOW, (Seen("gh-1", Rule.AWAITS_REVIEW, NOW),))


def test_new_changed_and_gone_are_told_apart() -> None:
    previous = on_friday(("gh-1", Rule.AWAITS_REVIEW), ("gh-2", Rule.CHECKS_FAILING), ("gh-3", Rule.DRAFT))
    facts = gathered(
        reading(
            "github_my_pull_requests",
            pull_request("gh-1"),
            pull_request("gh-2", next_step="merge"),
            pull_request("gh-4"),
        ),
        previous=previous,
    )
    assert facts.changes.since == FRIDAY
    assert (facts.changes.new, facts.changes.changed) == (("gh-4",), ("gh-2",))
    assert [seen.id for seen in facts.changes.gone] == ["gh-3"]


def test_what_holds_on_counts_its_working_days() -> None:
    facts = gathered(
        reading("github_my_pull_requests", pull_request("gh-1")), previous=on_friday(("gh-1", Rule.AWAITS_REVIEW))
    )
    fact = facts.waiting_on_others[0]
    assert (fact.day, fact.is_unchanged) == (2, True)
    assert '"day":2,"unchanged":true' in write(facts)
    assert facts.fact_set.seen == (Seen("gh-1", Rule.AWAITS_REVIEW, FRIDAY),)


@pytest.mark.parametrize("fields", [{"error": "revoked"}, {"is_truncated": True}])
def test_nothing_is_gone_where_nobody_looked_or_not_to_the_end(fields: dict[str, object]) -> None:
    """A service that is not read never turns into "all clear"."""
    previous = on_friday(("gh-1", Rule.CONFLICTS))
    facts = gathered(reading("github_my_pull_requests", **fields), previous=previous)
    assert facts.changes.gone == ()
    assert facts.fact_set.seen == previous.seen


def test_nothing_is_gone_where_the_tool_was_not_called() -> None:
    assert gathered(reading("slack_mentions"), previous=on_friday(("gh-1", Rule.CONFLICTS))).changes.gone == ()


def test_an_ask_that_got_old_is_not_said_to_be_settled() -> None:
    previous = on_friday(("sl-1", Rule.ASKED))
    facts = gathered(reading("slack_mentions"), reading("github_mentions"), previous=previous)
    assert facts.changes.gone == ()
    assert facts.fact_set.seen == ()


def test_what_was_not_looked_for_in_a_month_is_forgotten() -> None:
    old = Seen("gh-1", Rule.CONFLICTS, NOW - timedelta(days=32))
    assert gathered(reading("slack_mentions"), previous=FactSet(FRIDAY, (old,))).fact_set.seen == ()


def test_a_review_that_became_overdue_changed_and_is_not_gone() -> None:
    facts = gathered(
        reading("github_review_requests", request("gh-2", opened_at="2026-11-20T08:00+01:00")),
        previous=on_friday(("gh-2", Rule.REVIEW_REQUESTED)),
    )
    assert (facts.changes.changed, facts.changes.gone) == (("gh-2",), ())


def test_the_same_day_again_changes_nothing() -> None:
    readings = (
        reading("github_my_pull_requests", pull_request("gh-1", next_step="merge")),
        reading("github_review_requests", request("gh-2")),
        reading("slack_mentions", mention("sl-1", "could you?", answered=False)),
    )
    first = gathered(*readings, previous=None)
    again = gathered(*readings, previous=first.fact_set)
    assert (again.changes.new, again.changes.changed, again.changes.gone) == ((), (), ())
    assert all(fact.is_unchanged and fact.day == 1 for fact in again.states())
    assert replace(again.fact_set, made_at=None) == replace(first.fact_set, made_at=None)
