"""Claude over the wire: against the stand-in, and against an API that refuses, breaks off, drops and babbles."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pytest_django.fixtures import Settings

from agent import claude
from agent.briefing.working_week import WorkingWeek
from agent.errors import ModelError
from agent.model import AssistantMessage
from agent.prompts import user_message
from tests.agent import claude_server
from tests.agent.api.upstream import Upstream, told
from tests.agent.claude_server import END, HALF_A_TEXT, MESSAGE_START, MESSAGES, OVERLOADED, stream
from tests.agent.scripted import DEFAULT_TOOLS, NOW, kit

TOOLS = kit(*DEFAULT_TOOLS).toolkit.specs()
WEEK = WorkingWeek(time_zone=ZoneInfo("UTC"))
ASKED = user_message("What did I work on yesterday?", now=NOW, week=WEEK, user_name="Alice")
QUESTION = {"role": "user", "content": ASKED}


@pytest.fixture(autouse=True)
async def _client_of_one_test(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    monkeypatch.setenv("SANDBOX_CLAUDE_DELAY_MS", "0")
    settings.IS_MODEL_SIMULATED = True
    settings.CLAUDE_MODEL = "claude-sonnet-5-5"
    yield
    await claude.close()


@pytest.fixture(scope="module")
def stand_in_url() -> Iterator[str]:
    with claude_server.running() as url:
        yield url


@pytest.fixture
def stand_in(settings: Settings, stand_in_url: str) -> Settings:
    """The stand-in as the API; its model id chooses how it behaves."""
    settings.ANTHROPIC_BASE_URL = stand_in_url
    return settings


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Upstream]:
    """An API that answers what a test tells it to."""
    async with Upstream.running() as upstream:
        settings.ANTHROPIC_BASE_URL = upstream.url
        yield upstream


async def ask(*messages: dict[str, Any], system: str = "Read first.", **changes: Any) -> tuple[str, AssistantMessage]:
    question = {
        "system": system,
        "tools": TOOLS,
        "tool_choice": "auto",
        "max_tokens": 4000,
        "max_seconds": 60,
    } | changes
    pieces = [piece async for piece in claude.Claude().ask(messages=[*messages] or [QUESTION], **question)]
    assert isinstance(pieces[-1], AssistantMessage)
    return "".join(piece for piece in pieces if isinstance(piece, str)), pieces[-1]


async def code_of(*messages: dict[str, Any], **changes: Any) -> str:
    with pytest.raises(ModelError) as caught:
        await ask(*messages, **changes)
    return caught.value.code


def results_of(message: AssistantMessage) -> dict[str, Any]:
    """Return the user's turn that answers every call of `message` with nothing found."""
    called = [block["id"] for block in message.content if block["type"] == "tool_use"]
    content = '{"service":"github","items":[],"truncated":false,"warnings":[]}'
    return {
        "role": "user",
        "content": [{"type": "tool_result", "tool_use_id": one, "content": content} for one in called],
    }


@pytest.mark.usefixtures("stand_in")
async def test_tool_calls_come_as_json_that_can_be_sent_back() -> None:
    text, message = await ask()
    thinking, *calls = message.content
    assert (text, message.stop_reason) == ("", "tool_use")
    assert (thinking["type"], thinking["thinking"], bool(thinking["signature"])) == ("thinking", "", True)
    assert [call["name"] for call in calls] == ["github_activity", "calendar_agenda", "slack_mentions"]
    assert calls[0]["input"]["since"] == "2026-11-20"
    assert message.input_tokens > 0


@pytest.mark.usefixtures("stand_in")
async def test_a_turn_sent_back_whole_is_accepted_and_answered() -> None:
    _, first = await ask()
    text, second = await ask(QUESTION, {"role": "assistant", "content": first.content}, results_of(first))
    assert second.stop_reason == "end_turn"
    assert text == second.content[-1]["text"]
    assert "Nothing was found" in text


@pytest.mark.usefixtures("stand_in")
async def test_a_changed_prefix_is_a_bad_request() -> None:
    """A signature binds system prompt, tools and earlier messages."""
    _, first = await ask()
    turns = [QUESTION, {"role": "assistant", "content": first.content}, results_of(first)]
    assert await code_of(*turns, system="Another prompt.") == "bad_request"
    assert await code_of(*turns, tools=TOOLS[:-1]) == "bad_request"
    edited = QUESTION | {"content": "Something else."}
    assert await code_of(edited, *turns[1:]) == "bad_request"


@pytest.mark.usefixtures("stand_in")
async def test_told_not_to_call_tools_it_writes() -> None:
    text, message = await ask(tool_choice="none")
    assert text
    assert message.stop_reason == "end_turn"


@pytest.mark.parametrize(
    ("model", "code"),
    [
        ("sandbox-overloaded", "overloaded"),
        ("sandbox-rate-limited", "rate_limited"),
        ("sandbox-down", "unreachable"),
        ("sandbox-breaks", "cut_short"),
    ],
)
async def test_a_bad_day_of_the_api_has_a_code(
    stand_in: Settings, monkeypatch: pytest.MonkeyPatch, model: str, code: str
) -> None:
    monkeypatch.setattr(claude, "_FIRST_DELAY_SECONDS", 0.001)
    stand_in.CLAUDE_MODEL = model
    assert await code_of(tool_choice="none") == code


