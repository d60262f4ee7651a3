"""Threads, lists of channels and direct messages: only of the user's own conversations, only as far as granted."""

from typing import Any

import pytest

from agent.api.slack import MAX_CHANNEL_PAGES
from agent.errors import ToolFailedError
from agent.tools import TOOLS
from tests.agent.tools.workspace import FRIDAY, LATER, Slack, limited, refused, slack

__all__ = ["slack"]

ROOT: dict[str, Any] = {"ts": FRIDAY, "thread_ts": FRIDAY, "text": "INC-31", "user": "U2", "reply_count": 1}
REPLY: dict[str, Any] = {"ts": LATER, "thread_ts": FRIDAY, "text": "<@U3> fixed", "user": "U2"}


async def test_a_thread_is_read_first_message_first(slack: Slack) -> None:
    slack.tell("conversations.replies", {"messages": [ROOT, REPLY], "has_more": False})
    result = await slack.run("slack_thread", {"channel": "#general", "ts": FRIDAY})
    assert [item.fields["text"] for item in result.items] == ["INC-31", "@Bob fixed"]
    assert result.items[1].url == "https://acme.slack.com/archives/C1/p1795190400000200"
    assert slack.asked("conversations.replies") == [{"channel": "C1", "ts": FRIDAY, "limit": "50"}]


async def test_a_reply_leads_to_its_thread(slack: Slack) -> None:
    slack.tell("conversations.replies", {"messages": [REPLY]}, {"messages": [ROOT, REPLY]})
    result = await slack.run("slack_thread", {"channel": "general", "ts": LATER})
    assert len(result.items) == 2
    assert [form["ts"] for form in slack.asked("conversations.replies")] == [LATER, FRIDAY]


async def test_a_thread_that_is_not_there_is_not_found(slack: Slack) -> None:
    slack.tell("conversations.replies", refused("thread_not_found"))
    with pytest.raises(ToolFailedError) as caught:
        await slack.run("slack_thread", {"channel": "general", "ts": FRIDAY})
    assert caught.value.code == "not_found"


async def test_a_thread_of_a_channel_that_is_not_the_users_is_not_asked_for(slack: Slack) -> None:
    with pytest.raises(ToolFailedError) as caught:
        await slack.run("slack_thread", {"channel": "somebody-elses", "ts": FRIDAY})
    assert caught.value.code == "not_found"
    assert slack.asked("conversations.replies") == []


@pytest.mark.parametrize(("name", "asked"), [("größe-und-maß", "#Größe-und-Maß"), ("障害", "障害"), ("ops_2", "Ops_2")])
async def test_a_channel_is_found_by_letters_of_every_script_in_either_case(
    slack: Slack, name: str, asked: str
) -> None:
    slack.tell("users.conversations", {"channels": [{"id": "C7", "name": name}]})
    slack.tell("conversations.history", {"messages": [ROOT]})
    result = await slack.run("slack_channel_messages", {"channel": asked})
    assert [item.fields["channel"] for item in result.items] == [f"#{name}"]


async def test_a_list_of_channels_that_does_not_end_is_not_called_whole(slack: Slack) -> None:
    slack.tell("users.conversations", {"channels": [], "response_metadata": {"next_cursor": "on"}})
    with pytest.raises(ToolFailedError, match="as far as Slack's list was read"):
        await slack.run("slack_thread", {"channel": "general", "ts": FRIDAY})
    assert len(slack.asked("users.conversations")) == MAX_CHANNEL_PAGES


async def test_a_thread_cut_by_the_rate_limit_is_said(slack: Slack) -> None:
    first = {"messages": [ROOT], "has_more": True, "response_metadata": {"next_cursor": "two"}}
    slack.tell("conversations.replies", first, limited())
    result = await slack.run("slack_thread", {"channel": "general", "ts": FRIDAY})
    assert result.is_truncated
    assert result.warnings == ("Slack is rate limiting this app, so only the first messages were read.",)


