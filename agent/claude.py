"""Asks Claude through the Messages API; the only importer of `anthropic`.

It knows nothing of runs and tools. No token, prompt or text of an exception leaves it: every failure is a `ModelError`
with a fixed sentence.
"""

import asyncio
import json
import logging
import random
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django.conf import settings

from agent.claude_errors import RETRIED, code_of, model_error
from agent.claude_message import MessageBuilder
from agent.model import AssistantMessage, ToolChoice

if TYPE_CHECKING:
    import ssl

    import anthropic
    import httpx2

# A connection takes milliseconds; the API sends pings while the model thinks, so a minute of silence is a dead one.
_CONNECT_SECONDS = 5.0
_SILENCE_SECONDS = 60.0
# An operator waits for it in front of a page.
_LIST_SECONDS = 10.0
# Three attempts span about two seconds: enough for a dropped connection or a short overload, not noticed by a reader.
_ATTEMPTS = 3
_FIRST_DELAY_SECONDS = 0.5
_DAY_SECONDS = 86_400.0
# A person waits for the answer. Asked to wait longer than this, the run says so instead.
_MAX_DELAY_SECONDS = 5.0
# The API ends an answer at `max_tokens`; another server that speaks its protocol may not. A token is about four
# characters, and what comes with thinking is not counted in tokens; an answer beyond both is given up.
_MAX_CHARACTERS = 100_000
_MAX_CHARACTERS_PER_TOKEN = 20

_clients: "WeakKeyDictionary[asyncio.AbstractEventLoop, anthropic.AsyncAnthropic]" = WeakKeyDictionary()


class Claude:
    """The model of the settings, as `agent.loop.Model` wants it; the stand-in is the same API at another address."""

    async def ask(
        self,
        *,
        system: str,
        messages: list[dict[str, Any]],
        tools: list[dict[str, Any]],
        tool_choice: ToolChoice,
        max_tokens: int,
        max_seconds: float,
    ) -> AsyncGenerator[str | AssistantMessage, None]:
        """Yield the text as it comes, and the whole message last.

        A failure before the first piece of text is tried again, twice at most, unless the wait before it would outlast
        `max_seconds`. After the first piece it is final, because a second answer would not continue the first.

        Raises:
            agent.errors.ModelError: See its codes.
        """
        if not settings.HAS_MODEL:
            raise model_error("no_model")
        request = _request(
            system=system, messages=messages, tools=tools, tool_choice=tool_choice, max_tokens=max_tokens
        )
        client = await _client()
        give_up_at = time.monotonic() + max_seconds
        for attempt in range(_ATTEMPTS):
            has_yielded = False
            try:
                async with aclosing(_stream(client, request)) as pieces:
                    async for piece in pieces:
                        has_yielded = True
                        yield piece
            except _AttemptError as error:
                if has_yielded:
                    raise model_error("cut_short") from None
                await _wait(error, attempt=attempt, give_up_at=give_up_at)
            else:
                return


async def list_models() -> frozenset[str]:
    """Return the ids of the models that the API offers for this installation's key; asking costs nothing.

    Source: https://platform.claude.com/docs/en/api/models/list. Its page of 1000 holds them all.

    Raises:
        agent.errors.ModelError: See its codes.
    """
    if not settings.HAS_MODEL:
        raise model_error("no_model")
    client = await _client()
    sdk, httpx2 = _import()
    try:
        offered = await client.models.list(limit=1000, timeout=_LIST_SECONDS)
        return frozenset(model.id for model in offered.data)
    except sdk.APIStatusError as error:
        raise model_error(_classify(error.response, error_type=error.type).code) from None
    except (sdk.APIError, httpx2.TransportError, AttributeError, TypeError, ValueError):
        raise model_error("unreachable") from None


async def warm_up() -> None:
    """Import the SDK, which takes seconds, in a thread, so that the first question need not wait for it."""
    if settings.HAS_MODEL:
        await asyncio.to_thread(_import)


