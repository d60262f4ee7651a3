"""A search takes the model's words, and none of Slack's operators."""

import pytest

from agent.errors import ToolFailedError
from agent.tools import TOOLS
from agent.tools.slack_search import plain_words
from tests.agent.tools.workspace import LAST_WEEK, LATER, Slack, match, slack

__all__ = ["slack"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("retry worker", "retry worker"),
        ("INC-31 back-fill", "INC-31 back-fill"),
        ('"cake in the kitchen"', '"cake in the kitchen"'),
        ("from:@bob secret", "from @bob secret"),
        ("in:#billing salary", "in #billing salary"),
        ("from：bob", "from bob"),  # noqa: RUF001  (a full-width colon)
        ("-public salary", "public salary"),
        (":-salary", "salary"),
        ("has::eyes:", "has eyes"),
        ("<@U2> <#C9|x>", "@U2 #C9 x"),
        ('say "hello', "say hello"),
        ("deploy*", "deploy"),
        ("zürich 東京", "zürich 東京"),
        ("\u3300" * 80, "アパート" * 20),
        ("a\nin:b", "a in b"),
    ],
)
async def test_operators_become_plain_words(slack: Slack, query: str, words: str) -> None:
    slack.tell("search.messages", {"messages": {"matches": [], "total": 0}})
    await slack.run("slack_search", {"query": query, "since": "2026-11-20"})
    assert [form["query"] for form in slack.asked("search.messages")] == [f"{words} after:2026-11-18"]
    assert plain_words(words) == words


@pytest.mark.parametrize("query", ["---", "::", '"', "<>", "* *"])
async def test_a_query_without_words_is_refused_and_not_sent(slack: Slack, query: str) -> None:
    with pytest.raises(ToolFailedError) as caught:
        await slack.run("slack_search", {"query": query})
    assert caught.value.code == "bad_arguments"
    assert slack.upstream.received == []


async def test_a_month_is_searched_unless_told_otherwise(slack: Slack) -> None:
    found = [match("new", ts=LATER), match("older", ts=LAST_WEEK)]
    slack.tell("search.messages", {"messages": {"matches": found, "total": 2}})
    result = await slack.run("slack_search", {"query": "x"})
    assert [item.fields["text"] for item in result.items] == ["new", "older"]
    assert result.warnings == ()


@pytest.mark.parametrize("kind", ["public", "private", "direct"])
async def test_only_the_kind_that_was_asked_for_goes_on(slack: Slack, kind: str) -> None:
    """Slack searches everything its user may see."""
    found = [
        match("public", user="U1"),
        match("private", is_private=True),
        match("direct", id="D1", is_private=True),
        match("direct", is_private=True, is_mpim=True),
        match("direct", is_im=True, name="U2"),
    ]
    slack.tell("search.messages", {"messages": {"matches": found, "total": 5}})
    result = await slack.run("slack_search", {"query": "x", "kind": kind})
    assert {item.fields["text"] for item in result.items} == {kind}
    assert result.warnings[0].endswith(f"were left out: {5 - len(result.items)}.")


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("public", ""),
        ("private", " groups:read groups:history"),
        ("direct", " im:read im:history mpim:read mpim:history"),
    ],
)
def test_what_is_not_public_needs_the_scopes_of_its_group(kind: str, more: str) -> None:
    tool = TOOLS["slack_search"]
    assert tool.asking(tool.arguments(query="x", kind=kind)).scope == f"search:read users:read{more}"


async def test_more_than_was_asked_for_is_said(slack: Slack) -> None:
    slack.tell("search.messages", {"messages": {"matches": [match("a"), match("b", ts=LATER)], "total": 2}})
    result = await slack.run("slack_search", {"query": "x", "limit": 1})
    assert (len(result.items), result.is_truncated) == (1, True)
