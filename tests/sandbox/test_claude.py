"""The stand-in for the Messages API: it refuses what the API refuses, streams as it streams, and signs the past."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from devcontext.sandbox.claude.api import claude_routes

CONTEXT = (
    "\n\n[Context: Monday 2026-11-23, 09:12, time zone Europe/Berlin. "
    "Last working day: Friday 2026-11-20. User: Maya Okafor.]"
)
TOOLS = [
    {"name": name, "description": name, "input_schema": {"type": "object", "properties": properties}}
    for name, properties in {
        "github_activity": {"since": {}, "until": {}},
        "github_review_requests": {"limit": {}},
        "github_my_pull_requests": {"state": {}},
        "calendar_agenda": {"start": {}, "end": {}},
        "slack_mentions": {"since": {}},
        "slack_channel_messages": {"channel": {}, "since": {}},
        "connections": {},
    }.items()
]


@pytest.fixture
async def api(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setenv("SANDBOX_CLAUDE_DELAY_MS", "0")
    transport = httpx.ASGITransport(app=Starlette(routes=claude_routes()))
    headers = {"authorization": "Bearer sandbox"}
    async with httpx.AsyncClient(transport=transport, base_url="http://claude.test", headers=headers) as client:
        yield client


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(*blocks: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def tool_use(call_id: str = "toolu_1") -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "github_activity", "input": {}}


def tool_result(call_id: str = "toolu_1", content: str = '{"items":[]}') -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content}


def question(text: str = "What did I work on yesterday?", **changes: Any) -> dict[str, Any]:
    body = {
        "model": "claude-sonnet-5-5",
        "max_tokens": 4000,
        "system": "Read first.",
        "tools": TOOLS,
        "messages": [user(text + CONTEXT)],
    }
    return body | changes


async def post(api: httpx.AsyncClient, body: Any) -> dict[str, Any]:
    response = await api.post("/v1/messages", json=body)
    assert response.status_code == 200, response.text
    return dict(response.json())


async def refusal(api: httpx.AsyncClient, body: Any) -> str:
    """Return the API's message for a request it does not accept."""
    response = await api.post("/v1/messages", json=body)
    assert (response.status_code, response.json()["error"]["type"]) == (400, "invalid_request_error"), response.text
    return str(response.json()["error"]["message"])


async def events(api: httpx.AsyncClient, body: dict[str, Any]) -> list[dict[str, Any]]:
    response = await api.post("/v1/messages", json=body | {"stream": True})
    assert response.headers["content-type"].startswith("text/event-stream")
    frames = response.text.strip().split("\n\n")
    parsed = [json.loads(frame.partition("\ndata: ")[2]) for frame in frames]
    assert [frame.partition("\n")[0] for frame in frames] == [f"event: {one['type']}" for one in parsed]
    return parsed


def called(message: dict[str, Any]) -> list[str]:
    return [block["name"] for block in message["content"] if block["type"] == "tool_use"]


@pytest.mark.parametrize("headers", [{"authorization": ""}, {"authorization": "Bearer "}, {"authorization": "Basic x"}])
@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/messages"), ("GET", "/v1/models")])
async def test_without_a_key_nothing_is_answered(
    api: httpx.AsyncClient, headers: dict[str, str], method: str, path: str
) -> None:
    response = await api.request(method, path, headers=headers)
    assert response.status_code == 401
    assert response.json()["error"] == {"type": "authentication_error", "message": "x-api-key header is required"}


