"""Slack's methods: pages, bounds, scopes, threads, search, and `ok: false`."""

from typing import Any

import pytest

from tests.sandbox.harness import SLACK_SCOPES, Visitor, bearer

ENGINEERING, INCIDENTS, WAR_ROOM, DIRECT = "C07TDENG001", "C07TDINC002", "C07TDWAR005", "D07TDSAM006"
EVERYTHING = f"{SLACK_SCOPES},groups:read,groups:history,im:read,im:history,users:read.email"
MAYA = "U07TDMAYA1"


async def _call(visitor: Visitor, method: str, *, scopes: str = EVERYTHING, **values: str) -> dict[str, Any]:
    token = (await visitor.connect("slack", user_scope=scopes))["access_token"]
    return await visitor.slack(token, method, **values)


async def test_who_am_i(visitor: Visitor) -> None:
    answer = await _call(visitor, "auth.test")
    assert (answer["user_id"], answer["team"], answer["url"]) == (MAYA, "Tidewater", "http://127.0.0.1:8001/slack/web/")


async def test_get_and_post_are_alike(visitor: Visitor) -> None:
    token = (await visitor.connect("slack"))["access_token"]
    got = await visitor.http.get(f"/slack/api/users.info?user={MAYA}", headers=bearer(token))
    assert got.json() == await visitor.slack(token, "users.info", user=MAYA)
    assert got.json()["user"]["real_name"] == "Maya Okafor"


@pytest.mark.parametrize(
    ("types", "names"),
    [
        ("", {"engineering", "incidents", "design", "general"}),
        ("private_channel", {"billing-war-room"}),
        ("public_channel,private_channel", {"engineering", "incidents", "design", "general", "billing-war-room"}),
    ],
)
async def test_conversations_are_listed_by_kind(visitor: Visitor, types: str, names: set[str]) -> None:
    answer = await _call(visitor, "users.conversations", types=types)
    assert {channel["name"] for channel in answer["channels"]} == names


async def test_conversations_page_by_cursor(visitor: Visitor) -> None:
    seen: list[str] = []
    cursor = ""
    while True:
        answer = await _call(visitor, "users.conversations", limit="3", cursor=cursor)
        seen += [channel["id"] for channel in answer["channels"]]
        cursor = answer["response_metadata"]["next_cursor"]
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 4


async def test_history_is_newest_first_without_replies(visitor: Visitor) -> None:
    messages = (await _call(visitor, "conversations.history", channel=ENGINEERING))["messages"]
    stamps = [float(message["ts"]) for message in messages]
    assert stamps == sorted(stamps, reverse=True)
    assert all(message.get("thread_ts", message["ts"]) == message["ts"] for message in messages)
    decision = next(message for message in messages if message["text"].startswith("Decision:"))
    assert decision["reply_count"] == 2
    assert "<http://127.0.0.1:8001/github/web/tidewater/ledger/pull/88|ledger#88>" in decision["text"]


async def test_history_pages_by_cursor(visitor: Visitor) -> None:
    whole = (await _call(visitor, "conversations.history", channel=ENGINEERING))["messages"]
    paged: list[Any] = []
    cursor, more = "", True
    while more:
        answer = await _call(visitor, "conversations.history", channel=ENGINEERING, limit="2", cursor=cursor)
        paged += answer["messages"]
        more = answer["has_more"]
        cursor = answer.get("response_metadata", {}).get("next_cursor", "")
        assert more == bool(cursor)
    assert paged == whole


async def test_oldest_and_latest_are_exclusive_unless_inclusive(visitor: Visitor) -> None:
    whole = (await _call(visitor, "conversations.history", channel=ENGINEERING))["messages"]
    bounds = {"oldest": whole[-1]["ts"], "latest": whole[0]["ts"]}
    inner = await _call(visitor, "conversations.history", channel=ENGINEERING, **bounds)
    outer = await _call(visitor, "conversations.history", channel=ENGINEERING, **bounds, inclusive="true")
    assert inner["messages"] == whole[1:-1]
    assert outer["messages"] == whole


async def test_last_read_leaves_something_unread(visitor: Visitor) -> None:
    read = (await _call(visitor, "conversations.info", channel=ENGINEERING))["channel"]["last_read"]
    unread = (await _call(visitor, "conversations.history", channel=ENGINEERING, oldest=read))["messages"]
    assert any(f"<@{MAYA}>" in message["text"] for message in unread)


async def test_a_thread_comes_oldest_first_with_its_root(visitor: Visitor) -> None:
    history = (await _call(visitor, "conversations.history", channel=INCIDENTS))["messages"]
    root = history[0]
    first = await _call(visitor, "conversations.replies", channel=INCIDENTS, ts=root["ts"], limit="3")
    cursor = first["response_metadata"]["next_cursor"]
    rest = await _call(visitor, "conversations.replies", channel=INCIDENTS, ts=root["ts"], cursor=cursor)
    thread = [*first["messages"], *rest["messages"]]
    assert thread[0]["ts"] == root["ts"]
    assert len(thread) == root["reply_count"] + 1 == 5
    assert thread[-1]["ts"] == root["latest_reply"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        (f"<@{MAYA}>", 4),
        (f"<@{MAYA}> after:2026-11-17", 1),
        (f"<@{MAYA}> on:2026-11-17", 3),
        (f"<@{MAYA}> before:2026-11-17", 0),
        (f"<@{MAYA}> in:#engineering", 1),
        (f"<@{MAYA}> -in:#engineering", 3),
        ("from:me", 3),
        ("from:me -in:#nowhere", 3),
        ("from:@priya-nair INC-31", 1),
        ('"cake in the kitchen"', 1),
        ("after:someday", 0),
    ],
)
async def test_search_finds(visitor: Visitor, query: str, count: int) -> None:
    found = (await _call(visitor, "search.messages", query=query, sort="timestamp"))["messages"]
    assert found["total"] == len(found["matches"]) == count
    stamps = [float(match["ts"]) for match in found["matches"]]
    assert stamps == sorted(stamps, reverse=True)