async def test_channels_are_listed_by_name_with_their_topics(slack: Slack) -> None:
    slack.tell(
        "users.conversations",
        {"channels": [{"id": "C2", "name": "zoo"}], "response_metadata": {"next_cursor": "two"}},
        {"channels": [{"id": "C1", "name": "api", "topic": {"value": "What we build"}}]},
    )
    result = await slack.run("slack_channels", {})
    assert [(item.title, item.url) for item in result.items] == [
        ("#api", "https://acme.slack.com/archives/C1"),
        ("#zoo", "https://acme.slack.com/archives/C2"),
    ]
    assert dict(result.items[0].fields) == {"channel": "#api", "kind": "public", "topic": "What we build"}
    assert not result.is_truncated


async def test_more_channels_than_a_result_holds_are_said(slack: Slack) -> None:
    slack.tell("users.conversations", {"channels": [{"id": f"C{n}", "name": f"n{n}"} for n in range(101)]})
    result = await slack.run("slack_channels", {})
    assert (len(result.items), result.is_truncated) == (100, True)


async def test_direct_messages_are_listed_by_the_other_persons_name(slack: Slack) -> None:
    slack.tell("users.conversations", {"channels": [{"id": "D1", "is_im": True, "user": "U2"}]})
    (item,) = (await slack.run("slack_channels", {"kind": "direct"})).items
    assert item.title == "@Bob"
    assert [form["types"] for form in slack.asked("users.conversations")] == ["im,mpim"]


async def test_a_group_is_listed_by_the_name_that_slack_gives_it(slack: Slack) -> None:
    slack.tell("users.conversations", {"channels": [{"id": "G1", "name": "mpdm-a--b--c-1", "is_mpim": True}]})
    (item,) = (await slack.run("slack_channels", {"kind": "direct"})).items
    assert (item.title, item.url) == ("mpdm-a--b--c-1", "https://acme.slack.com/archives/G1")


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        ("public", "channels:read"),
        ("private", "channels:read groups:read"),
        ("direct", "channels:read im:read mpim:read users:read"),
    ],
)
def test_each_kind_of_conversation_needs_its_own_scopes(kind: str, scope: str) -> None:
    tool = TOOLS["slack_channels"]
    assert tool.asking(tool.arguments(kind=kind)).scope == scope


def test_direct_messages_cannot_be_read_with_the_scopes_of_channels() -> None:
    scopes = set(TOOLS["slack_direct_messages"].scope.split())
    assert scopes == {"im:read", "im:history", "mpim:read", "mpim:history", "users:read"}


async def test_direct_messages_tell_with_whom_newest_first(slack: Slack) -> None:
    group = {"id": "G1", "name": "mpdm-a--b--c-1", "is_mpim": True}
    slack.tell("users.conversations", {"channels": [{"id": "D1", "is_im": True, "user": "U2", "updated": 2}, group]})
    slack.tell(
        "conversations.history",
        {"messages": [{"ts": FRIDAY, "text": "two minutes?", "user": "U2"}]},
        {"messages": [{"ts": LATER, "text": "all here?", "user": "U2"}]},
    )
    result = await slack.run("slack_direct_messages", {})
    assert {item.fields["text"] for item in result.items} == {"two minutes?", "all here?"}
    assert {item.fields["channel"] for item in result.items} == {"direct message with Bob", "group direct message"}
    assert [item.fields["ts"] for item in result.items] == [LATER, FRIDAY]
    assert (result.is_truncated, result.warnings) == (False, ())


async def test_direct_messages_that_were_not_read_are_counted(slack: Slack) -> None:
    channels = [{"id": f"D{n}", "is_im": True, "user": "U2"} for n in range(14)]
    slack.tell("users.conversations", {"channels": channels})
    slack.tell("conversations.history", limited(), {"messages": []})
    result = await slack.run("slack_direct_messages", {})
    assert result.is_truncated
    assert result.warnings[0] == "Direct messages with 3 others were not read."
    assert result.warnings[1].startswith("Slack is rate limiting this app, so not every conversation was read")


async def test_without_any_direct_message_nothing_is_found(slack: Slack) -> None:
    slack.tell("users.conversations", {"channels": []})
    assert (await slack.run("slack_direct_messages", {"since": "2026-11-13"})).items == ()
