"""Slack's markup becomes what a person reads, and nothing else becomes markup."""

import pytest

from agent.tools.slack_text import MAX_CHARACTERS, mentioned, plain

NAMES = {"U1": "Alice"}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("<@U1> hi", "@Alice hi"),
        ("<@U2|bob> hi", "@bob hi"),
        ("<@U2> hi", "@someone hi"),
        ("see <#C1|general>", "see #general"),
        ("see <#C1>", "see #a channel"),
        ("<!here> and <!channel|everybody>", "@here and @channel"),
        ("<!subteam^S1|@backend>", "@backend"),
        ("<https://example.com/a|the plan>", "the plan"),
        ("<https://example.com/a>", "https://example.com/a"),
        ("<mailto:a@example.com|a@example.com>", "a@example.com"),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("&amp;lt;", "&lt;"),
        ("&lt;@U1&gt;", "<@U1>"),
        ("<javascript:alert(1)|x>", "<javascript:alert(1)|x>"),
    ],
)
def test_markup_is_read_as_a_person_reads_it(text: str, read: str) -> None:
    assert plain(text, names=NAMES) == read


def test_who_is_mentioned_is_known_before_names_are() -> None:
    assert mentioned("<@U1> and <@W2|b> not <@D3> nor &lt;@U4&gt;") == ("U1", "W2")


def test_a_million_characters_take_no_longer_than_a_few_thousand() -> None:
    assert len(plain("<@U1" * 1_000_000, names=NAMES)) <= MAX_CHARACTERS
    assert len(mentioned("<@U1>" * 1_000_000)) == MAX_CHARACTERS // len("<@U1>")
