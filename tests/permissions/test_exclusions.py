"""What exclusions hide, by place, by word and by being private; and what they leave alone."""

from typing import Any

import pytest

from permissions.exclusions import Exclusions, normal

EXCLUDED = Exclusions(
    repositories=frozenset({"acme/payroll"}),
    organisations=frozenset({"shadow"}),
    channels=frozenset({"hr", "c0secret1"}),
    words=frozenset({"project x", "strasse"}),
    hides_private_events=True,
)


def hides(*, title: str = "#4 Retries", places: tuple[str, ...] = ("acme/web",), **fields: Any) -> bool:
    return EXCLUDED.hides(title=title, places=places, fields=fields)


@pytest.mark.parametrize(
    "place", ["acme/payroll", "Acme/PayRoll", " acme/payroll ", "shadow/anything", "SHADOW/x", "#hr", "hr", "#HR"]
)
def test_a_place_that_is_left_out_is_refused_however_it_is_spelt(place: str) -> None:
    assert EXCLUDED.refuses(place)


@pytest.mark.parametrize("place", ["acme/web", "acme/payroll-ui", "payroll", "x/shadow", "shadow", "#hr-news", ""])
def test_other_places_are_not(place: str) -> None:
    assert not EXCLUDED.refuses(place)


@pytest.mark.parametrize(
    "item",
    [
        {"places": ("Acme/Payroll",)},
        {"places": ("shadow/tool",)},
        {"places": ("#HR",)},
        {"places": ("#open", "C0SECRET1")},
        {"is_private": True},
        {"title": "#4 Start of Project X"},
        {"text": "so, PROJECT\n\tX it is"},
        {"title": "Pro\u200bject X"},
        {"title": "\uff30roject X"},
        {"comments": [{"by": "bob", "text": "see project x"}]},
        {"location": "Lange Stra\u00dfe 4"},
    ],
    ids=str,
)
def test_what_is_from_there_or_shows_the_word_is_hidden(item: dict[str, Any]) -> None:
    assert hides(**item)


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"places": ()},
        {"places": ("#hr-news", "C0OPEN1")},
        # A field is what somebody wrote, and no place.
        {"repo": "acme/payroll"},
        {"is_private": False},
        {"title": "Projects X"},
        {"text": "project xy"},
    ],
    ids=str,
)
def test_everything_else_is_shown(item: dict[str, Any]) -> None:
    assert not hides(**item)


def test_no_exclusions_hide_nothing() -> None:
    item = {"repo": "acme/payroll", "is_private": True, "text": "project x"}
    assert not Exclusions().hides(title="t", places=("acme/payroll",), fields=item)
    assert not Exclusions().refuses("acme/payroll")


@pytest.mark.parametrize("text", ["Stra\u00dfe", "STRASSE", " stra\u200bsse "])
def test_what_a_reader_takes_for_the_same_is_the_same(text: str) -> None:
    assert normal(text) == "strasse"