async def test_a_key_in_the_older_header_is_taken(api: httpx.AsyncClient) -> None:
    response = await api.get("/v1/models", headers={"authorization": "", "x-api-key": "sandbox"})
    assert [model["id"] for model in response.json()["data"]] == ["claude-sonnet-5-5", "claude-haiku-5-5"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_tokens": 0}, "max_tokens: Input should be greater than or equal to 1"),
        ({"messages": []}, "messages: at least one message is required"),
        ({"messages": [{"role": "system", "content": "x"}]}, "messages.0.role: Input should be 'user' or 'assistant'"),
        ({"messages": [assistant({"type": "text", "text": "x"})]}, 'first message must use the "user" role'),
        (
            {"messages": [user("x"), assistant({"type": "text", "text": "y"})]},
            "does not support assistant message prefill",
        ),
        ({"messages": [user("  ")]}, "text content blocks must be non-empty"),
        ({"messages": [user([])]}, "must have non-empty content"),
        ({"messages": [user("x"), assistant(tool_use()), user("y")]}, "without `tool_result` blocks immediately after"),
        ({"messages": [user("x"), assistant(tool_use()), user([tool_result("toolu_2")])]}, "unexpected `tool_use_id`"),
        ({"messages": [user([tool_result()])]}, "unexpected `tool_use_id`"),
        (
            {"messages": [user("x"), assistant(tool_use()), user([tool_result(), tool_result()])]},
            "each tool_use must have a single result",
        ),
        (
            {"messages": [user("x"), assistant(tool_use("a"), tool_use("b")), user([tool_result("a")])]},
            "without `tool_result` blocks immediately after: b",
        ),
        ({"tools": [{"name": "x"}]}, "tools.0.custom.input_schema: Field required"),
        ({"tools": [{"name": "x", "input_schema": {}}]}, "input_schema.type: Input should be 'object'"),
        ({"tools": TOOLS + TOOLS[:1]}, "tools: Tool names must be unique."),
        ({"tool_choice": {"type": "any"}}, 'tool_choice: type "tool" and "any" are not supported for this model.'),
        (
            {"tool_choice": {"type": "tool", "name": "connections"}},
            'tool_choice: type "tool" and "any" are not supported for this model.',
        ),
        ({"thinking": {"type": "disabled"}}, '"thinking.type.disabled" is not supported for this model.'),
    ],
)
async def test_what_the_api_refuses_is_refused(api: httpx.AsyncClient, changes: dict[str, Any], message: str) -> None:
    assert message in await refusal(api, question(**changes))


@pytest.mark.parametrize("name", ["model", "max_tokens", "messages"])
async def test_a_missing_field_is_named(api: httpx.AsyncClient, name: str) -> None:
    body = question()
    del body[name]
    assert await refusal(api, body) == f"{name}: Field required"


@pytest.mark.parametrize("content", [b"{", b"[]", b'"text"'])
async def test_what_is_no_request_is_refused(api: httpx.AsyncClient, content: bytes) -> None:
    response = await api.post("/v1/messages", content=content)
    assert response.status_code == 400


async def test_neighbouring_turns_of_one_role_are_taken_together(api: httpx.AsyncClient) -> None:
    body = question(messages=[user("Hello."), assistant(tool_use()), user([tool_result()]), user("Brief me" + CONTEXT)])
    assert "github_review_requests" in called(await post(api, body))


async def test_the_stream_has_the_apis_order(api: httpx.AsyncClient) -> None:
    """Source: https://platform.claude.com/docs/en/build-with-claude/streaming."""
    seen = await events(api, question(tools=TOOLS[:1]))
    assert [one["type"] for one in seen] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert seen[2]["content_block"] == {"type": "thinking", "thinking": "", "signature": ""}
    assert seen[3]["delta"]["type"] == "signature_delta"
    assert seen[-2]["delta"]["stop_reason"] == "tool_use"
    arguments = "".join(one["delta"]["partial_json"] for one in seen[6:9])
    assert json.loads(arguments) == {"since": "2026-11-20", "until": "2026-11-20"}


async def test_the_stream_and_the_message_say_the_same(api: httpx.AsyncClient) -> None:
    body = question("Hello")
    whole = await post(api, body)
    streamed = await events(api, body)
    text = "".join(one["delta"].get("text", "") for one in streamed if one["type"] == "content_block_delta")
    assert text == whole["content"][-1]["text"]
    assert streamed[-2]["usage"]["output_tokens"] == whole["usage"]["output_tokens"]


