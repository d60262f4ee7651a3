"""What a search asks for: every qualifier, kind sentences for the rest, and no text that breaks it."""

import random
from datetime import UTC, datetime

import pytest

from audit.events import Event
from audit.search import MAX_CHARACTERS, MAX_WORDS, Search, list_events, parse

SERVICES = ("github", "google-calendar", "slack")
TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
PIECES = [
    *("service:slack", "service:github", "outcome:denied", "actor:schedule", "event:vault", "event:denied"),
    *("tool:slack_mentions", "run:run-1", "after:2026-11-01", "before:2026-11-09", "reason:revoked", '"in a row"'),
    *("service:nope", "user:7", "x:y", "::", '"', ":", "10:30", f"token:{TOKEN}", f"token:{'a' * 32}"),
    *("after:0001-01-01", "\0", "\u202e", "\ud800", "'; DROP TABLE", "<script>", "%", "\u0663", "a" * 500, 'a"b', "\n"),
]
DICE = random.Random(2026)  # noqa: S311  (no secret, and a failure that can be seen again)
TEXTS = [" ".join(DICE.choices(PIECES, k=length % 12)) for length in range(1500)]
TEXTS += ["".join(DICE.choices('abz:" \0-0', k=length % 40)) for length in range(1500)]


def search(text: str, *, is_auditor: bool = False) -> Search:
    """Return a search as the page reads it."""
    return parse(text, services=SERVICES, is_auditor=is_auditor)


def test_every_qualifier_is_read() -> None:
    found = search(
        "service:slack outcome:denied actor:schedule tool:slack_mentions run:run-1 event:vault:exchange "
        f"after:2026-11-01 before:2026-11-09 reason:revoked token:{'0a' * 16} mentions"
    )
    assert found.mistakes == ()
    values = {part.name: part.value for part in found.parts}
    assert values == {
        "service": "slack",
        "outcome": "denied",
        "actor": "schedule",
        "tool": "slack_mentions",
        "run": "run-1",
        "event": "vault:exchange",
        "after": "2026-11-01",
        "before": "2026-11-09",
        "reason": "revoked",
        "token": "0a" * 16,
        "": "mentions",
    }
    assert found.day("after") == datetime(2026, 11, 1, tzinfo=UTC)
    assert found.events == tuple(event for event in Event if event.startswith("vault:exchange:"))


def test_words_in_a_row_are_one_word() -> None:
    assert search('"token exchanged" slack').words == ("token exchanged", "slack")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("colour:red", "There is no “colour:” to search by; there is service:, outcome:, actor:"),
        ("user:7", "There is no “user:” to search by"),
        ("service:jira", "“service:jira” filters nothing: there is github, google-calendar, slack."),
        ("outcome:maybe", "there is granted, denied, failed, noted."),
        ("event:nonsense", "there is account:factor, account:session"),
        ("after:yesterday", "it takes a day, written as 2026-11-01."),
        ("before:0001-01-01", "it takes a day, written as 2026-11-01."),
        ("before:9999-12-31", "it takes a day, written as 2026-11-01."),
        ("reason:Not-A-Code", "it takes a code such as revoked."),
        ('run:"a b"', "it takes the id of a run."),
    ],
)
def test_what_is_not_understood_filters_nothing_stays_and_is_told_with_what_is_known(text: str, told: str) -> None:
    found = search(f"{text} slack")
    assert [part.text for part in found.parts] == ["slack"]
    assert (len(found.mistakes), told in found.mistakes[0]) == (1, True)
    assert found.text == f"slack {text}"


def test_a_qualifier_that_is_given_twice_counts_as_it_is_given_last() -> None:
    found = search("service:slack service:github")
    assert found.value("service") == "github"
    assert found.mistakes == ("“service:” was given more than once; github is looked for.",)
    assert search("service:slack service:slack").mistakes == ()


@pytest.mark.parametrize(
    "text", [f"token:{TOKEN}", TOKEN, f'"{TOKEN} x"', f"run:{TOKEN}", f"x:{TOKEN}", "token:secret"]
)
def test_a_token_is_searched_for_and_repeated_nowhere(text: str) -> None:
    found = search(f"{text} service:slack")
    assert found.text == "service:slack"
    assert text not in repr(found)
    assert found.mistakes == ("A token is never searched for: “token:” takes its fingerprint, 32 hexadecimal digits.",)


def test_an_auditor_may_ask_whose() -> None:
    assert search("user:7", is_auditor=True).value("user") == "7"


def test_too_many_words_and_too_much_text_are_told() -> None:
    found = search(" ".join(f"word{number}" for number in range(MAX_WORDS + 1)))
    assert (len(found.words), found.rest) == (MAX_WORDS, (f"word{MAX_WORDS}",))
    assert search("a" * (MAX_CHARACTERS + 1)).mistakes == (
        f"Only the first {MAX_CHARACTERS} characters were looked at.",
    )


def test_an_event_is_named_in_full_by_how_it_begins_or_by_how_it_ends() -> None:
    assert list_events("vault:exchange:denied") == ["vault:exchange:denied"]
    assert "vault:exchange:denied" in list_events("vault")
    assert set(list_events("denied")) == {event for event in Event if event.endswith(":denied")}
    assert [list_events("exchange"), list_events(""), list_events("vault:ex")] == [[], [], []]


def test_whatever_is_typed_is_read_and_reads_the_same_again() -> None:
    """Links are made of what was read: who follows one asks for the same."""
    for text in TEXTS:
        found = search(text)
        assert set(search(found.text).parts) == set(found.parts)
        assert TOKEN not in found.text


def test_taking_a_part_out_leaves_the_others() -> None:
    for text in TEXTS:
        found = search(text)
        for part in found.parts:
            without = set(search(found.without(part)).parts)
            # A word too many takes its place.
            assert set(found.parts) - {part} <= without
            assert part not in without


def test_another_value_takes_the_place_of_the_first() -> None:
    for text in TEXTS:
        found = search(search(text).replacing("service", value="google-calendar"))
        assert found.value("service") == "google-calendar"
        assert search(found.replacing("service", value="")).value("service") == ""
