"""Dates and datetimes mean what they mean to the user, in their zone, and never an endless window."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError

from agent.briefing.working_week import WorkingWeek
from agent.errors import ToolFailedError
from agent.tool import ReadContext
from agent.tools.moments import Moment, agenda_window, past_window


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    "text", ["2026-11-20", "2026-11-20T09:30", "2026-11-20T09:30:00Z", "2026-11-20T09:30:00+01:00"]
)
def test_a_moment_is_an_iso_date_or_datetime(text: str) -> None:
    assert TypeAdapter[str](Moment).validate_python(text) == text


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "2026-11-20T25:00", "0001-01-01", "9999-12-31", "1" * 41]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[str](Moment).validate_python(text)


def test_a_date_begins_at_midnight_in_the_users_zone(read_context: ReadContext) -> None:
    window = past_window("2026-11-20", context=read_context)
    assert window.start == _at("2026-11-20T00:00:00+01:00")
    assert window.end == read_context.now


def test_a_date_as_an_end_means_that_whole_day(read_context: ReadContext) -> None:
    window = past_window("2026-11-19", until="2026-11-20", context=read_context)
    assert window.end == _at("2026-11-21T00:00:00+01:00")


def test_an_offset_is_kept_and_none_is_the_users_zone(read_context: ReadContext) -> None:
    window = past_window("2026-11-20T09:00", until="2026-11-20T09:00:00Z", context=read_context)
    assert (window.start, window.end) == (_at("2026-11-20T08:00:00Z"), _at("2026-11-20T09:00:00Z"))


def test_without_a_date_activity_begins_on_the_last_working_day(read_context: ReadContext) -> None:
    """Monday's last working day is Friday."""
    assert past_window(None, context=read_context).start == _at("2026-11-20T00:00:00+01:00")


def test_the_day_is_the_users_not_utcs(read_context: ReadContext) -> None:
    """At 23:30 UTC on Sunday it is Monday in Berlin and still Sunday in New York."""
    late = replace(read_context, now=datetime(2026, 11, 22, 23, 30, tzinfo=UTC))
    assert agenda_window(None, end=None, context=late).start == _at("2026-11-23T00:00:00+01:00")
    there = replace(late, week=WorkingWeek(time_zone=ZoneInfo("America/New_York")))
    assert agenda_window(None, end=None, context=there).start == _at("2026-11-22T00:00:00-05:00")


def test_the_future_of_the_past_is_now(read_context: ReadContext) -> None:
    assert past_window("2026-11-20", until="2027-01-01", context=read_context).end == read_context.now


def test_a_long_window_is_cut_and_says_so(read_context: ReadContext) -> None:
    past = past_window("2020-01-01", context=read_context)
    assert (read_context.now - past.start).days == 31
    assert past.warnings == ("Only the last 31 days were read.",)
    agenda = agenda_window("2026-11-23", end="2027-11-23", context=read_context)
    assert (agenda.end - agenda.start).days == 31
    assert agenda.warnings == ("Only the first 31 days were read.",)


def test_an_agenda_without_an_end_is_one_day(read_context: ReadContext) -> None:
    window = agenda_window("2026-11-24T13:00", end=None, context=read_context)
    assert (window.start, window.end) == (_at("2026-11-24T13:00:00+01:00"), _at("2026-11-25T00:00:00+01:00"))


def test_a_day_of_a_clock_change_has_its_real_length(read_context: ReadContext) -> None:
    """In Berlin 25 October 2026 has 25 hours."""
    window = agenda_window("2026-10-25", end=None, context=read_context)
    assert window.end.timestamp() - window.start.timestamp() == 25 * 3600


def test_an_empty_window_is_a_bad_argument(read_context: ReadContext) -> None:
    for ask in (
        lambda: past_window("2026-11-24", context=read_context),
        lambda: past_window("2026-11-20", until="2026-11-19", context=read_context),
        lambda: agenda_window("2026-11-24", end="2026-11-22", context=read_context),
    ):
        with pytest.raises(ToolFailedError) as caught:
            ask()
        assert caught.value.code == "bad_arguments"