async def test_an_answer_longer_than_allowed_is_cut(api: httpx.AsyncClient) -> None:
    message = await post(api, question("Hello", max_tokens=3))
    assert (message["stop_reason"], len(message["content"][-1]["text"])) == ("max_tokens", 12)


@pytest.mark.parametrize(
    ("text", "tools"),
    [
        ("What did I work on yesterday?", ["github_activity", "calendar_agenda", "slack_mentions"]),
        (
            "Brief me for standup",
            [
                "github_activity",
                "github_review_requests",
                "github_my_pull_requests",
                "calendar_agenda",
                "slack_mentions",
            ],
        ),
        ("What needs my review?", ["github_review_requests", "github_my_pull_requests"]),
        ("Are my pull requests blocked?", ["github_my_pull_requests"]),
        ("Which meetings do I have today?", ["calendar_agenda"]),
        ("Who mentioned me in Slack?", ["slack_mentions"]),
        ("What happened in #engineering?", ["slack_channel_messages"]),
        ("Prep my next meeting", ["github_my_pull_requests", "calendar_agenda", "slack_mentions"]),
        ("What is connected?", ["connections"]),
        ("Catch me up", ["github_activity", "calendar_agenda", "slack_mentions"]),
        ("Good morning!", []),
        ("Thanks", []),
    ],
)
async def test_the_words_of_the_question_choose_the_tools(api: httpx.AsyncClient, text: str, tools: list[str]) -> None:
    message = await post(api, question(text))
    assert called(message) == tools
    assert message["stop_reason"] == ("tool_use" if tools else "end_turn")


@pytest.mark.parametrize(
    ("text", "tool", "arguments"),
    [
        ("Brief me for standup", "github_activity", {"since": "2026-11-20"}),
        ("Brief me for standup", "calendar_agenda", {"start": "2026-11-20", "end": "2026-11-23"}),
        ("My meetings today", "calendar_agenda", {"start": "2026-11-23", "end": "2026-11-23"}),
        ("My meetings tomorrow", "calendar_agenda", {"start": "2026-11-24", "end": "2026-11-24"}),
        ("What did I do this week?", "github_activity", {"since": "2026-11-23"}),
        ("Slack since Wednesday", "slack_mentions", {"since": "2026-11-18"}),
        ("Slack since Monday", "slack_mentions", {"since": "2026-11-16"}),
        ("What is new in #Design-Ops?", "slack_channel_messages", {"channel": "design-ops", "since": "2026-11-20"}),
        (
            "What did we decide in #incidents?",
            "slack_channel_messages",
            {"channel": "incidents", "since": "2026-11-16"},
        ),
    ],
)
async def test_arguments_come_from_the_question_and_its_context(
    api: httpx.AsyncClient, text: str, tool: str, arguments: dict[str, str]
) -> None:
    message = await post(api, question(text))
    assert {block["name"]: block["input"] for block in message["content"][1:]}[tool] == arguments


async def test_only_offered_tools_are_called(api: httpx.AsyncClient) -> None:
    assert called(await post(api, question("Brief me for standup", tools=TOOLS[:1]))) == ["github_activity"]


async def test_told_to_call_no_tool_it_calls_none_and_claims_nothing(api: httpx.AsyncClient) -> None:
    message = await post(api, question(tool_choice={"type": "none"}))
    assert called(message) == []
    assert message["content"][-1]["text"].startswith("I have read nothing")


async def conversation(api: httpx.AsyncClient) -> dict[str, Any]:
    """Return a request that sends a signed turn back."""
    body = question()
    first = await post(api, body)
    results = [tool_result(block["id"]) for block in first["content"] if block["type"] == "tool_use"]
    return body | {"messages": [*body["messages"], assistant(*first["content"]), user(results)]}