async def test_a_stream_that_stops_without_an_error_has_no_stop_reason(stand_in: Settings) -> None:
    stand_in.CLAUDE_MODEL = "sandbox-cut-short"
    _, message = await ask(tool_choice="none")
    assert message.stop_reason is None


async def test_a_refusal_is_told_by_its_stop_reason(stand_in: Settings) -> None:
    stand_in.CLAUDE_MODEL = "sandbox-refuses"
    _, message = await ask()
    assert message.stop_reason == "refusal"


async def test_the_request_is_what_the_models_take(api: Upstream, settings: Settings) -> None:
    """Source: https://platform.claude.com/docs/en/models/sonnet-5-5/migration-guide."""
    api.tell(MESSAGES, stream(MESSAGE_START, *HALF_A_TEXT, *END))
    settings.CLAUDE_EFFORT = "low"
    await ask(max_tokens=123)
    (request,) = api.received
    body = request.json
    assert request.headers["authorization"] == "Bearer sandbox"
    assert body.pop("messages") == [QUESTION]
    assert body.pop("tools") == TOOLS
    assert body == {
        "model": "claude-sonnet-5-5",
        "max_tokens": 123,
        "system": [{"type": "text", "text": "Read first.", "cache_control": {"type": "ephemeral"}}],
        "tool_choice": {"type": "auto"},
        "cache_control": {"type": "ephemeral"},
        "output_config": {"effort": "low"},
        "stream": True,
    }


@pytest.mark.parametrize(("is_taken", "sent"), [(True, "any"), (False, "auto")])
async def test_a_tool_is_forced_only_where_the_model_takes_it(
    api: Upstream, settings: Settings, *, is_taken: bool, sent: str
) -> None:
    """Source: https://platform.claude.com/docs/en/models/sonnet-5-5/migration-guide: it answers 400."""
    settings.CLAUDE_FORCES_TOOLS = is_taken
    api.tell(MESSAGES, stream(MESSAGE_START, *HALF_A_TEXT, *END))
    await ask(tool_choice="any")
    assert api.received[0].json["tool_choice"] == {"type": sent}


async def test_the_last_question_forbids_tools_without_dropping_them(api: Upstream) -> None:
    api.tell(MESSAGES, stream(MESSAGE_START, *HALF_A_TEXT, *END))
    await ask(tool_choice="none")
    body = api.received[0].json
    assert (body["tool_choice"], body["tools"]) == ({"type": "none"}, TOOLS)


async def test_the_configured_key_is_used_and_no_other(
    api: Upstream, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-somebody-else")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    settings.IS_MODEL_SIMULATED = False
    settings.ANTHROPIC_API_KEY = "sk-ant-configured"
    api.tell(MESSAGES, stream(MESSAGE_START, *HALF_A_TEXT, *END))
    await ask()
    assert api.received[0].headers["authorization"] == "Bearer sk-ant-configured"


async def test_without_a_key_nothing_is_sent(
    api: Upstream, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-of-somebody-else")
    settings.HAS_MODEL = settings.IS_MODEL_SIMULATED = False
    settings.ANTHROPIC_API_KEY = ""
    assert await code_of() == "no_model"
    assert api.received == []


async def test_cached_tokens_count_as_input(api: Upstream) -> None:
    api.tell(MESSAGES, stream(MESSAGE_START, *HALF_A_TEXT, *END))
    _, message = await ask()
    assert (message.input_tokens, message.output_tokens) == (107, 9)


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (400, "invalid_request_error", "bad_request"),
        (401, "authentication_error", "unauthorized"),
        (402, "billing_error", "unauthorized"),
        (403, "permission_error", "unauthorized"),
        (404, "not_found_error", "bad_request"),
        (413, "request_too_large", "bad_request"),
    ],
)
async def test_a_refusal_is_not_tried_again(api: Upstream, status: int, kind: str, code: str) -> None:
    error = {"type": "error", "error": {"type": kind, "message": "sk-ant-secret"}}
    api.tell(MESSAGES, told(error, status=status))
    with pytest.raises(ModelError) as caught:
        await ask()
    assert (caught.value.code, len(api.received)) == (code, 1)
    assert "secret" not in f"{caught.value!r} {caught.value.message} {caught.value.__cause__}"


@pytest.mark.parametrize(("status", "code"), [(429, "rate_limited"), (500, "unreachable"), (529, "overloaded")])
async def test_a_passing_trouble_is_tried_three_times(
    api: Upstream, monkeypatch: pytest.MonkeyPatch, status: int, code: str
) -> None:
    monkeypatch.setattr(claude, "_FIRST_DELAY_SECONDS", 0.001)
    api.tell(MESSAGES, told({}, status=status))
    assert await code_of() == code
    assert len(api.received) == 3


