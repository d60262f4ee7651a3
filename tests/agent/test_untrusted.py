"""Text from outside: what a person cannot see never reaches the model."""

import asyncio
import unicodedata

import pytest

from agent.untrusted import MAX_ENTRIES, clean_text, clean_value, noticing


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain", "plain"),
        ("a\u202eb\u2066c", "abc"),  # bidi controls: the reader sees another order than the model
        ("i\u200bg\u200dn\ufeffore", "ignore"),  # zero width
        ("".join(chr(0xE0000 + ord(letter)) for letter in "obey") + "ok", "ok"),  # tag characters: an invisible prompt
        ("a\ufe0f\U000e0100b", "ab"),  # variation selectors carry bytes
        ("a\u3164b\u115fc", "abc"),  # fillers
        ("a\x00\x1b[31mb", "a[31mb"),
        ("e\u0301", "\u00e9"),  # NFC
        ("one\r\ntwo\u2028three", "one\n\ntwo\nthree"),
        ("  padded  ", "padded"),
    ],
)
def test_hidden_characters_are_taken_out(text: str, cleaned: str) -> None:
    assert clean_text(text) == cleaned


def test_each_hidden_character_is_taken_out_of_a_text_that_is_plain_otherwise() -> None:
    fillers = "\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufe00\ufe0f\U000e0000\U000e0fff\ue000\udfff\U0010fffd"
    hidden = [chr(point) for point in range(0x20000) if unicodedata.category(chr(point)) in ("Cc", "Cf")]
    for character in {*fillers, *hidden} - {*"\n\t\r\u0085"}:
        assert clean_text(f"one{character}two") == "onetwo", hex(ord(character))


@pytest.mark.parametrize("text", ["Grüße an Tomás", "日本語の件名", "مرحبا", "🎉 shipped", "C# & <b>"])
def test_visible_text_of_every_script_stays(text: str) -> None:
    assert clean_text(text) == text


def test_long_text_is_cut_with_a_mark() -> None:
    cut = clean_text("x" * 1_000_000, max_characters=200)
    assert (len(cut), cut[-1]) == (200, "…")
    assert clean_text("x" * 200, max_characters=200) == "x" * 200


def test_text_that_hides_behind_invisible_characters_is_marked_as_cut() -> None:
    assert clean_text("\u200b" * 5000 + "payload", max_characters=10) == "…"


def test_values_are_cleaned_and_bounded_all_the_way_down() -> None:
    value = {"list": ["a\u200b"] * 99, "deep": {"a": {"b": {"c": {"d": 1}}}}, "n": 1, "none": None, "odd": object}
    cleaned = clean_value(value)
    assert cleaned["list"] == ["a"] * MAX_ENTRIES
    assert cleaned["deep"] == {"a": {"b": {"c": "…"}}}
    assert (cleaned["n"], cleaned["none"]) == (1, None)
    assert isinstance(cleaned["odd"], str)


@pytest.mark.parametrize("text", ["a\u202eb", "a\u2066b", "a\U000e0041b", "a" + "\u200b\u200c" * 4 + "b"])
def test_hidden_words_are_noticed_where_somebody_looks(text: str) -> None:
    clean_text(text)
    with noticing() as noticed:
        clean_value({"texts": ["plain", text]})
    assert noticed.has_hidden_words


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "family \U0001f468\u200d\U0001f469\u200d\U0001f467",
        "heart \u2764\ufe0f",
        "flag \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "one\u200bbreak",
    ],
)
def test_what_people_write_hides_no_words(text: str) -> None:
    with noticing() as noticed:
        clean_text(text)
    assert not noticed.has_hidden_words


async def test_what_is_cleaned_in_a_task_of_its_own_is_noticed_by_who_began_it() -> None:
    async def clean() -> None:
        clean_text("a\u202eb")

    with noticing() as outer, noticing() as inner:
        await asyncio.gather(clean(), clean())
    assert (outer.has_hidden_words, inner.has_hidden_words) == (False, True)