async def test_a_signed_turn_that_comes_back_whole_is_taken(api: httpx.AsyncClient) -> None:
    assert (await post(api, await conversation(api)))["stop_reason"] == "end_turn"


async def test_cache_marks_are_no_part_of_the_past(api: httpx.AsyncClient) -> None:
    body = await conversation(api)
    marked = [{"type": "text", "text": "Read first.", "cache_control": {"type": "ephemeral"}}]
    plain = [{"type": "text", "text": "Read first."}]
    first = await post(api, question(system=plain))
    body["messages"][1] = assistant(*first["content"])
    body["messages"][2] = user([tool_result(block["id"]) for block in first["content"][1:]])
    assert (await post(api, body | {"system": marked}))["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda body: body.update(system="Another."), "The `system` prompt differs"),
        (lambda body: body.update(tools=TOOLS[:3]), "The `tools` list differs"),
        (
            lambda body: body["messages"].__setitem__(0, user("Edited" + CONTEXT)),
            "missing from this request or was changed",
        ),
        (lambda body: body["messages"].insert(0, user("Put before")), "missing from this request or was changed"),
    ],
)
async def test_a_changed_past_is_refused_with_what_changed(api: httpx.AsyncClient, change: Any, named: str) -> None:
    """Source: https://platform.claude.com/docs/en/build-with-claude/preserved-thinking."""
    body = await conversation(api)
    change(body)
    message = await refusal(api, body)
    assert message.startswith(
        "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to a different conversation."
    )
    assert named in message


async def test_a_forged_signature_is_refused(api: httpx.AsyncClient) -> None:
    body = await conversation(api)
    body["messages"][1]["content"][0]["signature"] = "forged"
    assert await refusal(api, body) == "messages.1.content.0: Invalid `signature` in `thinking` block"


async def test_a_block_of_another_model_is_dropped_not_refused(api: httpx.AsyncClient) -> None:
    body = await conversation(api) | {"model": "claude-haiku-5-5"}
    assert (await post(api, body))["stop_reason"] == "end_turn"


@pytest.mark.parametrize(
    ("model", "status", "kind"),
    [
        ("sandbox-overloaded", 529, "overloaded_error"),
        ("sandbox-rate-limited", 429, "rate_limit_error"),
        ("sandbox-down", 500, "api_error"),
    ],
)
async def test_a_model_id_can_ask_for_a_refusal(api: httpx.AsyncClient, model: str, status: int, kind: str) -> None:
    response = await api.post("/v1/messages", json=question(model=model))
    assert (response.status_code, response.json()["error"]["type"]) == (status, kind)
    assert (response.headers.get("retry-after") == "60") is (status == 429)


async def test_a_model_id_can_ask_for_a_broken_stream(api: httpx.AsyncClient) -> None:
    cut = await events(api, question("Hello", model="sandbox-cut-short"))
    broken = await events(api, question("Hello", model="sandbox-breaks"))
    assert "message_delta" not in [one["type"] for one in cut]
    assert broken[-1] == {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}


async def test_a_model_id_can_ask_for_misbehaviour(api: httpx.AsyncClient) -> None:
    invented = await post(api, question(model="sandbox-invents-tools"))
    guessed = await post(api, question(model="sandbox-answers-without-reading"))
    refused = await post(api, question(model="sandbox-refuses"))
    assert called(invented)[0] == "delete_repository"
    assert "login bug" in guessed["content"][-1]["text"]
    assert refused["stop_reason"] == "refusal"


async def test_after_reading_misbehaviour_goes_on_or_ends(api: httpx.AsyncClient) -> None:
    messages = [user("Work?" + CONTEXT), assistant(tool_use()), user([tool_result()])]
    looping = await post(api, question(model="sandbox-loops", messages=messages))
    citing = await post(api, question(model="sandbox-invents-citations", messages=messages))
    assert called(looping) == ["github_activity", "slack_mentions"]
    assert "evidence:gh-00000000" in citing["content"][-1]["text"]