async def test_a_trouble_that_passes_leaves_no_trace(api: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claude, "_FIRST_DELAY_SECONDS", 0.001)
    whole = stream(MESSAGE_START, *HALF_A_TEXT, *END)
    api.tell(MESSAGES, told({}, status=529), stream(MESSAGE_START, OVERLOADED), whole)
    text, message = await ask()
    assert (text, message.stop_reason) == ("Half an", "end_turn")


async def test_a_wait_that_is_asked_for_is_kept_or_refused(api: Upstream) -> None:
    whole = stream(MESSAGE_START, *HALF_A_TEXT, *END)
    api.tell(MESSAGES, told({}, status=429, headers={"retry-after": "0.2"}), whole)
    started = time.monotonic()
    await ask()
    assert time.monotonic() - started >= 0.2
    api.tell(MESSAGES, told({}, status=429, headers={"retry-after": "60"}), whole)
    assert await code_of() == "rate_limited"


async def test_an_error_after_the_first_text_is_final(api: Upstream) -> None:
    """Inside a stream the SDK's error carries status 200."""
    api.tell(MESSAGES, stream(MESSAGE_START, *HALF_A_TEXT, OVERLOADED))
    assert await code_of() == "cut_short"
    assert len(api.received) == 1


async def test_a_connection_dropped_after_the_first_text_is_final(api: Upstream) -> None:
    api.tell(MESSAGES, stream(MESSAGE_START, *HALF_A_TEXT, is_whole=False))
    assert await code_of() == "cut_short"
    assert len(api.received) == 1


@pytest.mark.parametrize(
    "babble",
    [
        stream(MESSAGE_START, is_whole=False),
        stream(b"event: message_start\ndata: {not json\n\n"),
        stream({"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}}),
        stream({"type": "message_start", "message": None}),
    ],
)
async def test_what_is_no_stream_of_the_api_is_unreachable(
    api: Upstream, monkeypatch: pytest.MonkeyPatch, babble: Any
) -> None:
    monkeypatch.setattr(claude, "_FIRST_DELAY_SECONDS", 0.001)
    api.tell(MESSAGES, babble)
    assert await code_of() == "unreachable"
    assert len(api.received) == 3


async def test_nobody_at_the_address_is_unreachable(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claude, "_FIRST_DELAY_SECONDS", 0.001)
    async with Upstream.running() as gone:
        settings.ANTHROPIC_BASE_URL = gone.url
    assert await code_of() == "unreachable"


async def test_a_redirect_is_not_followed(api: Upstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """The conversation holds private data; only the configured address gets it."""
    monkeypatch.setattr(claude, "_FIRST_DELAY_SECONDS", 0.001)
    api.tell(MESSAGES, told({}, status=307, headers={"location": f"{api.url}/elsewhere"}))
    assert await code_of() == "unreachable"
    assert {request.path for request in api.received} == {MESSAGES}


async def test_cancelling_closes_the_connection(api: Upstream) -> None:
    api.tell(MESSAGES, told({}, pause_seconds=60))
    task = asyncio.create_task(ask())
    await api.has_request.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_malformed_arguments_of_a_call_become_a_call_that_no_tool_takes(api: Upstream) -> None:
    call = {"type": "tool_use", "id": "toolu_1", "name": "github_activity", "input": {}}
    delta = {"type": "input_json_delta", "partial_json": '{"since": "2026'}
    start = {"type": "content_block_start", "index": 0, "content_block": call}
    api.tell(MESSAGES, stream(MESSAGE_START, start, {"type": "content_block_delta", "index": 0, "delta": delta}, *END))
    _, message = await ask()
    assert message.content == [call | {"input": {"malformed_json": True}}]


async def test_an_empty_text_is_left_out_because_the_api_takes_none_back(api: Upstream) -> None:
    empty = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    api.tell(MESSAGES, stream(MESSAGE_START, empty, *END))
    _, message = await ask()
    assert message.content == []


async def test_blocks_that_are_not_known_are_sent_back_as_they_came(api: Upstream) -> None:
    block = {"type": "redacted_thinking", "data": "opaque"}
    new = {"type": "block_of_tomorrow", "payload": {"a": [1, None]}}
    starts = [
        {"type": "content_block_start", "index": index, "content_block": one} for index, one in enumerate((block, new))
    ]
    api.tell(MESSAGES, stream(MESSAGE_START, *starts, *END))
    _, message = await ask()
    assert message.content == [block, new]


def test_starting_django_does_not_import_the_sdk() -> None:
    code = (
        "import django, sys; django.setup(); import agent.claude; print([m for m in sys.modules if m == 'anthropic'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


async def test_no_environment_makes_the_sdk_log_prompts() -> None:
    code = (
        "import logging, django; django.setup(); from agent.claude import _import; _import();"
        "print([logging.getLogger(name).getEffectiveLevel() for name in ('anthropic', 'httpx2')])"
    )
    done = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, env=os.environ | {"ANTHROPIC_LOG": "debug"}, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await done.communicate()
    assert printed.decode().strip() == "[30, 30]"


async def test_runs_that_begin_together_share_one_client() -> None:
    clients = await asyncio.gather(claude._client(), claude._client(), claude._client())
    assert all(client is clients[0] for client in clients)
