"""Addresses in a hostile text are found in a time that grows with it, and not with its square."""

import pytest

from agent.briefing.addresses import remove_addresses

# With a time that grows with the square, a test of this file would take an hour.
LENGTH = 200_000


@pytest.mark.parametrize("piece", ["a.", "a-", "a", "a+", "1", "www", "a.a/", "a.aa/", "aaaaaaaaaa.", "://", "a.aa:1"])
def test_a_word_without_end_is_looked_through(piece: str) -> None:
    word = piece * (LENGTH // len(piece))
    assert remove_addresses(word) in {word, "(address left out)"}
    assert remove_addresses(f"{word} x https://evil.example").endswith(" x (address left out)")


def test_a_host_that_is_none_hides_no_other() -> None:
    assert remove_addresses("run.py?,evil.example/steal?SECRET") == "run.py?,(address left out)"


def test_a_word_is_cut_where_its_first_address_begins() -> None:
    assert remove_addresses("(https://evil.example/a) and b,www.evil.example") == (
        "((address left out) and b,(address left out)"
    )
