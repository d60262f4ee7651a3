"""Marks a test with the requirement it proves; its file names the RFC, `test_rfc8693*.py`, its name the section."""

from collections.abc import Callable
from typing import TypeVar

Test = TypeVar("Test", bound=Callable[..., object])


def requires(section: str, sentence: str) -> Callable[[Test], Test]:
    """Say that the test below proves the requirement `sentence` of `section`; `page` reads this without running it."""
    assert section, "A requirement stands in a section."
    assert sentence.endswith("."), "A requirement is one sentence."
    return lambda test: test
