"""What is read when the model answered without reading."""

from agent.reads import last_working_day
from tests.agent.scripted import NOW


def test_the_last_working_day_skips_the_weekend() -> None:
    monday = NOW.date()
    assert last_working_day(monday).isoformat() == "2026-11-20"
    assert last_working_day(last_working_day(monday)).isoformat() == "2026-11-19"
