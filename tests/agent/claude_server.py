"""The stand-in for the Messages API on a port of loopback, and answers of an API that goes wrong on the wire."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount

from devcontext.sandbox.claude.api import claude_routes
from tests.agent.api.upstream import Told
from tests.serving import serve_app

MESSAGES = "/v1/messages"


@contextmanager
def running() -> Iterator[str]:
    """Serve the stand-in and yield its address."""
    with serve_app(lambda _url: Starlette(routes=[Mount("/claude", routes=claude_routes())])) as url:
        yield f"{url}/claude"


def event(kind: str, **fields: Any) -> dict[str, Any]:
    """Return one event of the API's stream."""
    return {"type": kind, **fields}


MESSAGE_START = event(
    "message_start",
    message={
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5-5",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "cache_read_input_tokens": 100, "output_tokens": 1},
    },
)
HALF_A_TEXT = [
    event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
    event("content_block_delta", index=0, delta={"type": "text_delta", "text": "Half an"}),
]
END = [
    event("content_block_stop", index=0),
    event("message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": 9}),
    event("message_stop"),
]
OVERLOADED = event("error", error={"type": "overloaded_error", "message": "Overloaded"})


def stream(*events: dict[str, Any] | bytes, is_whole: bool = True) -> Told:
    """Return an answer that streams `events`; one that is not whole promises more bytes than it sends."""
    frames = b"".join(
        one if isinstance(one, bytes) else f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode()
        for one in events
    )
    length = len(frames) + (0 if is_whole else 1000)
    head = (
        f"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    )
    return Told((head.encode() + frames,))


def text(*parts: str) -> list[dict[str, Any]]:
    """Return the events of one block of text, without its end."""
    return [
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(event("content_block_delta", index=0, delta={"type": "text_delta", "text": part}) for part in parts),
    ]


def call(name: str, arguments: str, *, index: int = 0, call_id: str = "toolu_1") -> list[dict[str, Any]]:
    """Return the events of one tool call, with `arguments` as the JSON that was written."""
    block = {"type": "tool_use", "id": call_id, "name": name, "input": {}}
    delta = {"type": "input_json_delta", "partial_json": arguments}
    return [
        event("content_block_start", index=index, content_block=block),
        event("content_block_delta", index=index, delta=delta),
        event("content_block_stop", index=index),
    ]


def end(stop_reason: str | None) -> list[dict[str, Any]]:
    """Return the end of an answer."""
    delta = {"stop_reason": stop_reason, "stop_sequence": None}
    return [event("message_delta", delta=delta, usage={"output_tokens": 9}), event("message_stop")]
