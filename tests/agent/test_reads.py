"""What is read when the model answered without reading."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from agent.briefing.working_week import WorkingWeek
from agent.reads import default_reads
from tests.agent.scripted import kit, tool


def test_the_default_reads_reach_back_to_the_users_own_last_working_day() -> None:
    toolkit = kit(tool("slack_mentions", provider="slack")).toolkit
    assert default_reads(toolkit) == [("slack_mentions", {"since": "2026-11-20"})]
    sundays = WorkingWeek(time_zone=ZoneInfo("Europe/Berlin"), weekdays=(6, 0))
    toolkit.context = replace(toolkit.context, week=sundays)
    assert default_reads(toolkit) == [("slack_mentions", {"since": "2026-11-22"})]
