"""What comes from outside is a value of ours or nothing."""

import pytest
from pydantic import TypeAdapter, ValidationError

from agent.api.wire import Line, Link, Wire, parse
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
