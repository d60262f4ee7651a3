"""What comes from outside is a value of ours or nothing."""

from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError

from agent.api.wire import Day, Instant, Line, Link, Wire, parse
from agent.errors import ToolFailedError


class Thing(Wire):
    """A thing with a name."""

    thing_name: Line
    url: Link


def test_additions_are_ignored() -> None:
    thing = parse(Thing, provider="github", data={"thingName": "a", "url": "https://github.com/a", "new": 1})
    assert (thing.thing_name, thing.url) == ("a", "https://github.com/a")


@pytest.mark.parametrize("data", [None, [], "x", {}, {"thingName": 1, "url": "https://github.com"}])
def test_what_does_not_fit_is_an_unusable_answer_without_its_words(data: object) -> None:
    with pytest.raises(ToolFailedError) as caught:
        parse(Thing, provider="github", data=data)
    assert caught.value.code == "upstream_unavailable"
    assert caught.value.__suppress_context__


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//github.com/a",
        "https://",
        "https://user@github.com/a",
        "https://github.com/a b",
        "https://github.com/\u202e",
        "https://github.com/\n",
        "https://github.com/" + "a" * 2_000,
    ],
)
def test_a_link_is_a_plain_web_address(url: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[str](Link).validate_python(url)


def test_a_line_is_one_visible_line() -> None:
    """Zero-width and tag characters can carry what nobody sees."""
    hidden = "Fix\u200b \U000e0041the\n\n  tests\u202e"
    assert TypeAdapter[str](Line).validate_python(hidden) == "Fix the tests"
    assert len(TypeAdapter[str](Line).validate_python("x" * 10_000)) == 200


@pytest.mark.parametrize(
    ("text", "year"),
    [("0001-01-01T00:00:00+14:00", 1900), ("9999-12-31T23:59:59-14:00", 2200), ("2026-11-20T10:00:00Z", 2026)],
)
def test_an_instant_beyond_the_calendar_is_moved_to_its_edge(text: str, year: int) -> None:
    """Anybody can date a commit to the year 9999; a change of its zone would overflow."""
    moved = TypeAdapter(Instant).validate_python(text)
    assert moved.year == year
    assert moved.astimezone(ZoneInfo("Pacific/Kiritimati")).isoformat()


def test_an_instant_without_an_offset_is_refused() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Instant).validate_python("2026-11-20T10:00:00")


def test_a_day_beyond_the_calendar_is_moved_to_its_edge() -> None:
    assert [TypeAdapter(Day).validate_python(day).year for day in ("0001-01-01", "9999-12-31")] == [1900, 2200]