async def test_search_pages_by_number(visitor: Visitor) -> None:
    values = {"query": f"<@{MAYA}>", "count": "3"}
    first = (await _call(visitor, "search.messages", **values))["messages"]
    second = (await _call(visitor, "search.messages", **values, page="2"))["messages"]
    assert (len(first["matches"]), len(second["matches"]), second["paging"]["pages"]) == (3, 1, 2)


@pytest.mark.parametrize(
    ("method", "values", "error"),
    [
        ("conversations.history", {"channel": "C0NOTHING"}, "channel_not_found"),
        ("conversations.history", {}, "channel_not_found"),
        ("conversations.history", {"channel": ENGINEERING, "cursor": "???"}, "invalid_cursor"),
        ("conversations.history", {"channel": ENGINEERING, "limit": "0"}, "invalid_limit"),
        ("conversations.history", {"channel": ENGINEERING, "limit": "all"}, "invalid_limit"),
        ("conversations.history", {"channel": ENGINEERING, "oldest": "yesterday"}, "invalid_ts_oldest"),
        ("conversations.history", {"channel": ENGINEERING, "latest": "now"}, "invalid_ts_latest"),
        ("conversations.replies", {"channel": ENGINEERING, "ts": "1.000001"}, "thread_not_found"),
        ("conversations.replies", {"channel": ENGINEERING, "ts": "first"}, "thread_not_found"),
        ("users.conversations", {"types": "club"}, "invalid_types"),
        ("users.info", {"user": "U0NOBODY00"}, "user_not_found"),
        ("users.info", {"user": ""}, "user_not_found"),
        ("search.messages", {"query": " "}, "no_query"),
        ("chat.postMessage", {"channel": ENGINEERING, "text": "hello"}, "unknown_method"),
    ],
)
async def test_each_refusal_has_slacks_code(visitor: Visitor, method: str, values: dict[str, str], error: str) -> None:
    answer = await _call(visitor, method, **values)
    assert (answer["ok"], answer["error"]) == (False, error)


@pytest.mark.parametrize(
    ("method", "values", "needed"),
    [
        ("users.info", {"user": MAYA}, "users:read"),
        ("users.conversations", {}, "channels:read"),
        ("users.conversations", {"types": "public_channel,private_channel"}, "channels:read"),
        ("users.conversations", {"types": "im"}, "im:read"),
        ("conversations.info", {"channel": ENGINEERING}, "channels:read"),
        ("conversations.info", {"channel": WAR_ROOM}, "groups:read"),
        ("conversations.history", {"channel": ENGINEERING}, "channels:history"),
        ("conversations.history", {"channel": DIRECT}, "im:history"),
        ("conversations.replies", {"channel": WAR_ROOM, "ts": "1.1"}, "groups:history"),
        ("search.messages", {"query": "x"}, "search:read"),
    ],
)
async def test_a_missing_scope_is_named(visitor: Visitor, method: str, values: dict[str, str], needed: str) -> None:
    answer = await _call(visitor, method, scopes="mpim:read", **values)
    assert answer == {"ok": False, "error": "missing_scope", "needed": needed, "provided": "mpim:read"}


async def test_an_address_needs_its_own_scope(visitor: Visitor) -> None:
    without = await _call(visitor, "users.info", scopes="users:read", user=MAYA)
    assert "email" not in without["user"]["profile"]
    assert (await _call(visitor, "users.info", user=MAYA))["user"]["profile"]["email"] == "maya@tidewater.example"


@pytest.mark.parametrize(("headers", "error"), [({}, "not_authed"), (bearer("xoxp-unknown"), "invalid_auth")])
async def test_strangers_are_refused_with_status_200(visitor: Visitor, headers: dict[str, str], error: str) -> None:
    answer = await visitor.http.post("/slack/api/auth.test", headers=headers)
    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": error})
    assert answer.headers["x-slack-req-id"]


async def test_search_pages_by_cursor(visitor: Visitor) -> None:
    values = {"query": f"<@{MAYA}>", "count": "3"}
    first = await _call(visitor, "search.messages", **values, cursor="*")
    cursor = first["response_metadata"]["next_cursor"]
    second = await _call(visitor, "search.messages", **values, cursor=cursor)
    assert (len(first["messages"]["matches"]), len(second["messages"]["matches"])) == (3, 1)
    assert second["response_metadata"]["next_cursor"] == ""
    assert (await _call(visitor, "search.messages", **values, cursor="?"))["error"] == "invalid_cursor"


async def test_a_reply_is_found_by_its_own_time_alone(visitor: Visitor) -> None:
    root = (await _call(visitor, "conversations.history", channel=INCIDENTS))["messages"][0]
    found = await _call(visitor, "conversations.replies", channel=INCIDENTS, ts=root["latest_reply"])
    assert [(one["ts"], one["thread_ts"]) for one in found["messages"]] == [(root["latest_reply"], root["ts"])]
