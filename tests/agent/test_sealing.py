"""A sealed text opens in its own place under its own key, and nowhere else."""

from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import ImproperlyConfigured

from agent import content_keys
from agent.errors import ContentClosedError
from agent.sealing import Place, seal, unseal

PLACE = Place("event.frame", UUID(int=1), 7)
OLD, NEW = content_keys.new_entry(1), content_keys.new_entry(2)


@pytest.mark.parametrize("text", ["", "Brief me", "ünïcödé 🔐", "a NUL \x00 inside", "x" * 100_000])
def test_what_is_sealed_opens_again(text: str) -> None:
    record = seal(text, place=PLACE)
    assert unseal(record, place=PLACE) == text
    assert unseal(memoryview(record), place=PLACE) == text
    assert len(text) < 8 or text.encode() not in record


def test_the_same_text_is_never_sealed_alike() -> None:
    assert seal("Brief me", place=PLACE) != seal("Brief me", place=PLACE)


def test_half_of_a_surrogate_pair_becomes_a_question_mark() -> None:
    assert unseal(seal("half \ud83d", place=PLACE), place=PLACE) == "half ?"


@pytest.mark.parametrize(
    "place",
    [
        Place("run.answer", UUID(int=1), 7),
        Place("event.frame", UUID(int=2), 7),
        Place("event.frame", UUID(int=1), 8),
        Place("event.frame", UUID(int=1)),
    ],
)
def test_a_record_that_is_moved_does_not_open(place: Place) -> None:
    with pytest.raises(ContentClosedError):
        unseal(seal("Brief me", place=PLACE), place=place)


def test_a_record_that_is_changed_does_not_open() -> None:
    record = seal("Brief me", place=PLACE)
    for at in range(len(record)):
        changed = bytearray(record)
        changed[at] ^= 1
        with pytest.raises(ContentClosedError):
            unseal(bytes(changed), place=PLACE)
    for end in range(len(record)):
        with pytest.raises(ContentClosedError):
            unseal(record[:end], place=PLACE)


def test_after_a_rotation_old_records_open_and_new_ones_have_the_first_key(settings: Any) -> None:
    settings.CONTENT_KEYS = OLD
    before = seal("Brief me", place=PLACE)
    settings.CONTENT_KEYS = f"{NEW},{OLD}"
    assert unseal(before, place=PLACE) == "Brief me"
    after = seal("Brief me", place=PLACE)
    settings.CONTENT_KEYS = NEW
    assert unseal(after, place=PLACE) == "Brief me"
    with pytest.raises(ContentClosedError):
        unseal(before, place=PLACE)


@pytest.mark.parametrize("keys", ["", content_keys.new_entry(1), "garbage"], ids=["none", "another", "garbage"])
def test_without_its_key_a_record_does_not_open(settings: Any, keys: str) -> None:
    settings.CONTENT_KEYS = OLD
    record = seal("Brief me", place=PLACE)
    settings.CONTENT_KEYS = keys
    with pytest.raises(ContentClosedError):
        unseal(record, place=PLACE)


def test_nothing_is_sealed_without_a_key(settings: Any) -> None:
    settings.CONTENT_KEYS = ""
    with pytest.raises(ImproperlyConfigured, match="CONTENT_KEYS is not set"):
        seal("Brief me", place=PLACE)
