"""What Slack answered becomes who said what to the user, in public channels only."""

from dataclasses import replace
from typing import Any

import pytest

from agent.errors import ToolFailedError
from agent.tools import TOOLS
from permissions.exclusions import Exclusions
from tests.agent.api.upstream import told
from tests.agent.tools.workspace import FRIDAY, LAST_WEEK, LATER, Slack, limited, match, refused, slack

__all__ = ["slack"]

CUT = "Slack is rate limiting this app, so not every conversation was read to its end; more can be read in a minute."


async def test_a_mention_says_who_where_when_and_what(slack: Slack) -> None:
    result = await slack.mentions(match("<@U1> please look at <https://x.example|the plan>"))
    (item,) = result.items
    assert item.title == "Bob in #general: @Bob please look at the plan"
    assert item.url == "https://acme.slack.com/archives/C1/p1795186800000100"
    assert dict(item.fields) == {
        "channel": "#general",
        "author": "Bob",
        "time": "2026-11-20T16:00+01:00",
        "ts": FRIDAY,
        "text": "@Bob please look at the plan",
        "answered": False,
    }
    newest_first = {"sort": "timestamp", "sort_dir": "desc", "cursor": "*"}
    assert slack.asked("search.messages") == [
        {"query": "<@U1> after:2026-11-18"} | newest_first,
        {"query": "from:me after:2026-11-18"} | newest_first,
    ]


@pytest.mark.parametrize(
    "channel", [{"is_private": True}, {"is_mpim": True}, {"is_im": True}, {"is_private": None}], ids=str
)
async def test_what_is_not_public_is_left_out_and_said(slack: Slack, channel: dict[str, Any]) -> None:
    """The user was told that private channels and direct messages are not read."""
    private = match("secret", **channel)
    if channel == {"is_private": None}:
        del private["channel"]["is_private"]
    result = await slack.mentions(private, private)
    assert result.items == ()
    assert result.warnings == ("2 mentions are in private channels or direct messages, which DevContext leaves out.",)
    assert slack.asked("users.info") == []


async def test_older_messages_and_the_users_own_are_left_out(slack: Slack) -> None:
    result = await slack.mentions(match("new"), match("mine", user="U1"), match("old", ts=LAST_WEEK), total=99)
    assert [item.fields["text"] for item in result.items] == ["new"]
    assert not result.is_truncated


async def test_a_page_that_does_not_reach_back_far_enough_is_said(slack: Slack) -> None:
    assert (await slack.mentions(match("new"), total=99)).is_truncated
    assert (await slack.mentions(match("a"), match("b", ts=LATER), limit=1)).is_truncated


async def test_each_person_is_looked_up_once(slack: Slack) -> None:
    await slack.mentions(match("<@U3> <@U2>"), match("again"))
    assert slack.asked("users.info") == [{"user": "U2"}, {"user": "U3"}]


async def test_no_more_than_twenty_people_are_looked_up(slack: Slack) -> None:
    crowd = " ".join(f"<@U9{n}>" for n in range(50))
    result = await slack.mentions(match(crowd))
    assert len(slack.asked("users.info")) == 20
    assert "@someone" in result.items[0].fields["text"]


async def test_a_name_that_cannot_be_looked_up_loses_no_message(slack: Slack) -> None:
    slack.upstream.tell("/api/users.info", told({"ok": False, "error": "user_not_visible"}))
    (item,) = (await slack.mentions(match("<@U3> hello"))).items
    assert (item.fields["author"], item.fields["text"]) == ("app", "@someone hello")


async def test_an_apps_message_has_no_user_to_look_up(slack: Slack) -> None:
    (item,) = (await slack.mentions(match("deployed", user=""))).items
    assert item.fields["author"] == "app"
    assert slack.asked("users.info") == []


