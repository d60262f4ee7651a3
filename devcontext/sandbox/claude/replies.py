"""A reply of the stand-in: its blocks and how it stops, as one JSON message or as the API's stream of events."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from devcontext.sandbox.claude.request import Block, Question

# The API sends a few words at a time.
_PIECE = re.compile(r"\S+\s*(?:\S+\s*)?")
_CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Reply:
    """What the stand-in says: content blocks without thinking, and the API's stop reason."""

    blocks: tuple[Block, ...]
    stop_reason: str = "end_turn"


def text(words: str, *, stop_reason: str = "end_turn") -> Reply:
    """Return a reply of text."""
    return Reply(({"type": "text", "text": words},), stop_reason)


def calls(wanted: list[tuple[str, dict[str, Any]]]) -> Reply:
    """Return a reply that calls tools, given as (name, input)."""
    blocks = [
        {"type": "tool_use", "id": f"toolu_{uuid4().hex[:24]}", "name": name, "input": value} for name, value in wanted
    ]
    return Reply(tuple(blocks), "tool_use")


def write_message(question: Question, reply: Reply, *, signature: str) -> dict[str, Any]:
    """Return the whole message, a thinking block with empty text first, cut off at `max_tokens`."""
    blocks, stop_reason = _cut(reply, max_characters=question.max_tokens * _CHARACTERS_PER_TOKEN)
    return {
        "id": f"msg_{uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": question.model,
        "content": [{"type": "thinking", "thinking": "", "signature": signature}, *blocks],
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "usage": {
            "input_tokens": question.size_characters // _CHARACTERS_PER_TOKEN,
            "output_tokens": len(json.dumps(blocks, ensure_ascii=False)) // _CHARACTERS_PER_TOKEN,
        },
    }


def write_events(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the events that stream `message`, in the API's order."""
    start = message | {"content": [], "stop_reason": None, "usage": message["usage"] | {"output_tokens": 1}}
    yield {"type": "message_start", "message": start}
    yield {"type": "ping"}
    for index, block in enumerate(message["content"]):
        empty, deltas = _deltas(block)
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": message["stop_reason"], "stop_sequence": None},
        "usage": {"output_tokens": message["usage"]["output_tokens"]},
    }
    yield {"type": "message_stop"}


def _deltas(block: Block) -> tuple[Block, list[dict[str, Any]]]:
    match block["type"]:
        case "thinking":
            return block | {"signature": ""}, [{"type": "signature_delta", "signature": block["signature"]}]
        case "tool_use":
            arguments = json.dumps(block["input"], ensure_ascii=False)
            parts = ["", arguments[: len(arguments) // 2], arguments[len(arguments) // 2 :]]
            return block | {"input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]
        case _:
            pieces = _PIECE.findall(block["text"])
            return block | {"text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces]


def _cut(reply: Reply, *, max_characters: int) -> tuple[list[Block], str]:
    blocks: list[Block] = []
    for block in reply.blocks:
        size = len(block["text"]) if block["type"] == "text" else len(json.dumps(block["input"]))
        if size > max_characters:
            cut = [block | {"text": block["text"][:max_characters]}] if block["type"] == "text" else []
            return [*blocks, *cut], "max_tokens"
        max_characters -= size
        blocks.append(block)
    return blocks, reply.stop_reason