async def close() -> None:
    """Close this event loop's client, at shutdown."""
    client = _clients.pop(asyncio.get_running_loop(), None)
    if client is not None:
        await client.close()


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why one attempt gave no whole answer, and how long the API asks to wait before the next."""

    code: str
    retry_after_seconds: float | None = None


class _AttemptError(Exception):
    """One attempt failed; it never leaves this module."""

    def __init__(self, failure: _Failure) -> None:
        super().__init__(failure.code)
        self.failure = failure


def _request(
    *,
    system: str,
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]],
    tool_choice: ToolChoice,
    max_tokens: int,
) -> dict[str, Any]:
    """Return the body of the question.

    `thinking` stays out: adaptive thinking is the 5.5 models' default, and other models keep theirs. A tool is forced
    only where the operator says that the model takes it: Opus 5.5, Sonnet 5.5 and Fable 5.1 answer 400. The marker on
    the system prompt caches it and the tools for every user; the one at the top caches the conversation so far.
    Source: https://platform.claude.com/docs/en/models/sonnet-5-5/migration-guide.
    """
    cache = {"type": "ephemeral"}
    is_unforced = tool_choice == "any" and not settings.CLAUDE_FORCES_TOOLS
    request: dict[str, Any] = {
        "model": settings.CLAUDE_MODEL,
        "max_tokens": max_tokens,
        "system": [{"type": "text", "text": system, "cache_control": cache}],
        "messages": messages,
        "tools": tools,
        "tool_choice": {"type": "auto" if is_unforced else tool_choice},
        "cache_control": cache,
    }
    if settings.CLAUDE_EFFORT:
        request["output_config"] = {"effort": settings.CLAUDE_EFFORT}
    return request


async def _stream(
    client: "anthropic.AsyncAnthropic", request: dict[str, Any]
) -> AsyncGenerator[str | AssistantMessage, None]:
    """Ask once.

    Raises:
        _AttemptError: The API refused, could not be reached, or sent what is not an answer.
    """
    sdk, httpx2 = _import()
    builder = MessageBuilder(max_characters=_MAX_CHARACTERS + request["max_tokens"] * _MAX_CHARACTERS_PER_TOKEN)
    try:
        async with client.messages.with_streaming_response.create(**request, stream=True) as response:
            # The events as they were sent: the SDK's models of them take four times as long as reading their JSON, and
            # what is sent back is to be what came.
            async for sent in sdk.AsyncStream.raw_events(response.http_response):
                if sent.event in (None, "ping") or not sent.data:
                    continue
                event = json.loads(sent.data)
                if sent.event == "error":
                    raise _AttemptError(_classify(response, error_type=event["error"]["type"]))
                if text := builder.add(event):
                    yield text
                if builder.is_full:
                    break
        message = builder.finish()
    except sdk.APIStatusError as error:
        raise _AttemptError(_classify(error.response, error_type=error.type)) from None
    except (sdk.APIError, httpx2.TransportError, AttributeError, LookupError, TypeError, ValueError):
        # Not reached, dropped on the way, or not the stream that the API documents.
        raise _AttemptError(_Failure("unreachable")) from None
    yield message


def _classify(response: "httpx2.Response | anthropic.AsyncAPIResponse[Any]", *, error_type: str | None) -> _Failure:
    code = code_of(status=response.status_code, error_type=error_type or "")
    try:
        retry_after_seconds = float(response.headers["retry-after"])
    except (KeyError, ValueError):
        return _Failure(code)
    # What is no time, such as `nan` or one that is over, says nothing.
    return _Failure(code, retry_after_seconds) if 0 < retry_after_seconds < _DAY_SECONDS else _Failure(code)


async def _wait(error: _AttemptError, *, attempt: int, give_up_at: float) -> None:
    """Wait before the next attempt.

    Raises:
        agent.errors.ModelError: There is none: this was the last, or waiting would not help or take too long.
    """
    failure = error.failure
    # The random part keeps runs that failed together from asking again together.
    delay = failure.retry_after_seconds or _FIRST_DELAY_SECONDS * 2**attempt * random.uniform(0.75, 1.25)  # noqa: S311
    max_delay = min(_MAX_DELAY_SECONDS, give_up_at - time.monotonic())
    if attempt == _ATTEMPTS - 1 or failure.code not in RETRIED or delay > max_delay:
        raise model_error(failure.code, retry_after_seconds=failure.retry_after_seconds) from None
    await asyncio.sleep(delay)


async def _client() -> "anthropic.AsyncAnthropic":
    """Return this event loop's client, made on first use."""
    loop = asyncio.get_running_loop()
    if loop not in _clients:
        await warm_up()
    # Asked again after the wait, in which another run may have connected.
    if loop not in _clients:
        _clients[loop] = _connect()
    return _clients[loop]


def _connect() -> "anthropic.AsyncAnthropic":
    key = "sandbox" if settings.IS_MODEL_SIMULATED else settings.ANTHROPIC_API_KEY
    sdk, httpx2 = _import()
    # Key and address are explicit so that no profile or variable of the machine decides where prompts go. Redirects
    # are refused for the same reason, and a proxy of the environment never sees the stand-in on this machine.
    client: anthropic.AsyncAnthropic = sdk.AsyncAnthropic(
        api_key=key,
        base_url=settings.ANTHROPIC_BASE_URL,
        max_retries=0,
        open_telemetry=False,
        http_client=httpx2.AsyncClient(
            timeout=httpx2.Timeout(_SILENCE_SECONDS, connect=_CONNECT_SECONDS),
            follow_redirects=False,
            trust_env=not settings.IS_MODEL_SIMULATED,
            verify=_tls(),
        ),
    )
    return client


@cache
def _tls() -> "ssl.SSLContext":
    """Return whom to believe, loaded once: a worker connects anew for each briefing."""
    _, httpx2 = _import()
    tls: ssl.SSLContext = httpx2.create_ssl_context()
    return tls


def _import() -> tuple[Any, Any]:
    """Return `anthropic` and `httpx2`: importing them takes two seconds, which no command and no page should pay."""
    import anthropic  # noqa: PLC0415
    import anthropic.resources.messages  # noqa: PLC0415
    import httpx2  # noqa: PLC0415

    # SECURITY: with ANTHROPIC_LOG=debug in the environment the SDK would log prompts and answers.
    for name in ("anthropic", "httpx2"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return anthropic, httpx2
