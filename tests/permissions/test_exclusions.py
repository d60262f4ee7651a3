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


def hides(*, title: str = "#4 Retries", url: str = "https://github.com/acme/web/pull/4", **fields: Any) -> bool:
    return EXCLUDED.hides(title=title, url=url, fields=fields)


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
        {"repo": "Acme/Payroll"},
        {"repo": "shadow/tool"},
        # A review says its repository in its address alone.
        {"url": "https://github.com/acme/payroll/pull/4#pullrequestreview-1"},
        {"url": "https://github.com/ACME/pay%72oll/pull/4"},
        # A check of a CI elsewhere says it in its fields alone.
        {"url": "https://ci.example/1", "repo": "acme/payroll"},
        {"channel": "#HR"},
        {"url": "https://acme.slack.com/archives/C0SECRET1/p1700000000000100"},
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
        {"repo": "acme/web"},
        {"channel": "#hr-news"},
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
    assert not Exclusions().hides(title="t", url="https://github.com/acme/payroll", fields=item)
    assert not Exclusions().refuses("acme/payroll")


@pytest.mark.parametrize("text", ["Stra\u00dfe", "STRASSE", " stra\u200bsse "])
def test_what_a_reader_takes_for_the_same_is_the_same(text: str) -> None:
    assert normal(text) == "strasse"
