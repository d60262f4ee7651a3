"""Whether the user answered a mention is told only where their own messages were read."""

from typing import Any

import pytest

from agent.errors import ToolFailedError
from tests.agent.api.upstream import Told, told
from tests.agent.tools.workspace import FRIDAY, LATER, Slack, limited, match, refused, slack

__all__ = ["slack"]

EARLIER = "1795183200.000050"
IN_THREAD = f"https://acme.slack.com/archives/C1/p1?thread_ts={FRIDAY}&cid=C1"
MENTION = match("<@U1> could you look?")


def found(*matches: dict[str, Any], total: int | None = None) -> Told:
    return told({"ok": True, "messages": {"matches": list(matches), "total": len(matches) if total is None else total}})


async def answered(slack: Slack, *own: dict[str, Any], mention: dict[str, Any] = MENTION) -> Any:
    slack.tell("search.messages", found(mention), found(*own))
    (item,) = (await slack.run("slack_mentions", {})).items
    return item.fields.get("answered")


def own(text: str = "done", *, ts: str = LATER, permalink: str = "", **channel: Any) -> dict[str, Any]:
    message = match(text, ts=ts, user="U1", **channel)
    return message | ({"permalink": permalink} if permalink else {})


async def test_a_later_reply_in_the_thread_is_an_answer(slack: Slack) -> None:
    assert await answered(slack, own(permalink=IN_THREAD)) is True


async def test_a_reply_is_answered_in_its_own_thread(slack: Slack) -> None:
    mention = MENTION | {"permalink": f"https://acme.slack.com/archives/C1/p2?thread_ts={EARLIER}&cid=C1"}
    in_same = f"https://acme.slack.com/archives/C1/p3?thread_ts={EARLIER}&cid=C1"
    assert await answered(slack, own(permalink=in_same), mention=mention) is True


async def test_a_later_message_of_the_channel_that_names_who_asked_is_an_answer(slack: Slack) -> None:
    assert await answered(slack, own("<@U2> done")) is True


@pytest.mark.parametrize(
    "message",
    [
        own("something else"),
        own(permalink=IN_THREAD, ts=EARLIER),
        own("<@U2> done", id="C2"),
        own(permalink=IN_THREAD) | {"user": "U3"},
    ],
    ids=["elsewhere in the channel", "before the mention", "in another channel", "by somebody else"],
)
async def test_anything_else_is_no_answer(slack: Slack, message: dict[str, Any]) -> None:
    assert await answered(slack, message) is False


async def test_what_the_search_did_not_reach_is_not_guessed(slack: Slack) -> None:
    slack.tell("search.messages", found(MENTION), found(own("else"), total=99))
    (item,) = (await slack.run("slack_mentions", {})).items
    assert "answered" not in item.fields


async def test_a_search_too_many_leaves_the_mentions_as_they_are(slack: Slack) -> None:
    slack.tell("search.messages", found(MENTION), limited())
    (item,) = (await slack.run("slack_mentions", {})).items
    assert "answered" not in item.fields


async def test_another_refusal_of_the_search_ends_the_call(slack: Slack) -> None:
    slack.tell("search.messages", found(MENTION), refused("token_revoked"))
    with pytest.raises(ToolFailedError) as caught:
        await slack.run("slack_mentions", {})
    assert caught.value.code == "reconnect_required"


async def test_without_a_mention_nothing_more_is_searched(slack: Slack) -> None:
    slack.tell("search.messages", found())
    await slack.run("slack_mentions", {})
    assert len(slack.asked("search.messages")) == 1
