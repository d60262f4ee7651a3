"""How we ask, judged by `llmock`: a Messages API that fails on command and grades what its client makes of it."""

from collections.abc import AsyncIterator

import pytest
from llmock.pytest_plugin import LLMock
from pytest_django.fixtures import Settings

from agent import claude
from agent.briefing.types import Read
from agent.errors import ModelError
from agent.loop import run_loop
from tests.agent.scripted import ACTIVITY, BUDGET, DEFAULT_TOOLS, QUESTION, kit, shown

ANSWER = "You merged number 412 on Friday."


@pytest.fixture
async def api(llmock: LLMock, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LLMock]:
    """The grader as the API; it calls no tool of its own accord."""
    monkeypatch.setattr(claude, "_FIRST_DELAY_SECONDS", 0.1)
    settings.IS_MODEL_SIMULATED = True
    settings.ANTHROPIC_BASE_URL = llmock.base_url("anthropic")
    # As a process does at its start: importing the SDK is no part of a run's time.
    await claude.warm_up()
    yield llmock.tool_mode("off")
    await claude.close()


async def brief() -> str:
    """Return what a briefing of one read shows, or the code of why there is none."""
    events = run_loop(
        model=claude.Claude(),
        system="Read first.",
        messages=[QUESTION],
        toolkit=kit(*DEFAULT_TOOLS).toolkit,
        budget=BUDGET,
        first_reads=(Read(*ACTIVITY),),
    )
    try:
        return shown([event async for event in events])
    except ModelError as error:
        return error.code


async def test_an_ordinary_server_of_the_protocol_is_enough(api: LLMock) -> None:
    api.reply(ANSWER)
    assert await brief() == ANSWER
    api.assert_resilient(strict=True)


async def test_a_rate_limit_is_waited_out(api: LLMock) -> None:
    api.rate_limit(times=2, retry_after=0.3).reply(ANSWER)
    assert await brief() == ANSWER
    assert len(api.requests) == 3
    api.assert_resilient(strict=True)


@pytest.mark.parametrize("status", [500, 503, 529])
async def test_a_short_outage_is_outlasted(api: LLMock, status: int) -> None:
    api.fail(status).reply(ANSWER)
    assert await brief() == ANSWER
    api.assert_resilient(strict=True)


async def test_a_long_outage_is_not_hammered(api: LLMock) -> None:
    api.outage(status=529)
    assert await brief() == "overloaded"
    assert len(api.requests) == 3
    api.assert_resilient(strict=True)


@pytest.mark.parametrize(("status", "code"), [(401, "unauthorized"), (403, "unauthorized"), (404, "bad_request")])
async def test_what_no_retry_mends_is_not_retried(api: LLMock, status: int, code: str) -> None:
    api.fail(status)
    assert await brief() == code
    api.assert_resilient(strict=True)


async def test_a_conversation_too_long_is_not_sent_again(api: LLMock) -> None:
    api.context_overflow()
    assert await brief() == "bad_request"
    api.assert_resilient(strict=True)


@pytest.mark.parametrize("chunks", [1, 2, 3, 5])
async def test_a_truncated_stream_is_no_answer(api: LLMock, chunks: int) -> None:
    api.truncate(after_chunks=chunks).reply(ANSWER, times=2)
    assert await brief() == ANSWER
    api.assert_resilient(strict=True)


@pytest.mark.parametrize("chunks", [1, 3, 5])
async def test_a_dropped_connection_is_no_answer(api: LLMock, chunks: int) -> None:
    api.disconnect(after_chunks=chunks).reply(ANSWER, times=2)
    assert await brief() == ANSWER
    api.assert_resilient(strict=True)


@pytest.mark.parametrize("chunks", [1, 3, 5])
async def test_a_chunk_that_is_no_json_is_no_answer(api: LLMock, chunks: int) -> None:
    api.corrupt(after_chunks=chunks).reply(ANSWER, times=2)
    assert await brief() == ANSWER
    assert len(api.requests) == 2
    # Not strict: it warns that a chunk was ignored whenever it had sent the rest before we hung up.
    api.assert_resilient()


@pytest.mark.parametrize("chunks", [1, 3])
async def test_a_stream_that_stalls_is_given_up_and_asked_again(
    api: LLMock, monkeypatch: pytest.MonkeyPatch, chunks: int
) -> None:
    await claude.close()
    monkeypatch.setattr(claude, "_SILENCE_SECONDS", 0.5)
    api.stall(after_chunks=chunks, seconds=20).reply(ANSWER, times=2)
    assert await brief() == ANSWER
    api.assert_resilient(strict=True)


@pytest.mark.parametrize("kind", ["malformed_arguments", "unknown_tool"])
async def test_a_broken_tool_call_is_answered_with_a_refusal(api: LLMock, kind: str) -> None:
    api.call_tool("github_activity", {"since": "2026-11-20"}).break_tool_call(kind)
    assert (await brief()).strip()
    assert len(api.requests) == 2
    api.assert_resilient(strict=True)