async def test_a_channel_is_read_oldest_first_with_its_links(slack: Slack) -> None:
    result = await slack.messages(
        {"ts": LATER, "text": "second", "user": "U2", "reply_count": 3, "reactions": [{"count": 2}, {"count": 1}]},
        {"ts": FRIDAY, "text": "first", "user": "U2"},
        limit=7,
    )
    assert [item.fields["text"] for item in result.items] == ["first", "second"]
    assert result.items[1].url == "https://acme.slack.com/archives/C1/p1795190400000200"
    assert (result.items[1].fields["thread_replies"], result.items[1].fields["reactions"]) == (3, 3)
    assert slack.asked("conversations.history") == [
        {"channel": "C1", "oldest": "1795129200.000000", "limit": "7"},
    ]


async def test_joins_and_topics_are_no_messages(slack: Slack) -> None:
    joined = {"ts": FRIDAY, "text": "<@U2> has joined", "user": "U2", "subtype": "channel_join"}
    bot = {"ts": LATER, "text": "build failed", "subtype": "bot_message", "username": "CI"}
    (item,) = (await slack.messages(bot, joined)).items
    assert (item.fields["author"], item.fields["text"]) == ("CI", "build failed")


async def test_a_page_cut_short_by_slack_is_said(slack: Slack) -> None:
    """Slack cuts pages to 15 messages for apps sold outside its marketplace."""
    assert (await slack.messages({"ts": FRIDAY, "text": "a", "user": "U2"}, has_more=True)).is_truncated


async def test_a_channel_the_user_is_not_in_is_not_found_and_not_read(slack: Slack) -> None:
    with pytest.raises(ToolFailedError) as caught:
        await slack.messages(channel="#somebody-elses")
    assert caught.value.code == "not_found"
    assert "somebody" not in caught.value.message
    assert slack.asked("conversations.history") == []


async def test_pages_of_channels_end_when_they_do_not(slack: Slack) -> None:
    endless = {"ok": True, "channels": [], "response_metadata": {"next_cursor": "again"}}
    slack.upstream.tell("/api/users.conversations", told(endless))
    with pytest.raises(ToolFailedError):
        await slack.messages()
    assert [form.get("cursor", "") for form in slack.asked("users.conversations")] == ["", *["again"] * 4]


@pytest.mark.parametrize(
    "message", [{"text": "no time"}, {"ts": "yesterday", "text": "x"}, {"ts": "1" * 400, "text": "x"}]
)
async def test_a_message_of_another_shape_makes_the_answer_unusable(slack: Slack, message: dict[str, Any]) -> None:
    with pytest.raises(ToolFailedError) as caught:
        await slack.messages(message)
    assert caught.value.code == "upstream_unavailable"


async def test_a_search_is_read_page_by_page_until_the_window_ends(slack: Slack) -> None:
    def page(cursor: str, *matches: dict[str, Any]) -> dict[str, Any]:
        return {"messages": {"matches": list(matches), "total": 99}, "response_metadata": {"next_cursor": cursor}}

    old = match("old", ts=LAST_WEEK)
    slack.tell("search.messages", page("two", match("a")), page("three", match("b"), old), page("four", old))
    result = await slack.run("slack_mentions", {})
    assert [item.fields["text"] for item in result.items] == ["a", "b"]
    searches = [form for form in slack.asked("search.messages") if "<@U1>" in form["query"]]
    assert [form["cursor"] for form in searches] == ["*", "two"]
    assert not result.is_truncated


async def test_pages_of_a_search_end_when_they_do_not(slack: Slack) -> None:
    endless = {"messages": {"matches": [match("a")], "total": 99}, "response_metadata": {"next_cursor": "again"}}
    slack.tell("search.messages", endless)
    assert (await slack.run("slack_mentions", {})).is_truncated
    assert len([form for form in slack.asked("search.messages") if "<@U1>" in form["query"]]) == 5


