"""Tidewater on any day: the same day is the same world, the last working day is full, and the services agree."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from devcontext.sandbox.types import Snapshot
from devcontext.sandbox.world import tidewater_world
from devcontext.sandbox.world.days import Days, is_working_day, last_working_day

_REFERENCE = re.compile(r"\{([\w-]+)#(\d+)\}")
# A Wednesday, a Friday, a Saturday, a Sunday, a Monday, the turn of a year, a leap day and two clock changes.
DAYS = (
    "2026-11-18",
    "2026-11-20",
    "2026-11-21",
    "2026-11-22",
    "2026-11-23",
    "2027-01-01",
    "2028-02-29",
    "2026-10-25",
    "2027-03-28",
)
LONDON = ZoneInfo("Europe/London")


def _snapshot(day: str, clock: str = "12:00") -> Snapshot:
    now = datetime.fromisoformat(f"{day}T{clock}:00").replace(tzinfo=LONDON)
    return tidewater_world(clock=lambda: now.astimezone(UTC), zone=LONDON).now()


@pytest.mark.parametrize(
    ("day", "last"),
    [
        ("2026-11-18", "2026-11-17"),
        ("2026-11-21", "2026-11-20"),
        ("2026-11-22", "2026-11-20"),
        ("2026-11-23", "2026-11-20"),
    ],
)
def test_the_last_working_day_skips_the_weekend(day: str, last: str) -> None:
    assert last_working_day(date.fromisoformat(day)) == date.fromisoformat(last)


@pytest.mark.parametrize("day", DAYS)
def test_the_same_minute_gives_the_same_world(day: str) -> None:
    assert _snapshot(day) == _snapshot(day)


@pytest.mark.parametrize("day", DAYS)
def test_maya_worked_on_the_last_working_day(day: str) -> None:
    snapshot = _snapshot(day, "07:00")
    last = last_working_day(date.fromisoformat(day))
    commits = [one for one in snapshot.commits if one.author == snapshot.me]
    assert sum(one.authored_date.astimezone(LONDON).date() == last for one in commits) >= 3
    merged = [one for one in snapshot.pull_requests if one.author == snapshot.me and one.merged_at]
    assert {one.merged_at.astimezone(LONDON).date() for one in merged if one.merged_at} == {last}


@pytest.mark.parametrize("day", DAYS)
def test_today_has_commits_messages_and_meetings_whatever_day_it_is(day: str) -> None:
    snapshot, today = _snapshot(day), date.fromisoformat(day)
    assert any(one.authored_date.astimezone(LONDON).date() == today for one in snapshot.commits)
    assert any(one.at.astimezone(LONDON).date() == today for one in snapshot.messages)
    starts = [one.start.astimezone(LONDON).date() for one in snapshot.events if isinstance(one.start, datetime)]
    assert starts.count(today) >= 6
    assert today + timedelta(days=1) in starts


@pytest.mark.parametrize("day", DAYS)
def test_code_and_messages_are_of_working_days_or_today(day: str) -> None:
    snapshot, today = _snapshot(day), date.fromisoformat(day)
    instants = [one.authored_date for one in snapshot.commits] + [one.at for one in snapshot.messages]
    days = {at.astimezone(LONDON).date() for at in instants}
    assert all(is_working_day(one) or one == today for one in days)


@pytest.mark.parametrize("clock", ["00:00", "08:10", "08:33", "23:59"])
def test_nothing_of_the_future_is_seen(clock: str) -> None:
    snapshot = _snapshot("2026-11-18", clock)
    works = (*snapshot.pull_requests, *snapshot.issues)
    seen = [one.authored_date for one in snapshot.commits] + [one.at for one in snapshot.messages]
    seen += [comment.created_at for work in works for comment in work.comments]
    seen += [review.submitted_at for pull in snapshot.pull_requests for review in pull.reviews]
    assert max(seen) <= snapshot.now


@pytest.mark.parametrize("day", DAYS)
def test_a_review_has_waited_for_at_least_four_days(day: str) -> None:
    snapshot = _snapshot(day)
    waiting = [one for one in snapshot.pull_requests if snapshot.me in one.requested]
    ages = [date.fromisoformat(day) - one.created_at.astimezone(LONDON).date() for one in waiting]
    assert max(ages) >= timedelta(days=4)


def test_every_reference_in_a_meeting_or_message_is_something_on_github() -> None:
    snapshot = _snapshot("2026-11-18")
    texts = [one.text for one in snapshot.messages] + [one.description for one in snapshot.events]
    references = {match for text in texts for match in _REFERENCE.findall(text)}
    known = {(one.repository.name, str(one.number)) for one in (*snapshot.pull_requests, *snapshot.issues)}
    assert references <= known
    assert ("ledger", "88") in references


def test_the_days_one_pull_request_runs_through_all_three_services() -> None:
    snapshot = _snapshot("2026-11-18")
    assert any(one.number == 88 and one.state == "OPEN" for one in snapshot.pull_requests)
    assert any("{ledger#88}" in one.description for one in snapshot.events)
    assert any("{ledger#88}" in one.text for one in snapshot.messages)


def test_every_message_has_a_number_of_its_own_and_every_thread_a_root() -> None:
    messages = _snapshot("2026-11-18").messages
    assert len({one.at.microsecond for one in messages}) == len(messages)
    roots = {(one.channel_id, one.at) for one in messages}
    assert {(one.channel_id, one.thread_at) for one in messages if one.thread_at} <= roots


def test_ids_stay_while_the_days_move_on() -> None:
    """A link in an older briefing still leads to what it was made from."""
    before, after = _snapshot("2026-11-18"), _snapshot("2026-11-20")
    assert {one.oid for one in before.commits} == {one.oid for one in after.commits}
    assert {one.at.microsecond for one in before.messages} == {one.at.microsecond for one in after.messages}


def test_days_count_back_over_weekends() -> None:
    days = Days(datetime(2026, 11, 22, 9, tzinfo=UTC), ZoneInfo("UTC"))
    assert days.working_day(0) == date(2026, 11, 22)
    assert days.working_day(2) == date(2026, 11, 19)
    assert days.days_ago(8, "10:00").date() == date(2026, 11, 13)
