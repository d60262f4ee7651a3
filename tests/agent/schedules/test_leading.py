"""Which process looks for what is due, one at a time, and that it is known where none does. Time is given."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User

from agent.schedules import leading, occurrences
from agent.schedules.leading import Attendance
from tests.agent.schedules.conftest import at_once, due_row, make_schedule

pytestmark = pytest.mark.django_db(databases=["default"], transaction=True)

NINE = datetime(2026, 5, 4, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_one_process_at_a_time_looks_for_what_is_due() -> None:
    assert leading.lead(owner="a", now=NINE)
    assert not leading.lead(owner="b", now=NINE + MINUTE)
    assert leading.lead(owner="a", now=NINE + 2 * MINUTE)
    assert not leading.lead(owner="b", now=NINE + 5 * MINUTE)
    assert leading.lead(owner="b", now=NINE + 6 * MINUTE), "the other one died"
    leading.resign(owner="a")
    assert not leading.lead(owner="a", now=NINE + 6 * MINUTE)
    leading.resign(owner="b")
    assert leading.lead(owner="a", now=NINE + 6 * MINUTE)


def test_of_eight_processes_at_once_one_leads() -> None:
    names = iter("abcdefgh")
    leads = at_once(lambda: leading.lead(owner=next(names), now=NINE))
    assert sum(map(bool, leads)) == 1


def test_who_looked_a_moment_ago_is_there_and_who_did_not_for_three_minutes_is_not() -> None:
    assert leading.find_attendance(now=NINE) == Attendance(is_attended=False, seen_at=None)
    leading.lead(owner="a", now=NINE)
    assert leading.find_attendance(now=NINE + leading.LEASE) == Attendance(is_attended=True, seen_at=NINE)
    late = NINE + leading.LEASE + timedelta(seconds=1)
    assert leading.find_attendance(now=late) == Attendance(is_attended=False, seen_at=NINE)


def test_who_runs_a_briefing_is_there_though_it_looks_for_no_other(alice: User) -> None:
    """Every worker may be at a long one, so that no tick is taken for a while."""
    occurrence = due_row(make_schedule(alice, now=NINE), begins_at=NINE)
    assert not leading.find_attendance(now=NINE).is_attended, "what waits is nobody's work"
    claimed = occurrences.claim(occurrence.id, now=NINE)
    assert claimed is not None
    assert leading.find_attendance(now=NINE + occurrences.LEASE).is_attended
    assert not leading.find_attendance(now=NINE + 2 * occurrences.LEASE).is_attended, "its process died"