async def test_an_empty_page_ends_a_search(slack: Slack) -> None:
    slack.tell(
        "search.messages", {"messages": {"matches": [], "total": 0}, "response_metadata": {"next_cursor": "again"}}
    )
    assert not (await slack.run("slack_mentions", {})).is_truncated
    assert len(slack.asked("search.messages")) == 1


async def test_without_search_the_public_channels_are_looked_through(slack: Slack) -> None:
    slack.tell("search.messages", refused("missing_scope"))
    ours, other = {"ts": FRIDAY, "text": "<@U1> look", "user": "U2"}, {"ts": LATER, "text": "no", "user": "U2"}
    mine = {"ts": LATER, "text": "<@U1> note to self", "user": "U1"}
    slack.tell("conversations.history", {"messages": [other, mine, ours]}, {"messages": []})
    result = await slack.run("slack_mentions", {})
    (item,) = result.items
    assert item.fields["text"] == "@Bob look"
    assert item.url.endswith("/p1795186800000100")
    assert result.warnings == (
        "Searching Slack was not granted, so 2 of 2 public channels were looked through, without replies in threads.",
    )
    assert {form["types"] for form in slack.asked("users.conversations")} == {"public_channel"}
    assert not result.is_truncated


async def test_no_more_than_twelve_channels_are_looked_through_those_that_changed_last_first(slack: Slack) -> None:
    slack.tell("search.messages", refused("missing_scope"))
    channels = [{"id": f"C{n}", "name": f"n{n}", "updated": n} for n in range(30)]
    slack.tell("users.conversations", {"channels": channels})
    slack.tell("conversations.history", {"messages": []})
    result = await slack.run("slack_mentions", {})
    assert {form["channel"] for form in slack.asked("conversations.history")} == {f"C{n}" for n in range(18, 30)}
    assert result.is_truncated
    assert "12 of 30 public channels" in result.warnings[0]


async def test_a_channel_that_cannot_be_looked_through_is_said(slack: Slack) -> None:
    slack.tell("search.messages", refused("missing_scope"))
    slack.tell("conversations.history", limited(), {"messages": []})
    result = await slack.run("slack_mentions", {})
    assert result.is_truncated
    assert "1 of 2 public channels" in result.warnings[0]
    assert result.warnings[1] == CUT


async def test_a_conversation_cut_by_the_rate_limit_is_said(slack: Slack) -> None:
    """Slack cuts pages to 15 for apps that are sold outside its marketplace, and refuses the second in a minute."""
    slack.tell("search.messages", refused("missing_scope"))
    slack.tell("users.conversations", {"channels": [{"id": "C1", "name": "general"}]})
    page = [{"ts": f"1795186{800 - n}.000100", "text": "<@U1> look", "user": "U2"} for n in range(15)]
    first = {"messages": page, "has_more": True, "response_metadata": {"next_cursor": "two"}}
    slack.tell("conversations.history", first, limited())
    result = await slack.run("slack_mentions", {})
    assert (len(result.items), result.is_truncated, result.warnings[1]) == (15, True, CUT)


async def test_when_no_channel_can_be_looked_through_the_reason_is_the_result(slack: Slack) -> None:
    slack.tell("search.messages", refused("missing_scope"))
    slack.tell("conversations.history", refused("missing_scope"))
    with pytest.raises(ToolFailedError) as caught:
        await slack.run("slack_mentions", {})
    assert caught.value.code == "missing_scope"


async def test_another_refusal_of_the_search_is_no_reason_to_look_through_channels(slack: Slack) -> None:
    slack.tell("search.messages", refused("token_revoked"))
    with pytest.raises(ToolFailedError) as caught:
        await slack.run("slack_mentions", {})
    assert caught.value.code == "reconnect_required"
    assert slack.asked("conversations.history") == []


