"""A stand-in for the Messages API that costs next to nothing: three tool calls, then pieces of text at a fixed pace.

It also stands in for the reads of a peer that has no providers (`/read/…`), and tells what it was asked (`/asked`).
"""

import asyncio
import json
import re
import time
from typing import Any

# Before the first piece of an answer, and between two: 50 pieces a second.
FIRST_SECONDS = 0.2
PACE_SECONDS = 0.02
TOOLS = ("github_activity", "calendar_agenda", "slack_mentions")
_PIECES = re.compile(r"in (\d+) pieces")
_PIECE = "A sentence of seven words is written. "
# As many bytes as a tool of ours gives the model.
_READ = json.dumps({"items": [{"title": "#1 One of the things that were read", "number": 1}] * 24}).encode()

_asked: list[dict[str, Any]] = []


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer one request."""
    if scope["type"] != "http":
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    if scope["path"] == "/v1/messages":
        await _answer(body, send=send)
    elif scope["path"] == "/asked":
        await _send(send, json.dumps(_asked).encode())
        _asked.clear()
    else:
        await _send(send, _READ)


async def _answer(body: bytes, *, send: Any) -> None:
    started = time.monotonic()
    request = json.loads(body)
    last = request["messages"][-1]["content"]
    is_read = isinstance(last, list) and any(block["type"] == "tool_result" for block in last)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    await asyncio.sleep(FIRST_SECONDS)
    usage = {"input_tokens": 1, "output_tokens": 1, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": request["model"], "content": []}
    await _event(send, "message_start", message=head | {"stop_reason": None, "stop_sequence": None, "usage": usage})
    await (_write(body, send=send, started=started) if is_read else _call(send))
    delta = {"stop_reason": "end_turn" if is_read else "tool_use", "stop_sequence": None}
    await _event(send, "message_delta", delta=delta, usage={"output_tokens": 200})
    await _event(send, "message_stop")
    _asked.append({"bytes": len(body), "seconds": time.monotonic() - started})
    await send({"type": "http.response.body", "body": b""})


async def _write(body: bytes, *, send: Any, started: float) -> None:
    """Write the answer. Each piece has its instant, so that a busy machine makes none of them later than one."""
    found = _PIECES.search(body.decode())
    await _event(send, "content_block_start", index=0, content_block={"type": "text", "text": ""})
    for number in range(int(found[1]) if found else 200):
        await asyncio.sleep(started + FIRST_SECONDS + number * PACE_SECONDS - time.monotonic())
        text = _PIECE + ("\n\n" if number % 10 == 9 else "")  # noqa: PLR2004, a paragraph has ten sentences
        await _event(send, "content_block_delta", index=0, delta={"type": "text_delta", "text": text})
    await _event(send, "content_block_stop", index=0)


async def _call(send: Any) -> None:
    for index, name in enumerate(TOOLS):
        call = {"type": "tool_use", "id": f"toolu_{index}", "name": name, "input": {}}
        await _event(send, "content_block_start", index=index, content_block=call)
        delta = {"type": "input_json_delta", "partial_json": "{}"}
        await _event(send, "content_block_delta", index=index, delta=delta)
        await _event(send, "content_block_stop", index=index)


async def _event(send: Any, kind: str, **fields: Any) -> None:
    body = f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
    await send({"type": "http.response.body", "body": body, "more_body": True})


async def _send(send: Any, body: bytes) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})
