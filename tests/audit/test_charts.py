"""The charts show each event once, in the lane, slot and hour of the reader's zone where it belongs."""

from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import pytest

from audit.charts import LANE, SLOT, SPANS, Lanes, draw_lanes, draw_week, find_span
from audit.counting import Count
from audit.events import Outcome

NOW = datetime(2026, 11, 22, 13, 20, tzinfo=UTC)
SERVICES = {"github": "GitHub", "slack": "Slack"}
_ids = count(1)


def counted(at: datetime, *, provider: str = "slack", outcome: Outcome = Outcome.GRANTED, number: int = 1) -> Count:
    return Count(at, provider, outcome, number, next(_ids))


def lanes_of(*counts: Count, span: str = "day", zone: str = "UTC", now: datetime = NOW) -> Lanes:
    return draw_lanes(counts, services=SERVICES, app="DevContext", span=find_span(span), now=now, zone=ZoneInfo(zone))


def test_the_lanes_are_the_services_in_their_order_and_the_app() -> None:
    lanes = lanes_of(counted(NOW, provider=""), counted(NOW, provider="myspace"))
    assert [(lane.name, lane.y) for lane in lanes.lanes] == [("GitHub", 0), ("Slack", LANE), ("DevContext", 2 * LANE)]
    assert [mark.number for mark in lanes.lanes[2].slots[0].marks] == [2]
    assert lanes.height == 3 * LANE


@pytest.mark.parametrize("span", [span.name for span in SPANS])
def test_the_newest_event_is_in_the_last_slot_and_none_is_out_of_the_drawing(span: str) -> None:
    found = find_span(span)
    length = timedelta(hours=found.hours)
    counts = [counted(NOW - timedelta(minutes=5) - place * length) for place in range(found.slots + 9)]
    (slack,) = (lane for lane in lanes_of(*counts, span=span).lanes if lane.slots)
    assert [slot.x for slot in slack.slots] == [place * SLOT for place in range(found.slots)][-len(slack.slots) :]
    assert slack.slots[-1].began_at <= NOW < slack.slots[-1].ended_at
    assert slack.slots[-1].before == counts[0].newest_id + 1


def test_what_happened_in_one_slot_is_one_mark_for_each_outcome_and_more_are_larger() -> None:
    (slot,) = (
        lanes_of(
            counted(NOW, number=30),
            counted(NOW - timedelta(minutes=15), number=2),
            counted(NOW, outcome=Outcome.DENIED),
            counted(NOW, outcome=Outcome.FAILED, number=3),
        )
        .lanes[1]
        .slots
    )
    assert [(mark.name, mark.number) for mark in slot.marks] == [("Granted", 32), ("Denied", 1), ("Failed", 3)]
    granted, denied, failed = (mark.radius for mark in slot.marks)
    assert granted > failed > denied
    assert len({(mark.x, mark.y) for mark in slot.marks}) == 3


def test_days_are_those_of_the_reader() -> None:
    lanes = lanes_of(counted(NOW), span="month", zone="Pacific/Auckland")
    # In Auckland it is the early morning of the 23rd.
    assert lanes.lanes[1].slots[0].began_at.isoformat() == "2026-11-23T00:00:00+13:00"


def test_a_change_of_the_clocks_loses_no_event_and_counts_none_twice() -> None:
    now = datetime(2026, 11, 2, 12, tzinfo=UTC)
    counts = [counted(now - timedelta(minutes=15 * quarter)) for quarter in range(4 * 24 * 3)]
    assert lanes_of(*counts, span="week", zone="America/New_York", now=now).number == len(counts)


def test_hours_of_the_week_are_those_of_the_reader() -> None:
    week = draw_week([counted(NOW, number=4), counted(NOW, number=1, provider="")], zone=ZoneInfo("Asia/Kathmandu"))
    # 13:20 UTC on a Sunday is 19:05 there.
    sunday = week.days[6]
    assert (str(sunday.name), sunday.hours[19].number) == ("Sunday", 5)
    assert (week.number, week.most) == (5, 5)
    assert sum(hour.size > 4 for day in week.days for hour in day.hours) == 1


def test_a_single_event_is_seen_beside_a_thousand() -> None:
    week = draw_week([counted(NOW, number=1000), counted(NOW - timedelta(hours=5))], zone=UTC)
    hours = week.days[6].hours
    assert hours[13].size > hours[8].size > hours[9].size


def test_nothing_is_drawn_of_nothing() -> None:
    assert (lanes_of().number, draw_week([], zone=UTC).most) == (0, 0)