async def test_pages_of_fifteen_messages_are_read_to_the_limit(slack: Slack) -> None:
    def page(cursor: str) -> dict[str, Any]:
        messages = [{"ts": FRIDAY, "text": "a", "user": "U2"}] * 15
        return {"messages": messages, "has_more": True, "response_metadata": {"next_cursor": cursor}}

    slack.tell("conversations.history", page("two"), page("three"))
    result = await slack.run("slack_channel_messages", {"channel": "general", "limit": 20})
    assert (len(result.items), result.is_truncated, result.warnings) == (20, True, ())
    asked = [(form["limit"], form.get("cursor")) for form in slack.asked("conversations.history")]
    assert asked == [("20", None), ("5", "two")]


async def test_a_rate_limit_behind_the_first_page_keeps_what_was_read_and_is_said(slack: Slack) -> None:
    """An app that is sold outside the marketplace may ask once a minute."""
    first = {
        "messages": [{"ts": FRIDAY, "text": "a", "user": "U2"}],
        "has_more": True,
        "response_metadata": {"next_cursor": "two"},
    }
    slack.tell("conversations.history", first, limited())
    result = await slack.run("slack_channel_messages", {"channel": "general"})
    assert (len(result.items), result.is_truncated) == (1, True)
    assert result.warnings == ("Slack is rate limiting this app, so only the first messages were read.",)


async def test_a_rate_limit_at_the_first_page_is_the_result(slack: Slack) -> None:
    slack.tell("conversations.history", limited())
    with pytest.raises(ToolFailedError) as caught:
        await slack.run("slack_channel_messages", {"channel": "general"})
    assert (caught.value.code, caught.value.retry_after_seconds) == ("rate_limited", 60)


@pytest.mark.parametrize(
    ("last_read", "since", "oldest", "warning"),
    [
        (FRIDAY, None, FRIDAY, ""),
        (FRIDAY, "2026-11-21", "1795215600.000000", ""),
        (FRIDAY, "2026-11-19", FRIDAY, ""),
        ("1700000000.000000", None, "1792743120.000000", "Only the last 31 days were read."),
        ("", None, "1795129200.000000", "Slack does not tell what of this channel is unread, so it was read by time."),
    ],
)
async def test_the_unread_begins_where_the_user_stopped(
    slack: Slack, last_read: str, since: str | None, oldest: str, warning: str
) -> None:
    slack.tell("conversations.info", {"channel": {"id": "C1", "last_read": last_read}})
    asked = {"unread": True} | ({"since": since} if since else {})
    result = await slack.messages({"ts": LATER, "text": "new", "user": "U2"}, **asked)
    assert [form["oldest"] for form in slack.asked("conversations.history")] == [oldest]
    assert result.warnings == ((warning,) if warning else ())


async def test_a_private_channel_is_looked_for_only_as_one(slack: Slack) -> None:
    await slack.messages({"ts": LATER, "text": "x", "user": "U2"}, kind="private")
    assert [form["types"] for form in slack.asked("users.conversations")] == ["private_channel"]
    tool = TOOLS["slack_channel_messages"]
    public, private = tool.arguments(channel="a"), tool.arguments(channel="a", kind="private")
    assert tool.asking(public).scope == tool.scope
    assert tool.asking(private).scope == f"{tool.scope} groups:read groups:history"


async def test_a_channel_that_the_user_leaves_out_is_not_looked_through(slack: Slack) -> None:
    slack.context = replace(slack.context, exclusions=Exclusions(channels=frozenset({"hr", "c3"})))
    slack.tell("search.messages", refused("missing_scope"))
    channels = [{"id": f"C{n}", "name": name, "updated": n} for n, name in enumerate(["web", "hr", "api", "ops"])]
    slack.tell("users.conversations", {"channels": channels})
    slack.tell("conversations.history", {"messages": []})
    result = await slack.run("slack_mentions", {})
    assert {form["channel"] for form in slack.asked("conversations.history")} == {"C0", "C2"}
    assert "Channels left out by your exclusions: 2." in result.warnings
