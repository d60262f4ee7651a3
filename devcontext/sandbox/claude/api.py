"""A stand-in for the Messages API, so that DevContext can be tried and tested without a key; it says so everywhere.

It checks what the API checks, speaks the API's stream, and answers by rules from what it is sent. No model is in it.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from devcontext.sandbox.claude.behaviours import Behaviour, behaviour_of
from devcontext.sandbox.claude.replies import write_events, write_message
from devcontext.sandbox.claude.request import APIError, parse, refuse
from devcontext.sandbox.claude.signature import sign, verify

# The ids that DevContext offers; the API lists them with their limits.
_MODELS = (
    {"id": "claude-sonnet-5-5", "display_name": "Claude Sonnet 5.5 (sandbox stand-in)"},
    {"id": "claude-haiku-5-5", "display_name": "Claude Haiku 5.5 (sandbox stand-in)"},
)
# The API's own limit. Source: https://platform.claude.com/docs/en/api/errors#request-size-limits.
_MAX_BODY_BYTES = 32 * 1024 * 1024


def claude_routes() -> list[Route]:
    """Return the routes, relative to where the sandbox mounts them."""
    return [
        Route("/v1/messages", create_message, methods=["POST"]),
        Route("/v1/models", list_models, methods=["GET"]),
    ]


async def create_message(request: Request) -> Response:
    """Answer `POST /v1/messages`, streamed if asked to."""
    try:
        _authenticate(request)
        body = await _body(request)
        question = parse(body, size_characters=len(json.dumps(body, ensure_ascii=False)))
        verify(question)
        behaviour = behaviour_of(question.model)
        if behaviour.refusal is not None:
            raise behaviour.refusal()
    except APIError as error:
        return JSONResponse(error.body(), status_code=error.status, headers=error.headers)
    signature = sign(question, turns=question.turns)
    message = write_message(question, behaviour.reply(question), signature=signature)
    if not question.is_stream:
        return JSONResponse(message)
    return StreamingResponse(_stream(message, behaviour=behaviour), media_type="text/event-stream")


async def list_models(request: Request) -> Response:
    """Answer `GET /v1/models`."""
    try:
        _authenticate(request)
    except APIError as error:
        return JSONResponse(error.body(), status_code=error.status)
    models = [{"type": "model", "created_at": "2026-09-28T00:00:00Z"} | model for model in _MODELS]
    return JSONResponse({"data": models, "has_more": False, "first_id": models[0]["id"], "last_id": models[-1]["id"]})


async def _stream(message: dict[str, Any], *, behaviour: Behaviour) -> AsyncIterator[bytes]:
    pause_seconds = int(os.environ.get("SANDBOX_CLAUDE_DELAY_MS") or 15) / 1000
    events = list(write_events(message))
    if behaviour.ending != "whole":
        events = events[: len(events) // 2]
    for event in events:
        yield _frame(event)
        if event["type"] == "content_block_delta":
            await asyncio.sleep(pause_seconds)
    if behaviour.ending == "error":
        yield _frame({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})


def _frame(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()


def _authenticate(request: Request) -> None:
    """Take any key: there is nothing to protect, but a client that sends none has a mistake in it."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    is_bearer = scheme.lower() == "bearer" and bool(token.strip())
    if not is_bearer and not request.headers.get("x-api-key", "").strip():
        raise APIError(401, "authentication_error", "x-api-key header is required")


async def _body(request: Request) -> Any:
    raw = await request.body()
    if len(raw) > _MAX_BODY_BYTES:
        raise APIError(413, "request_too_large", "Request exceeds the maximum size")
    try:
        return json.loads(raw)
    except ValueError:
        raise refuse("The request body is not valid JSON.") from None
