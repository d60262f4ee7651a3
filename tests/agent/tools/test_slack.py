"""What Slack answered becomes who said what to the user, in public channels only."""

from typing import Any

import pytest

from agent.errors import ToolFailedError
from agent.toolkit import ReadContext, ToolResult
from agent.tools import TOOLS
from tests.agent.api.fixtures import Open
from tests.agent.api.upstream import Upstream, told

# 20 November 2026, 15:00 and 16:00 UTC; the window of these tests begins that day.
FRIDAY, LATER = "1795186800.000100", "1795190400.000200"
LAST_WEEK = "1794582000.000300"


def _match(text: str, *, ts: str = FRIDAY, user: str = "U2", **channel: Any) -> dict[str, Any]:
    given = {"id": "C1", "name": "general", "is_private": False, "is_mpim": False}
    link = f"https://acme.slack.com/archives/C1/p{ts.replace('.', '')}"
    return {"channel": given | channel, "permalink": link, "ts": ts, "text": text, "user": user, "username": "app"}


class Slack:
    """Runs a Slack tool against a workspace of these messages."""

    def __init__(self, upstream: Upstream, open_http: Open, context: ReadContext) -> None:
        self.upstream, self.open_http, self.context = upstream, open_http, context
        self.steps: list[tuple[int, int]] = []
        upstream.tell("/api/auth.test", told({"ok": True, "url": "https://acme.slack.com/", "user_id": "U1"}))
        upstream.tell("/api/users.info", told({"ok": True, "user": {"name": "b", "profile": {"display_name": "Bob"}}}))
        channels = [{"id": "C1", "name": "general"}, {"id": "C2", "name": "general-2"}]
        upstream.tell("/api/users.conversations", told({"ok": True, "channels": channels}))

    async def mentions(self, *matches: dict[str, Any], total: int | None = None, **arguments: Any) -> ToolResult:
        """Search mentions."""
        found = {"matches": list(matches), "total": len(matches) if total is None else total}
        self.upstream.tell("/api/search.messages", told({"ok": True, "messages": found}))
        return await self.run("slack_mentions", arguments)

    async def messages(self, *messages: dict[str, Any], has_more: bool = False, **arguments: Any) -> ToolResult:
        """Read a channel; Slack sends the newest first."""
        self.upstream.tell(
            "/api/conversations.history", told({"ok": True, "messages": list(messages), "has_more": has_more})
        )
        return await self.run("slack_channel_messages", {"channel": "general"} | arguments)

    async def run(self, tool: str, arguments: dict[str, Any]) -> ToolResult:
        """Run a tool."""
        with self.open_http("slack") as http:
            return await TOOLS[tool].run(TOOLS[tool].arguments(**arguments), http, self.context)

    def asked(self, method: str) -> list[dict[str, str]]:
        """Return the forms that were sent to a method."""
        return [request.form for request in self.upstream.received if request.path == f"/api/{method}"]


@pytest.fixture
def slack(upstream: Upstream, open_http: Open, read_context: ReadContext) -> Slack:
    """Slack on loopback."""
    return Slack(upstream, open_http, read_context)


async def test_a_mention_says_who_where_when_and_what(slack: Slack) -> None:
    result = await slack.mentions(_match("<@U1> please look at <https://x.example|the plan>"))
    (item,) = result.items
    assert item.title == "Bob in #general: @Bob please look at the plan"
    assert item.url == "https://acme.slack.com/archives/C1/p1795186800000100"
    assert dict(item.fields) == {
        "channel": "#general",
        "author": "Bob",
        "time": "2026-11-20T16:00+01:00",
        "text": "@Bob please look at the plan",
    }
    assert slack.asked("search.messages") == [
        {"query": "<@U1> after:2026-11-18", "sort": "timestamp", "sort_dir": "desc"}
    ]


@pytest.mark.parametrize(
    "channel", [{"is_private": True}, {"is_mpim": True}, {"is_im": True}, {"is_private": None}], ids=str
)
async def test_what_is_not_public_is_left_out_and_said(slack: Slack, channel: dict[str, Any]) -> None:
    """The user was told that private channels and direct messages are not read."""
    private = _match("secret", **channel)
    if channel == {"is_private": None}:
        del private["channel"]["is_private"]
    result = await slack.mentions(private, private)
    assert result.items == ()
    assert result.warnings == ("2 mentions are in private channels or direct messages, which DevContext leaves out.",)
    assert slack.asked("users.info") == []


async def test_older_messages_and_the_users_own_are_left_out(slack: Slack) -> None:
    result = await slack.mentions(_match("new"), _match("mine", user="U1"), _match("old", ts=LAST_WEEK), total=99)
    assert [item.fields["text"] for item in result.items] == ["new"]
    assert not result.is_truncated


async def test_a_page_that_does_not_reach_back_far_enough_is_said(slack: Slack) -> None:
    assert (await slack.mentions(_match("new"), total=99)).is_truncated
    assert (await slack.mentions(_match("a"), _match("b", ts=LATER), limit=1)).is_truncated


async def test_each_person_is_looked_up_once(slack: Slack) -> None:
    await slack.mentions(_match("<@U3> <@U2>"), _match("again"))
    assert slack.asked("users.info") == [{"user": "U2"}, {"user": "U3"}]


async def test_no_more_than_twenty_people_are_looked_up(slack: Slack) -> None:
    crowd = " ".join(f"<@U9{n}>" for n in range(50))
    result = await slack.mentions(_match(crowd))
    assert len(slack.asked("users.info")) == 20
    assert "@someone" in result.items[0].fields["text"]


async def test_a_name_that_cannot_be_looked_up_loses_no_message(slack: Slack) -> None:
    slack.upstream.tell("/api/users.info", told({"ok": False, "error": "user_not_visible"}))
    (item,) = (await slack.mentions(_match("<@U3> hello"))).items
    assert (item.fields["author"], item.fields["text"]) == ("app", "@someone hello")


async def test_an_apps_message_has_no_user_to_look_up(slack: Slack) -> None:
    (item,) = (await slack.mentions(_match("deployed", user=""))).items
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
